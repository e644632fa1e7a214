//! An echo in memory: what the client adds to a transport that costs next to nothing.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use async_io::block_on;
use futures::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use steadfast::{
    Instant,
    client::{Builder, Clock, Connection, DialContext, DialError, Driver, Frame, Handle},
    transport::AsyncIoClock,
};

use crate::{
    clients::{hourly, message, next_message, until_up},
    clocks::{Rounds, Spent, Stopwatch},
    table::{Limit, Table},
    times,
};

const ROUNDS: usize = 41;
const ECHOES_A_ROUND: usize = 20_000;

/// A transport that gives back what it is given.
#[derive(Default)]
pub(crate) struct Echo(VecDeque<Frame>);

impl Stream for Echo {
    type Item = Result<Frame, DialError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Whoever reads has sent before, in the same task.
        self.0.pop_front().map_or(Poll::Pending, |frame| Poll::Ready(Some(Ok(frame))))
    }
}

impl Sink<Frame> for Echo {
    type Error = DialError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Frame) -> Result<(), DialError> {
        self.0.push_back(frame);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }
}

type Dialed = std::future::Ready<Result<Echo, DialError>>;
type Dialing = fn(DialContext) -> Dialed;

fn connection<K: Clock>(clock: K) -> Connection<Dialing, K> {
    let dialer: Dialing = |_| std::future::ready(Ok(Echo::default()));
    let mut connection = Builder::new(dialer, clock).with_config(hourly()).build();
    block_on(until_up(&mut connection));
    connection
}

/// Time that stands still, to see what telling it costs.
struct Still;

impl Clock for Still {
    fn now(&self) -> Instant {
        Instant::ORIGIN
    }

    fn poll_until(self: Pin<&mut Self>, _: &mut Context<'_>, _: Instant) -> Poll<()> {
        Poll::Pending
    }
}

pub(crate) fn measure(table: &mut Table) {
    let count = times(ECHOES_A_ROUND);
    let (mut raw, mut inline) = (Echo::default(), connection(AsyncIoClock::new()));
    let rounds = Rounds::play(
        ROUNDS,
        || block_on(echo_raw(&mut raw, count)),
        || block_on(echo(&mut inline, count)),
    );
    add(table, "echo in memory, Connection: ns over raw", &rounds, Limit::AtMost(20.0));

    let mut still = connection(Still);
    let rounds = Rounds::play(
        ROUNDS,
        || block_on(echo_raw(&mut raw, count)),
        || block_on(echo(&mut still, count)),
    );
    add(table, "echo in memory, Connection, no clock: ns over raw", &rounds, Limit::None);

    let (handle, mut driver) = split();
    let rounds = Rounds::play(
        ROUNDS,
        || block_on(echo_raw(&mut raw, count)),
        || block_on(echo_through_handle(&handle, &mut driver, count)),
    );
    add(table, "echo in memory, Handle: ns over raw", &rounds, Limit::AtMost(60.0));
}

fn add(table: &mut Table, name: &'static str, rounds: &Rounds, limit: Limit) {
    let processor = rounds.processor();
    let shown = |nanoseconds: f64| format!("{nanoseconds:.0} ns");
    let both = (shown(processor.raw), shown(processor.ours));
    table.add(name, both, processor.ours - processor.raw, limit);
}

/// Plays so many echoes, to be counted.
pub(crate) fn play_raw(count: usize) {
    block_on(echo_raw(&mut Echo::default(), count));
}

pub(crate) fn play(count: usize) {
    block_on(echo(&mut connection(AsyncIoClock::new()), count));
}

pub(crate) fn play_through_handle(count: usize) {
    let (handle, mut driver) = split();
    block_on(echo_through_handle(&handle, &mut driver, count));
}

fn split() -> (Handle, Driver<Dialing, AsyncIoClock>) {
    let (handle, mut driver) = connection(AsyncIoClock::new()).split(16);
    assert!(driver.next().now_or_never().is_none(), "the handle is told that it is open");
    (handle, driver)
}

async fn echo_raw(raw: &mut Echo, count: usize) -> Spent {
    let stopwatch = Stopwatch::start();
    for _ in 0..count {
        raw.send(Frame::Message(message())).await.expect("it accepts");
        raw.next().await.expect("an echo").expect("an echo");
    }
    stopwatch.each(count)
}

async fn echo<K: Clock>(ours: &mut Connection<Dialing, K>, count: usize) -> Spent {
    let stopwatch = Stopwatch::start();
    for _ in 0..count {
        ours.send(message()).await.expect("it is open");
        next_message(ours).await;
    }
    stopwatch.each(count)
}

async fn echo_through_handle(
    handle: &Handle,
    driver: &mut Driver<Dialing, AsyncIoClock>,
    count: usize,
) -> Spent {
    let stopwatch = Stopwatch::start();
    for _ in 0..count {
        handle.send(message()).await.expect("it is open");
        next_message(driver).await;
    }
    stopwatch.each(count)
}
