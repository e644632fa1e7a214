//! Dials: how they fail, how they are given up, and when the next one comes.

use std::time::Duration;

use steadfast::{
    CloseCode, Config, Credentials, FailureKind, FirstConnect, Next, State, Timeout,
    client::{Event, TransportError},
};

use crate::rig::{Client, NANOSECOND, Rig, SECOND, policy};

#[test]
fn a_dial_that_fails_is_told_with_its_error_and_repeated_after_the_announced_delay() {
    let mut rig: Rig = Rig::new();
    rig.refuse(FailureKind::Refused);
    let events = rig.events();
    let [Event::Dialing { attempt: 0 }, Event::DialFailed(failed)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((failed.attempt, failed.failure.kind()), (0, FailureKind::Refused));
    let error = failed.error.as_deref().expect("the dialer said why");
    assert_eq!(error.to_string(), "as planned");
    let error = error.downcast_ref::<steadfast::client::DialError>().expect("the dialer's own");
    assert_eq!(error.failure().kind(), FailureKind::Refused);
    let Next::Retry { attempt: 1, delay } = failed.next else { panic!("{}", failed.next) };

    let _peer = rig.listen();
    assert!(rig.pass(delay - NANOSECOND).is_empty());
    assert_eq!(rig.pass(NANOSECOND), ["dialing 1", "up"]);
}

#[test]
fn a_dial_that_never_answers_is_dropped_at_the_connect_timeout() {
    let mut rig: Rig = Rig::new();
    assert_eq!(rig.told(), ["dialing 0"]);
    assert!(rig.pass(10 * SECOND - NANOSECOND).is_empty());
    assert_eq!(rig.dials.borrow().under_way, 1);
    rig.leap(NANOSECOND);
    assert_eq!(rig.dials.borrow().under_way, 0);
    assert!(matches!(rig.it.state(), State::Backoff));
}

#[test]
fn a_dial_that_timed_out_is_told_as_such_and_repeated() {
    let mut rig: Rig = Rig::new();
    rig.events();
    rig.clock.advance(10 * SECOND);
    let Event::DialFailed(failed) = rig.one() else { panic!() };
    assert_eq!(failed.failure.kind(), FailureKind::Timeout(Timeout::Connect));
    assert!(failed.error.is_none());
    assert_eq!(failed.next, Next::Retry { attempt: 1, delay: SECOND });
    let _peer = rig.listen();
    assert_eq!(rig.pass(SECOND), ["dialing 1", "up"]);
}

#[test]
fn an_error_is_not_told_again_for_a_later_failure() {
    let mut rig: Rig = Rig::new();
    rig.refuse(FailureKind::Refused);
    rig.events();
    rig.pass(SECOND);
    rig.clock.advance(10 * SECOND);
    let Event::DialFailed(failed) = rig.one() else { panic!() };
    assert_eq!(failed.attempt, 1);
    assert!(failed.error.is_none(), "the error of the dial before");
}

#[test]
fn a_stop_drops_the_dial_under_way_at_once() {
    let mut rig: Rig = Rig::new();
    rig.events();
    assert_eq!(rig.dials.borrow().under_way, 1);
    rig.ask(Client::stop);
    assert_eq!(rig.dials.borrow().under_way, 0);
    assert_eq!(rig.told(), ["closed: stopped"]);
}

#[test]
fn dropping_the_connection_drops_the_dial_under_way() {
    let mut rig: Rig = Rig::new();
    rig.events();
    let Rig { it, dials, .. } = rig;
    assert_eq!(dials.borrow().under_way, 1);
    drop(it);
    assert_eq!(dials.borrow().under_way, 0);
}

#[test]
fn retry_now_while_waiting_makes_one_dial_only() {
    let (mut rig, peer) = Rig::open();
    drop(peer);
    rig.events();
    rig.pass(SECOND / 2);
    rig.ask(|it| (0..10).for_each(|_| it.retry_now()));
    assert_eq!(rig.told(), ["dialing 1"]);
    rig.ask(|it| (0..10).for_each(|_| it.retry_now()));
    // Past the moment when the wait would have ended.
    assert!(rig.pass(SECOND).is_empty());
    let dials = rig.dials.borrow();
    assert_eq!((dials.contexts.len(), dials.under_way), (2, 1));
}

#[test]
fn retry_now_cannot_undercut_the_floor() {
    let (mut rig, peer) = Rig::open();
    drop(peer);
    rig.events();
    rig.ask(|it| (0..10).for_each(|_| it.retry_now()));
    let Event::Rescheduled { next, .. } = rig.one() else { panic!() };
    let floor = Duration::from_millis(100);
    assert!(matches!(next, Next::Retry { attempt: 1, delay } if delay == floor), "{next}");
    assert!(rig.pass(floor - NANOSECOND).is_empty());
    assert_eq!(rig.pass(NANOSECOND), ["dialing 1"]);
}

#[test]
fn a_fatal_failure_is_not_retried_even_when_asked_for() {
    let mut rig: Rig = Rig::new();
    rig.refuse(FailureKind::Http(404));
    assert_eq!(
        rig.told(),
        [
            "dialing 0",
            "dial failed: upgrade refused with HTTP 404",
            "closed: not retried: upgrade refused with HTTP 404",
        ]
    );
    rig.ask(Client::retry_now);
    assert!(rig.pass(3_600 * SECOND).is_empty());
    assert_eq!(rig.dials.borrow().contexts.len(), 1);
}

#[test]
fn refused_credentials_are_refreshed_once() {
    let mut rig: Rig = Rig::new();
    rig.refuse(FailureKind::Http(401));
    rig.refuse(FailureKind::Http(401));
    let told = rig.pass(60 * SECOND);
    assert_eq!(told.last().unwrap(), "closed: not retried: upgrade refused with HTTP 401");
    let dials = rig.dials.borrow();
    let credentials: Vec<_> = dials.contexts.iter().map(|context| context.credentials).collect();
    assert_eq!(credentials, [Credentials::Current, Credentials::Refresh]);
}

#[test]
fn each_dial_has_an_epoch_of_its_own() {
    let mut rig: Rig = Rig::new();
    (0..4).for_each(|_| rig.refuse(FailureKind::Refused));
    rig.pass(20 * SECOND);
    let dials = rig.dials.borrow();
    let epochs: Vec<_> = dials.contexts.iter().map(|context| context.epoch.get()).collect();
    let attempts: Vec<_> = dials.contexts.iter().map(|context| context.attempt).collect();
    assert_eq!((epochs, attempts), (vec![1, 2, 3, 4, 5], vec![0, 1, 2, 3, 4]));
}

#[test]
fn a_first_dial_that_must_not_be_repeated_is_not() {
    let config = Config::builder().with_first_connect(FirstConnect::Once).build().unwrap();
    let mut rig: Rig = Rig::with(config, policy());
    rig.refuse(FailureKind::Refused);
    assert_eq!(rig.told().last().unwrap(), "closed: gave up: connection refused");
    assert!(rig.pass(3_600 * SECOND).is_empty());
}

#[test]
fn a_server_that_accepts_and_drops_waits_longer_each_time() {
    let mut rig: Rig = Rig::new();
    let mut delays = Vec::new();
    for _ in 0..5 {
        drop(rig.listen());
        let down = loop {
            let events = rig.events();
            if let Some(Event::Down(down)) = events.last() {
                break down.clone();
            }
            let alarm = rig.clock.next_alarm().unwrap();
            rig.clock.advance_to(alarm);
        };
        assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::ABNORMAL));
        let Next::Retry { delay, .. } = down.next else { panic!("{}", down.next) };
        delays.push(delay.as_secs());
    }
    assert_eq!(delays, [1, 2, 4, 8, 16]);
}
