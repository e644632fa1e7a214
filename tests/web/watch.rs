//! The client's side: short timeouts, quick retries, and what an application could log.

use std::{
    error::Error,
    fmt::Write,
    future::Future,
    net::{SocketAddr, TcpListener, TcpStream},
    pin::pin,
    time::Duration,
};

use async_io::Timer;
use futures::{
    StreamExt,
    executor::block_on,
    future::{Either, select},
};
use steadfast::{
    Backoff, ClosedReason, Config, FailureKind, Jitter, Next,
    client::{Builder, Connection, Dial, Event},
    transport::{AsyncIoClock, Dialer},
};

pub(crate) type Client<D> = Connection<D, AsyncIoClock>;

/// 1 s to connect, 5 ms between any two dials, no heartbeat, never stable.
pub(crate) fn connection<D: Dial>(dialer: D) -> Client<D> {
    let second = Duration::from_secs(1);
    let config = Config::builder().with_connect_timeout(second).with_close_timeout(second);
    let five = Duration::from_millis(5);
    let policy = Backoff::builder().with_base(five).with_first(five).with_floor(five);
    let policy = policy.with_cap(five).with_jitter(Jitter::None).build().unwrap();
    Builder::new(dialer, AsyncIoClock::new())
        .with_config(config.with_heartbeat(None).build().unwrap())
        .with_policy(policy)
        .build()
}

pub(crate) fn dialer(url: &str) -> Dialer {
    Dialer::new(url).unwrap()
}

/// Runs a future that must end in time.
pub(crate) fn bounded<T>(future: impl Future<Output = T>) -> T {
    let deadline = Timer::after(Duration::from_secs(10));
    match block_on(select(pin!(future), deadline)) {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => panic!("the test took too long"),
    }
}

pub(crate) fn next<D: Dial>(connection: &mut Client<D>) -> Option<Event> {
    bounded(connection.next())
}

/// Waits until it is open.
#[track_caller]
pub(crate) fn open<D: Dial>(connection: &mut Client<D>) {
    match news(connection) {
        Event::Up(_) => {}
        other => panic!("{other:?}"),
    }
}

/// How the next dial fails: for programs, for people with all its causes, and what follows.
#[track_caller]
pub(crate) fn failed<D: Dial>(connection: &mut Client<D>) -> (FailureKind, String, Next) {
    match news(connection) {
        Event::DialFailed(failed) => {
            let told = failed.error.as_ref().map_or(String::new(), |error| chain(&**error));
            (failed.failure.kind(), told, failed.next)
        }
        other => panic!("{other:?}"),
    }
}

/// The next event but for the beginning of a dial.
#[track_caller]
fn news<D: Dial>(connection: &mut Client<D>) -> Event {
    loop {
        match next(connection).expect("more to come") {
            Event::Dialing { .. } => {}
            other => return other,
        }
    }
}

/// An error and its causes, for people.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(told, ": {error}").unwrap();
        cause = error.source();
    }
    told
}

/// Why it is over.
#[track_caller]
pub(crate) fn closed<D: Dial>(connection: &mut Client<D>) -> ClosedReason {
    match next(connection) {
        Some(Event::Closed { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn retries(next: Next) -> bool {
    matches!(next, Next::Retry { .. })
}

/// An address at which nothing listens, and for as long as this lives nothing will.
pub(crate) struct Nobody {
    pub(crate) address: SocketAddr,
    _taken: (TcpListener, TcpStream),
}

pub(crate) fn nobody() -> Nobody {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // The port of a client is taken, and has no listener.
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    Nobody { address: client.local_addr().unwrap(), _taken: (listener, client) }
}
