//! What the application is told of the life of a connection, and in which order.

use std::time::Duration;

use futures::{FutureExt, StreamExt, stream::FusedStream};
use steadfast::{
    CloseCode, ClosedReason, FailureKind, Network, Next, State, client::Event, testing::MemoryError,
};

use crate::rig::{Client, NANOSECOND, Rig, SECOND, heard, policy, text};

#[test]
fn up_comes_first_then_the_messages_then_down() {
    let mut rig: Rig = Rig::new();
    let mut peer = rig.listen();
    for word in ["a", "b", "c"] {
        text(&mut peer, word);
    }
    drop(peer);
    assert_eq!(
        rig.told(),
        [
            "dialing 0",
            "up",
            "message a",
            "message b",
            "message c",
            "down: connection ended without a Close",
        ]
    );
    assert_eq!(rig.it.state(), State::Backoff);
}

#[test]
fn a_reconnect_is_told_before_the_messages_of_the_new_connection() {
    let (mut rig, mut old) = Rig::open();
    text(&mut old, "old");
    drop(old);
    assert_eq!(rig.told(), ["message old", "down: connection ended without a Close"]);
    let mut new = rig.listen();
    text(&mut new, "new");
    rig.clock.advance(SECOND);
    let events = rig.events();
    let [Event::Dialing { attempt: 1 }, Event::Up(up), last] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((up.reconnected, up.attempt, up.downtime), (true, 1, SECOND));
    assert!(matches!(last, Event::Message(message) if message.as_text() == Some("new")));
}

#[test]
fn a_message_that_came_in_before_the_connection_broke_is_told_before_the_down() {
    let (mut rig, mut peer) = Rig::open();
    text(&mut peer, "last words");
    peer.fail(MemoryError(FailureKind::Reset.into()).0).now_or_never();
    assert_eq!(rig.told(), ["message last words", "down: connection reset"]);
}

#[test]
fn the_first_up_tells_how_long_connecting_took_and_down_how_long_it_was_open() {
    let mut rig: Rig = Rig::new();
    rig.refuse(FailureKind::Refused);
    rig.events();
    let peer = rig.listen();
    rig.clock.advance(SECOND);
    let events = rig.events();
    let Event::Up(up) = &events[1] else { panic!("{events:?}") };
    assert_eq!((up.reconnected, up.attempt, up.downtime), (false, 1, SECOND));
    rig.pass(3 * SECOND);
    drop(peer);
    let down = rig.down();
    assert_eq!(down.uptime, 3 * SECOND);
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::ABNORMAL));
}

#[test]
fn giving_up_ends_the_stream_with_closed_and_then_nothing() {
    let policy = policy().to_builder().with_max_retries(1).build().unwrap();
    let mut rig: Rig = Rig::with(Default::default(), policy);
    rig.refuse(FailureKind::Refused);
    rig.refuse(FailureKind::Unreachable);
    assert_eq!(
        rig.pass(60 * SECOND),
        [
            "dialing 0",
            "dial failed: connection refused",
            "dialing 1",
            "dial failed: host unreachable",
            "closed: gave up: host unreachable",
        ]
    );
    let gave_up = ClosedReason::GaveUp(FailureKind::Unreachable.into());
    assert_eq!(rig.it.state(), State::Closed(gave_up));
    for _ in 0..3 {
        assert_eq!(rig.it.next().now_or_never().map(|event| event.is_none()), Some(true));
    }
    assert!(rig.it.is_terminated());
}

#[test]
fn no_wait_is_announced_after_the_last_attempt() {
    let policy = policy().to_builder().with_max_retries(0).build().unwrap();
    let mut rig: Rig = Rig::with(Default::default(), policy);
    rig.refuse(FailureKind::Refused);
    let events = rig.events();
    assert!(
        matches!(&events[1], Event::DialFailed(failed) if failed.next == Next::Closed),
        "{events:?}"
    );
}

