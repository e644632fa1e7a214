//! A hundred thousand messages through a handle, against what one writes by hand.

use std::{collections::VecDeque, iter};

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
/// How many of a burst are there at once.
const BATCH: usize = 64;

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
        || block_on(send_by_send(&handle, &mut driver, times(MESSAGES))),
    );
    let wall = against_naive.wall();
    let rate = |nanoseconds: f64| format!("{:.0}/s", 1e9 / nanoseconds);
    let both = (rate(wall.raw), rate(wall.ours));
    let name = "burst: rate / send().await one by one";
    table.add(name, both, 1.0 / wall.ratio, Limit::AtLeast(5.0));

    let mut against_batches = |name, through: Through<_>, limit| {
        let rounds = Rounds::play(
            ROUNDS,
            || block_on(batched(&mut batching, times(MESSAGES))),
            || through(&handle, &mut driver, times(MESSAGES)),
        );
        let processor = rounds.processor();
        let shown = |nanoseconds: f64| format!("{nanoseconds:.0} ns");
        let both = (shown(processor.raw), shown(processor.ours));
        table.add(name, both, processor.ratio, limit);
    };
    against_batches(
        "burst: CPU / hand-batched",
        |handle, driver, messages| block_on(in_batches(handle, driver, messages)),
        Limit::AtMost(1.1),
    );
    against_batches(
        "burst, send by send: CPU / hand-batched",
        |handle, driver, messages| block_on(send_by_send(handle, driver, messages)),
        Limit::None,
    );
}

type Through<D> = fn(&Handle, &mut Driver<D, AsyncIoClock>, usize) -> Spent;

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

/// A burst that is there in batches.
pub(crate) async fn in_batches<D: Dial>(
    handle: &Handle,
    driver: &mut Driver<D, AsyncIoClock>,
    messages: usize,
) -> Spent {
    through_handle(handle, driver, messages, async {
        let (mut left, mut batch) = (messages, VecDeque::new());
        while left > 0 {
            batch.extend(iter::repeat_with(message).take(left.min(BATCH)));
            left -= batch.len();
            handle.send_all(&mut batch).await.expect("the server reads");
        }
    })
    .await
}

/// The same messages, one after the other.
pub(crate) async fn send_by_send<D: Dial>(
    handle: &Handle,
    driver: &mut Driver<D, AsyncIoClock>,
    messages: usize,
) -> Spent {
    through_handle(handle, driver, messages, async {
        for _ in 0..messages {
            handle.send(message()).await.expect("the server reads");
        }
    })
    .await
}

async fn through_handle<D: Dial>(
    handle: &Handle,
    driver: &mut Driver<D, AsyncIoClock>,
    messages: usize,
    burst: impl Future<Output = ()>,
) -> Spent {
    let stopwatch = Stopwatch::start();
    let sending = async {
        burst.await;
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
