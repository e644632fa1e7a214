//! What the peers of `steadfast` cost, against the servers of its benchmark `overhead`, which builds
//! this program and runs it: `steadfast-peers ADDRESS`. It prints one line for each figure: its name,
//! a tab, and a number, or words that say why there is none.
//!
//! Both peers run on tokio, on one thread.

mod ezsockets_client;
mod reconnect_stream;

use std::{alloc::System, env, fmt::Display, time::Duration};

use cpu_time::ProcessTime;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PAYLOAD: [u8; 64] = [b'x'; 64];
const ROUNDS: usize = 7;
const SENT_A_ROUND: usize = 4_000;
const RECEIVED_A_ROUND: usize = 20_000;
const BURST: usize = 100_000;
const IDLE: usize = 50;
const INTERVAL: Duration = Duration::from_millis(150);
const TIMEOUT: Duration = Duration::from_millis(250);
/// When a silent peer counts as never found out.
const NEVER: Duration = Duration::from_secs(2);

fn main() {
    let address = env::args().nth(1).expect("an address");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        ezsockets_client::measure(&address).await;
        reconnect_stream::measure(&address).await;
    });
}

fn tell(name: &str, value: impl Display) {
    println!("{name}\t{value}");
}

/// The median of the nanoseconds of processor time that each of `count` took in a round.
async fn processor(count: usize, mut round: impl AsyncFnMut(usize)) -> f64 {
    round(count).await;
    let mut taken = Vec::new();
    for _ in 0..ROUNDS {
        let begun = ProcessTime::now();
        round(count).await;
        taken.push(begun.elapsed().as_secs_f64() * 1e9 / count as f64);
    }
    taken.sort_by(f64::total_cmp);
    taken[ROUNDS / 2]
}

/// The bytes that the heap holds for each of what is opened.
async fn held<T>(mut open: impl AsyncFnMut() -> T) -> f64 {
    let first = open().await;
    let region = Region::new(MEMORY);
    let mut all = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        all.push(open().await);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let change = region.change();
    drop(first);
    (change.bytes_allocated as f64 - change.bytes_deallocated as f64) / IDLE as f64
}
