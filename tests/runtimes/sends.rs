//! What can go to another thread: exactly what is made of parts that can. A runtime would show in
//! these types; there is none.

use std::{
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use steadfast::{
    Attempt, Decision, Instant, Policy,
    client::{Builder, Clock, Dial, DialContext},
    transport::{AsyncIoClock, Dialer},
};

use crate::client::run;

/// Says whether a type is `Send`: the method of its own comes before that of the trait, where it
/// applies.
struct Probe<T>(PhantomData<T>);

impl<T: Send> Probe<T> {
    fn is_send(&self) -> bool {
        true
    }
}

trait Otherwise {
    fn is_send(&self) -> bool {
        false
    }
}

impl<T> Otherwise for Probe<T> {}

fn of<T>(_: &T) -> Probe<T> {
    Probe(PhantomData)
}

/// A clock that stays on its thread.
struct RcClock(AsyncIoClock, PhantomData<Rc<()>>);

impl Clock for RcClock {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn poll_until(mut self: Pin<&mut Self>, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        Pin::new(&mut self.0).poll_until(cx, deadline)
    }
}

fn rc_clock() -> RcClock {
    RcClock(AsyncIoClock::new(), PhantomData)
}

fn dialer() -> Dialer {
    Dialer::new("ws://127.0.0.1:9/").unwrap()
}

/// A dialer whose attempts stay on their thread.
fn rc_dialer() -> impl Dial {
    let shared = Rc::new(());
    move |context: DialContext| {
        let (shared, dial) = (shared.clone(), dialer().dial(context));
        async move {
            let conn = dial.await;
            drop(shared);
            conn
        }
    }
}

fn rc_policy() -> impl Policy {
    let delay = Rc::new(Duration::from_secs(1));
    move |_: &Attempt| Decision::RetryAfter(*delay)
}

#[test]
fn a_connection_and_its_driver_are_send_when_all_their_parts_are() {
    let connection = Builder::new(dialer(), AsyncIoClock::new()).build();
    assert!(of(&connection).is_send());
    assert!(of(&connection.split(1).1).is_send());
}

#[test]
fn a_clock_that_is_not_send_makes_them_not_send() {
    let connection = Builder::new(dialer(), rc_clock()).build();
    assert!(!of(&connection).is_send());
    assert!(!of(&connection.split(1).1).is_send());
}

#[test]
fn a_dial_that_is_not_send_makes_them_not_send() {
    let connection = Builder::new(rc_dialer(), AsyncIoClock::new()).build();
    assert!(!of(&connection).is_send());
    assert!(!of(&connection.split(1).1).is_send());
}

#[test]
fn a_policy_that_is_not_send_makes_them_not_send() {
    let connection = Builder::new(dialer(), AsyncIoClock::new()).with_policy(rc_policy()).build();
    assert!(!of(&connection).is_send());
    assert!(!of(&connection.split(1).1).is_send());
}

#[test]
fn a_handle_and_its_futures_are_send_whatever_the_parts_are() {
    let (handle, _driver) = Builder::new(rc_dialer(), rc_clock()).build().split(1);
    assert!(of(&handle).is_send());
    assert!(of(&handle.send("x")).is_send());
    assert!(of(&handle.flush()).is_send());
    assert!(of(&handle.closed()).is_send());
}

#[test]
fn the_futures_of_a_connection_are_send_when_it_is() {
    let mut connection = Builder::new(dialer(), AsyncIoClock::new()).build();
    assert!(of(&connection.next()).is_send());
    assert!(of(&connection.send("x".into())).is_send());
    let mut connection = Builder::new(dialer(), rc_clock()).build();
    assert!(!of(&connection.next()).is_send());
    assert!(!of(&connection.send("x".into())).is_send());
}

#[test]
fn a_future_around_a_connection_is_send_when_its_parts_are() {
    assert!(of(&run(dialer(), AsyncIoClock::new())).is_send());
    assert!(!of(&run(dialer(), rc_clock())).is_send());
    assert!(!of(&run(rc_dialer(), AsyncIoClock::new())).is_send());
}
