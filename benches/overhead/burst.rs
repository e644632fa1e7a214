//! A hundred thousand messages through a handle, against what one writes by hand.

use async_io::block_on;
use futures::{AsyncRead, AsyncWrite, SinkExt, StreamExt, future::select};
use steadfast::{
    client::{Dial, Driver, Handle},
    transport::{AsyncIoClock, Limits, async_tungstenite::WebSocketStream},
};

use crate::{
    clients::{Raw, dial, hourly, message, open_raw, raw_message, until_up},
    clocks::{Rounds, Spent, Stopwatch},
    server::{SINK, Server},
    table::{Limit, Table},
    times,
};

const MESSAGES: usize = 100_000;
const ROUNDS: usize = 9;
/// How many messages wait between handle and driver.
pub(crate) const CAPACITY: usize = 1_024;

pub(crate) fn measure(server: &Server, table: &mut Table) {
    let buffer = Limits::default().read_buffer_size;
    let mut naive = block_on(open_raw(server, SINK, buffer)).expect("the server is there");
    let mut batching = block_on(open_raw(server, SINK, buffer)).expect("the server is there");
    let (handle, mut driver) = dial(server, SINK, buffer, hourly()).split(CAPACITY);
    block_on(until_up(&mut driver));
    // The handles know of it once the driver is polled again.
    assert!(futures::FutureExt::now_or_never(driver.next()).is_none());

    let against_naive = Rounds::play(
        ROUNDS,
        || block_on(one_by_one(&mut naive)),
        || block_on(through_handle(&handle, &mut driver, times(MESSAGES))),
    );
    let wall = against_naive.wall();
    let rate = |nanoseconds: f64| format!("{:.0}/s", 1e9 / nanoseconds);
    let both = (rate(wall.raw), rate(wall.ours));
    let name = "burst: rate / send().await one by one";
    table.add(name, both, 1.0 / wall.ratio, Limit::AtLeast(5.0));

    let against_batches = Rounds::play(
        ROUNDS,
        || block_on(batched(&mut batching, times(MESSAGES))),
        || block_on(through_handle(&handle, &mut driver, times(MESSAGES))),
    );
    let processor = against_batches.processor();
    let shown = |nanoseconds: f64| format!("{nanoseconds:.0} ns");
    let both = (shown(processor.raw), shown(processor.ours));
    table.add("burst: CPU / hand-batched", both, processor.ratio, Limit::AtMost(1.1));
}

async fn one_by_one(raw: &mut Raw) -> Spent {
    let stopwatch = Stopwatch::start();
    for _ in 0..times(MESSAGES) {
        SinkExt::send(raw, raw_message()).await.expect("the server reads");
    }
    stopwatch.each(times(MESSAGES))
}

pub(crate) async fn batched<S>(raw: &mut WebSocketStream<S>, messages: usize) -> Spent
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let stopwatch = Stopwatch::start();
    for _ in 0..messages {
        raw.feed(raw_message()).await.expect("the server reads");
    }
    raw.flush().await.expect("the server reads");
    stopwatch.each(messages)
}

pub(crate) async fn through_handle<D: Dial>(
    handle: &Handle,
    driver: &mut Driver<D, AsyncIoClock>,
    messages: usize,
) -> Spent {
    let stopwatch = Stopwatch::start();
    let sending = async {
        for _ in 0..messages {
            handle.send(message()).await.expect("the server reads");
        }
        handle.flush().await.expect("the server reads");
    };
    let driving = async {
        while let Some(event) = driver.next().await {
            eprintln!("{event}");
        }
    };
    select(std::pin::pin!(sending), std::pin::pin!(driving)).await;
    stopwatch.each(messages)
}
