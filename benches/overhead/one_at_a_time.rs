//! Messages one at a time, over TCP on loopback.

use std::{cell::RefCell, time::Instant};

use async_io::block_on;
use futures::{SinkExt, StreamExt};
use steadfast::transport::{Limits, tungstenite::Message as RawMessage};

use crate::{
    clients::{Ours, Raw, hourly, message, next_message, open, open_raw, raw_message},
    clocks::{Rounds, Spent, Stopwatch, median},
    server::{ECHO, FLOOD, SLEEPLESS, Server},
    table::{Limit, Table},
    times,
};

const ROUNDS: usize = 41;
/// What a connection meets by chance stays with it: how its peer acknowledges, where its buffers lie.
const PAIRS: usize = 32;
const SENDING_ROUNDS: usize = 20;
const SENT_A_ROUND: usize = 400;
const RECEIVING_ROUNDS: usize = 2;
const RECEIVED_A_ROUND: usize = 20_000;
const ROUND_TRIPS_A_ROUND: usize = 400;

/// One of each client, to the same server. Which is there first is by chance, too.
fn both(server: &Server, path: &str, raw_first: bool) -> (Raw, Ours) {
    let buffer = Limits::default().read_buffer_size;
    let raw = || block_on(open_raw(server, path, buffer)).expect("the server is there");
    let ours = || block_on(open(server, path, buffer, hourly()));
    if raw_first {
        let first = raw();
        (first, ours())
    } else {
        let first = ours();
        (raw(), first)
    }
}

pub(crate) fn measure(server: &Server, table: &mut Table) {
    let rounds = Rounds::play_pairs(PAIRS, |pair| {
        let (mut raw, mut ours) = both(server, SLEEPLESS, pair % 2 == 0);
        let (raw, ours) = (|| block_on(send_raw(&mut raw)), || block_on(send(&mut ours)));
        Rounds::play(SENDING_ROUNDS, raw, ours)
    });
    add_ratio(table, "send: CPU / raw", &rounds);

    let rounds = Rounds::play_pairs(PAIRS, |pair| {
        let (mut raw, mut ours) = both(server, FLOOD, pair % 2 == 0);
        let (raw, ours) = (|| block_on(receive_raw(&mut raw)), || block_on(receive(&mut ours)));
        Rounds::play(RECEIVING_ROUNDS, raw, ours)
    });
    add_ratio(table, "receive: CPU / raw", &rounds);
}

fn add_ratio(table: &mut Table, name: &'static str, rounds: &Rounds) {
    let processor = rounds.processor();
    let shown = |nanoseconds: f64| format!("{nanoseconds:.0} ns");
    let both = (shown(processor.raw), shown(processor.ours));
    table.add(name, both, processor.ratio, Limit::AtMost(1.05));
}

async fn send_raw(raw: &mut Raw) -> Spent {
    let stopwatch = Stopwatch::start();
    for _ in 0..times(SENT_A_ROUND) {
        raw.feed(raw_message()).await.expect("the server reads");
        raw.flush().await.expect("the server reads");
    }
    stopwatch.each(times(SENT_A_ROUND))
}

async fn send(ours: &mut Ours) -> Spent {
    let stopwatch = Stopwatch::start();
    for _ in 0..times(SENT_A_ROUND) {
        ours.feed(message()).await.expect("the server reads");
        ours.flush().await.expect("the server reads");
    }
    stopwatch.each(times(SENT_A_ROUND))
}

async fn receive_raw(raw: &mut Raw) -> Spent {
    let stopwatch = Stopwatch::start();
    let command = RawMessage::text(times(RECEIVED_A_ROUND).to_string());
    SinkExt::send(raw, command).await.expect("the server reads");
    for _ in 0..times(RECEIVED_A_ROUND) {
        let message = raw.next().await.expect("a message").expect("a message");
        assert_eq!(message.len(), crate::PAYLOAD.len());
    }
    stopwatch.each(times(RECEIVED_A_ROUND))
}

async fn receive(ours: &mut Ours) -> Spent {
    let stopwatch = Stopwatch::start();
    ours.send(times(RECEIVED_A_ROUND).to_string().into()).await.expect("the server reads");
    for _ in 0..times(RECEIVED_A_ROUND) {
        assert_eq!(next_message(ours).await.len(), crate::PAYLOAD.len());
    }
    stopwatch.each(times(RECEIVED_A_ROUND))
}

/// The 50th percentile of all round trips: unlike a mean it does not show who was interrupted.
pub(crate) fn measure_round_trip(server: &Server, table: &mut Table) {
    let (mut raw, mut ours) = both(server, ECHO, true);
    let (raw_times, our_times) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    Rounds::play(
        ROUNDS,
        || block_on(round_trips_raw(&mut raw, &mut raw_times.borrow_mut())),
        || block_on(round_trips(&mut ours, &mut our_times.borrow_mut())),
    );
    let (raw, ours) = (median(raw_times.take()), median(our_times.take()));
    let shown = |seconds: f64| format!("{:.2} µs", seconds * 1e6);
    let both = (shown(raw), shown(ours));
    table.add("round trip: p50 / raw", both, ours / raw, Limit::AtMost(1.03));
}

async fn round_trips_raw(raw: &mut Raw, taken: &mut Vec<f64>) -> Spent {
    for _ in 0..times(ROUND_TRIPS_A_ROUND) {
        let begun = Instant::now();
        SinkExt::send(raw, raw_message()).await.expect("the server reads");
        raw.next().await.expect("an echo").expect("an echo");
        taken.push(begun.elapsed().as_secs_f64());
    }
    Spent::default()
}

async fn round_trips(ours: &mut Ours, taken: &mut Vec<f64>) -> Spent {
    for _ in 0..times(ROUND_TRIPS_A_ROUND) {
        let begun = Instant::now();
        ours.send(message()).await.expect("the server reads");
        next_message(ours).await;
        taken.push(begun.elapsed().as_secs_f64());
    }
    Spent::default()
}
