//! The client's side: short timeouts, quick retries, and a deadline for each test.

use std::{future::Future, pin::pin, time::Duration};

use async_io::Timer;
use futures::{
    StreamExt,
    executor::block_on,
    future::{Either, select},
};
use steadfast::{
    Backoff, ClosedReason, Config, Failure, FailureKind, Jitter, Next,
    client::{Builder, Connection, Down, Event},
    transport::{AsyncIoClock, Dialer, Limits},
};

pub(crate) type Client = Connection<Dialer, AsyncIoClock>;

/// 300 ms to connect, 200 ms to close, no heartbeat.
pub(crate) fn config() -> Config {
    Config::builder()
        .with_connect_timeout(Duration::from_millis(300))
        .with_close_timeout(Duration::from_millis(200))
        .with_heartbeat(None)
        .build()
        .unwrap()
}

/// 5 ms between any two dials, unless the server asks for more.
pub(crate) fn policy() -> Backoff {
    let (five, builder) = (Duration::from_millis(5), Backoff::builder());
    let builder = builder.with_base(five).with_first(five).with_floor(five).with_cap(five);
    builder.with_jitter(Jitter::None).build().unwrap()
}

pub(crate) fn dial(url: &str) -> Builder<Dialer, AsyncIoClock> {
    dial_with(Dialer::new(url).unwrap())
}

pub(crate) fn dial_with(dialer: Dialer) -> Builder<Dialer, AsyncIoClock> {
    Builder::new(dialer, AsyncIoClock::new()).with_config(config()).with_policy(policy())
}

/// Dials with at most 1000 bytes in a frame and in a message.
pub(crate) fn limited(url: &str) -> Dialer {
    let mut limits = Limits::default();
    (limits.max_message_size, limits.max_frame_size) = (1_000, 1_000);
    Dialer::new(url).unwrap().with_limits(limits)
}

/// Runs a future that must end in time.
pub(crate) fn bounded<T>(future: impl Future<Output = T>) -> T {
    let deadline = Timer::after(Duration::from_secs(5));
    match block_on(select(pin!(future), deadline)) {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => panic!("the test took too long"),
    }
}

/// The events up to and including the first that is `last`, or to the end of the stream.
pub(crate) fn until(connection: &mut Client, last: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    bounded(async {
        while let Some(event) = connection.next().await {
            events.push(event);
            if last(&events[events.len() - 1]) {
                break;
            }
        }
    });
    events
}

/// How the `n`-th dial fails, counted from 0, and what follows.
pub(crate) fn failures(connection: &mut Client, count: usize) -> Vec<(Failure, Next)> {
    let mut failures = Vec::new();
    while failures.len() < count {
        let events = until(connection, |event| matches!(event, Event::DialFailed(_)));
        match events.last() {
            Some(Event::DialFailed(failed)) => failures.push((failed.failure, failed.next)),
            other => panic!("{other:?} after {failures:?}"),
        }
        let surprise = events
            .iter()
            .find(|event| !matches!(event, Event::Dialing { .. } | Event::DialFailed(_)));
        assert!(surprise.is_none(), "{surprise:?}");
    }
    failures
}

/// How the first dial of `url` fails.
pub(crate) fn failure(url: &str) -> (FailureKind, Next) {
    let (failure, next) = failures(&mut dial(url).build(), 1).remove(0);
    (failure.kind(), next)
}

/// The end of the connection that is, or is about to be, open.
pub(crate) fn down(connection: &mut Client) -> Down {
    let events = until(connection, |event| matches!(event, Event::Down(_)));
    assert!(!events.iter().any(|event| matches!(event, Event::DialFailed(_))), "{events:?}");
    match events.into_iter().next_back() {
        Some(Event::Down(down)) => *down,
        other => panic!("{other:?}"),
    }
}

/// Why it is over.
pub(crate) fn closed(connection: &mut Client) -> ClosedReason {
    match until(connection, |_| false).last() {
        Some(Event::Closed { reason }) => *reason,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn open(connection: &mut Client) {
    let events = until(connection, |event| matches!(event, Event::Up { .. }));
    assert!(matches!(events.last(), Some(Event::Up { .. })), "{events:?}");
}

pub(crate) fn retries(next: Next) -> bool {
    matches!(next, Next::Retry { .. })
}