#[test]
fn a_connection_can_be_started_again_after_it_was_stopped() {
    let (mut rig, mut peer) = Rig::open();
    rig.ask(Client::stop);
    assert!(rig.told().is_empty());
    assert_eq!(heard(&mut peer), ["close 1000"]);
    drop(peer);
    assert_eq!(rig.told(), ["down: stopped", "closed: stopped"]);
    assert!(rig.it.is_terminated());

    let mut peer = rig.listen();
    rig.ask(Client::start);
    assert!(!rig.it.is_terminated());
    assert_eq!(rig.pass(SECOND), ["rescheduled", "dialing 0", "up again"]);
    text(&mut peer, "hello again");
    assert_eq!(rig.told(), ["message hello again"]);
}

#[test]
fn a_connection_can_be_started_again_after_it_gave_up() {
    let policy = policy().to_builder().with_max_retries(0).build().unwrap();
    let mut rig: Rig = Rig::with(Default::default(), policy);
    rig.refuse(FailureKind::Refused);
    assert_eq!(rig.told().last().unwrap(), "closed: gave up: connection refused");
    let _peer = rig.listen();
    rig.ask(Client::start);
    // At once, or as soon as the floor allows.
    let told = rig.pass(SECOND);
    assert!(told.ends_with(&["dialing 0".to_owned(), "up".to_owned()]), "{told:?}");
}

#[test]
fn a_second_start_changes_nothing() {
    let (mut rig, _peer) = Rig::open();
    rig.ask(Client::start);
    assert!(rig.told().is_empty());
    assert_eq!(rig.dials.borrow().contexts.len(), 1);
}

#[test]
fn a_stop_while_waiting_ends_at_once_and_dials_no_more() {
    let (mut rig, peer) = Rig::open();
    drop(peer);
    rig.events();
    rig.ask(Client::stop);
    assert_eq!(rig.told(), ["closed: stopped"]);
    let _peer = rig.listen();
    assert!(rig.pass(3_600 * SECOND).is_empty());
    assert_eq!(rig.dials.borrow().contexts.len(), 1);
}

#[test]
fn without_a_network_no_dial_is_made_until_it_is_back() {
    let (mut rig, peer) = Rig::open();
    rig.ask(|it| it.set_network(Network::Offline));
    drop(peer);
    let down = rig.down();
    assert!(matches!(down.next, Next::Offline { attempt: 1 }), "{down:?}");
    let _peer = rig.listen();
    assert!(rig.pass(3_600 * SECOND).is_empty());
    rig.ask(|it| it.set_network(Network::Online));
    assert_eq!(rig.pass(SECOND), ["rescheduled", "dialing 1", "up again"]);
}

#[test]
fn a_connection_that_is_stable_counts_retries_anew_and_another_does_not() {
    let (mut rig, peer) = Rig::open();
    drop(peer);
    rig.events();
    let peer = rig.reopen();
    // Open for less than `stable_after`: the next failure is the second in a row.
    rig.pass(10 * SECOND - NANOSECOND);
    drop(peer);
    assert!(matches!(rig.down().next, Next::Retry { attempt: 2, delay } if delay == 2 * SECOND));
    let _ = rig.pass(SECOND);
    let peer = rig.reopen();
    rig.pass(10 * SECOND);
    drop(peer);
    assert!(matches!(rig.down().next, Next::Retry { attempt: 1, delay } if delay == SECOND));
}

#[test]
fn what_has_been_counted_can_be_read() {
    let (mut rig, peer) = Rig::open();
    drop(peer);
    rig.events();
    let _peer = rig.reopen();
    let stats = rig.it.stats();
    assert_eq!((stats.dials, stats.opens, stats.stale), (2, 2, 0));
    assert_eq!(stats.clock_regressions, 0);
}

#[test]
fn nothing_is_polled_in_vain_while_nothing_happens() {
    let (mut rig, _peer) = Rig::open();
    rig.leap(Duration::from_millis(1));
    assert!(!rig.take_woken());
}
