//! What the client costs over async-tungstenite alone: `cargo bench --bench overhead`.
//!
//! Both do the same work in the same run, in turns, with the same executor, socket options and
//! buffers; a figure is a median. Processor time is that of the whole process, the thread of the
//! timers included; the servers are another process. Instructions are counted by valgrind, under
//! which this program runs itself again, on byte streams in memory, so that they are the same each
//! time; each count is taken of N and of 3N messages, and the difference is free of the start-up.
//!
//! It ends with one line for each metric, `name measured limit ok|OVER`, and exits with 1 if one is
//! over. `UPDATE_DOCS` writes the table to `docs/performance.md`, too. Without `--bench`, as
//! `cargo test --benches` runs it, each scenario is played once, small, and nothing is judged.

mod beating;
mod burst;
mod clients;
mod clocks;
mod counted;
mod echo;
mod half_open;
mod idle;
mod one_at_a_time;
mod peers;
mod reopening;
mod server;
mod table;

use std::{
    alloc::System,
    env,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::{server::Server, table::Table};

/// Both clients pay for the counting.
#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What each message holds.
const PAYLOAD: [u8; 64] = [b'x'; 64];

/// The argument that makes this program play what is counted, for valgrind.
const PLAY: &str = "--play";

/// Whether it is in earnest.
static TIMED: AtomicBool = AtomicBool::new(false);

fn is_timed() -> bool {
    TIMED.load(Relaxed)
}

/// So many times, or a hundredth of it if only the scenarios are to be played.
fn times(count: usize) -> usize {
    if is_timed() { count } else { count.div_ceil(100) }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [server::SERVE] => {
            server::serve().expect("a server on loopback");
            return ExitCode::SUCCESS;
        }
        [PLAY, name, messages] => {
            counted::play(name, messages.parse().expect("a number of messages"));
            return ExitCode::SUCCESS;
        }
        [idle::BEAT, kind, address, connections] => {
            idle::beat_here(kind, address, connections.parse().expect("a number of connections"));
            return ExitCode::SUCCESS;
        }
        [idle::HOLD, kind, address, connections] => {
            idle::hold_here(kind, address, connections.parse().expect("a number of connections"));
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    if arguments.iter().any(|argument| argument == "--bench") {
        TIMED.store(true, Relaxed);
    }
    // The other arguments choose: `cargo bench --bench overhead -- heap burst`.
    let chosen: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let load = table::load();
    let server = Server::start().expect("a server on loopback");
    let mut table = Table::default();
    for (name, measure) in MEASURES {
        if chosen.is_empty() || chosen.iter().any(|chosen| *chosen == name) {
            measure(&server, &mut table);
        }
    }
    if !is_timed() {
        return ExitCode::SUCCESS;
    }
    print!("{table}");
    println!("load before: {load}; after: {}", table::load());
    if chosen.is_empty() && env::var_os("UPDATE_DOCS").is_some() {
        table.write_page(&load).expect("docs/performance.md");
    }
    if table.fails() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

type Measure = fn(&Server, &mut Table);

const MEASURES: [(&str, Measure); 10] = [
    ("one_at_a_time", one_at_a_time::measure),
    ("counted", |_, table| counted::measure(table)),
    ("echo", |_, table| echo::measure(table)),
    ("burst", burst::measure),
    ("round_trip", one_at_a_time::measure_round_trip),
    // Before what leaves the server busy with the ends of thousands of connections.
    ("half_open", half_open::measure),
    ("heap", idle::measure_heap),
    ("heartbeats", idle::measure_beats),
    ("reopening", reopening::measure),
    ("peers", peers::measure),
];
