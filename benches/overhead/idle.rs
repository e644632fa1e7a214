//! What a heartbeat costs, and what a connection holds that does nothing else.

use std::{
    env,
    process::{Command, Stdio},
    time::Duration,
};

use async_io::{Timer, block_on};
use smol::LocalExecutor;
use stats_alloc::Region;
use steadfast::transport::AsyncIoClock;

use crate::{
    MEMORY,
    beating::{Beats, SharedTimer, beat, beat_raw},
    clients::{dial_with, dialer, open_raw, until_up, with_heartbeat},
    clocks::{Compared, Rounds, Spent, Stopwatch},
    server::{ECHO, Server},
    table::{Limit, Table},
    times,
};

/// The argument that makes this program beat, so that its processor time is that of the beating.
pub(crate) const BEAT: &str = "--beat";
/// The argument that makes this program open connections, so that its heap is that of these.
pub(crate) const HOLD: &str = "--hold";

/// The read buffer of a fleet, in bytes.
const BUFFER: usize = 4 << 10;
const IDLE: usize = 200;
const HEAP_ROUNDS: usize = 5;
const CONNECTIONS: usize = 1_000;
/// A thousand connections beat five times a second.
const INTERVAL: Duration = Duration::from_millis(200);
const PONG_TIMEOUT: Duration = Duration::from_secs(10);
const ROUNDS: usize = 5;
const STRETCH_ROUNDS: usize = 3;
const HOUR: Duration = Duration::from_secs(3_600);

/// A kind of client.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Raw,
    Ours,
    /// Ours, with one timer for all.
    Shared,
}

const KINDS: [(&str, Kind); 3] =
    [("raw", Kind::Raw), ("ours", Kind::Ours), ("shared", Kind::Shared)];

/// Opens so many that beat by themselves as long as the executor runs: one after the other, so that
/// those of each kind beat equally far apart.
async fn open_fleet(
    executor: &LocalExecutor<'_>,
    kind: Kind,
    server: &Server,
    count: usize,
    interval: Duration,
    beats: &Beats,
) {
    let timer = SharedTimer::new();
    if kind == Kind::Shared {
        executor.spawn(timer.clone().run()).detach();
    }
    let dialer = dialer(server, ECHO, BUFFER);
    for _ in 0..count {
        let beats = beats.clone();
        let config = with_heartbeat(interval, PONG_TIMEOUT);
        match kind {
            Kind::Raw => {
                let socket = open_raw(server, ECHO, BUFFER).await.expect("the server is there");
                executor.spawn(beat_raw(socket, interval, PONG_TIMEOUT, beats)).detach();
            }
            Kind::Ours => {
                let clock = AsyncIoClock::new();
                let mut connection = dial_with(dialer.clone(), clock, config);
                until_up(&mut connection).await;
                executor.spawn(beat(connection, beats)).detach();
            }
            Kind::Shared => {
                let mut connection = dial_with(dialer.clone(), timer.clock(), config);
                until_up(&mut connection).await;
                executor.spawn(beat(connection, beats)).detach();
            }
        }
    }
}

/// Opens connections, and prints how many bytes the heap then holds for each.
pub(crate) fn hold_here(kind: &str, address: &str, count: usize) {
    let (server, kind) = parse(kind, address);
    // The first has things to make that stay.
    held(&server, kind, 10);
    println!("{}", held(&server, kind, count));
}

fn held(server: &Server, kind: Kind, count: usize) -> f64 {
    let (executor, beats) = (LocalExecutor::new(), Beats::default());
    let region = Region::new(MEMORY);
    block_on(executor.run(async {
        open_fleet(&executor, kind, server, count, HOUR, &beats).await;
        Timer::after(Duration::from_millis(100)).await;
    }));
    let change = region.change();
    (change.bytes_allocated as f64 - change.bytes_deallocated as f64) / count as f64
}

pub(crate) fn measure_heap(server: &Server, table: &mut Table) {
    let held = |kind| move || in_child(server, HOLD, kind, times(IDLE));
    let Compared { raw, ours, .. } =
        Rounds::play(HEAP_ROUNDS, held("raw"), held("ours")).processor();
    let shown = |bytes: f64| format!("{bytes:.0} B");
    let both = || (shown(raw), shown(ours));
    table.add("idle connection: bytes over raw", both(), ours - raw, Limit::AtMost(512.0));
    table.add("idle connection: bytes", both(), ours, Limit::AtMost(8_600.0));
}

pub(crate) fn measure_beats(server: &Server, table: &mut Table) {
    let beats = |kind| move || in_child(server, BEAT, kind, times(CONNECTIONS));
    let ours = Rounds::play(ROUNDS, beats("raw"), beats("ours")).processor();
    let shown = |nanoseconds: f64| format!("{:.1} µs", nanoseconds / 1e3);
    let both = (shown(ours.raw), shown(ours.ours));
    table.add("heartbeat: CPU / hand-written", both, ours.ratio, Limit::AtMost(1.1));
    let shared = Rounds::play(STRETCH_ROUNDS, beats("raw"), beats("shared")).processor();
    let both = (shown(shared.raw), shown(shared.ours));
    let name = "heartbeat, one timer for all: CPU / hand-written";
    table.add(name, both, shared.ratio, Limit::Stretch(0.5));
}

/// What a process tells that does nothing else.
fn in_child(server: &Server, argument: &str, kind: &str, count: usize) -> Spent {
    let program = env::current_exe().expect("this program");
    let output = Command::new(program)
        .args([argument, kind, &server.address.to_string(), &count.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("this program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    Spent { processor: text.trim().parse().expect("a number"), wall: 0.0 }
}

fn parse(kind: &str, address: &str) -> (Server, Kind) {
    let (_, kind) = KINDS.into_iter().find(|(name, _)| *name == kind).expect("a kind");
    (Server::at(address.parse().expect("an address")), kind)
}

/// Beats, and prints what each beat took, in nanoseconds of processor time.
pub(crate) fn beat_here(kind: &str, address: &str, count: usize) {
    let (server, kind) = parse(kind, address);
    let (executor, beats) = (LocalExecutor::new(), Beats::default());
    block_on(executor.run(async {
        open_fleet(&executor, kind, &server, count, INTERVAL, &beats).await;
        // None is still opening when all have beaten.
        Timer::after(3 * INTERVAL).await;
        let (stopwatch, before) = (Stopwatch::start(), beats.get());
        Timer::after(5 * INTERVAL).await;
        let spent = stopwatch.stop();
        println!("{}", spent.processor / (beats.get() - before) as f64);
    }));
}
