//! The outbox: what is kept while there is no connection, for how long, how much of it, and what
//! becomes of it.

use std::time::Duration;

use futures::StreamExt;
use steadfast::{
    FailureKind,
    client::{Event, Handle, Message, Outbox, Overflow, SendErrorReason, Unsent, UnsentReason},
};

use crate::{
    rig::{DriverRig, Rig, SECOND, heard, tell},
    task::Task,
    wire::{Wire, WireConn},
};

/// Three messages, as long as it takes.
pub(crate) fn three() -> Outbox {
    Outbox::default().with_max_messages(3).with_time_to_live(None)
}

/// A driver in its first backoff, which takes a second.
pub(crate) fn down(outbox: Outbox) -> (Handle, DriverRig) {
    let rig: Rig = Rig::new();
    rig.refuse(FailureKind::Refused);
    let (handle, mut rig) = rig.split_with_outbox(outbox);
    rig.told();
    (handle, rig)
}

pub(crate) fn wired(outbox: Outbox) -> (Handle, DriverRig<WireConn>, Wire) {
    let (rig, wire) = Wire::open();
    let (handle, mut rig) = rig.split_with_outbox(outbox);
    assert!(rig.told().is_empty());
    (handle, rig, wire)
}

pub(crate) fn send_all(handle: &Handle, words: &[&str]) {
    words.iter().for_each(|word| handle.try_send(*word).unwrap());
}

fn refused(handle: &Handle, word: &str) -> SendErrorReason {
    let error = handle.try_send(word).unwrap_err();
    assert_eq!(error.message, Some(Message::text(word)));
    error.reason
}

fn unsent(events: &[Event]) -> Vec<Unsent> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Unsent(unsent) => Some((**unsent).clone()),
            _ => None,
        })
        .collect()
}

pub(crate) fn words(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.as_text().unwrap()).collect()
}

#[test]
fn messages_that_are_accepted_while_down_are_sent_in_their_order_on_the_next_connection() {
    let (handle, mut rig) = down(three());
    send_all(&handle, &["a", "b", "c"]);
    let mut peer = rig.listen();
    assert_eq!(rig.pass(SECOND), ["dialing 1", "up"]);
    assert_eq!(heard(&mut peer), ["a", "b", "c"]);
    assert_eq!(handle.queued(), 0);
}

#[test]
fn nothing_is_sent_before_the_application_has_been_told_that_it_is_up() {
    let (handle, mut rig) = down(three());
    send_all(&handle, &["a"]);
    let mut peer = rig.listen();
    rig.clock.advance(SECOND);
    let mut told = Vec::new();
    while !told.contains(&"up".to_owned()) {
        assert!(heard(&mut peer).is_empty(), "after {told:?}");
        if let std::task::Poll::Ready(Some(event)) = rig.poll(|mut it, cx| it.poll_next_unpin(cx)) {
            told.push(tell(&event));
        }
    }
    assert!(heard(&mut peer).is_empty(), "the application has not answered yet");
    rig.ask(|_| ());
    rig.told();
    assert_eq!(heard(&mut peer), ["a"]);
}

#[test]
fn what_the_transport_had_no_room_for_keeps_its_place_over_a_reconnect() {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| state.room = 1);
    send_all(&handle, &["a", "b", "c"]);
    rig.told();
    assert_eq!(wire.written(), ["a"]);
    wire.change(|state| state.ended = true);
    let events = rig.events();
    let [Event::Down(ended)] = &events[..] else { panic!("{events:?}") };
    assert!(ended.unsent.is_empty() && ended.unflushed == 0);
    handle.try_send("d").unwrap();
    let next = Wire::new();
    rig.accept(next.conn());
    rig.pass(SECOND);
    assert_eq!(next.written(), ["b", "c", "d"]);
}

#[test]
fn the_outbox_is_bounded_in_messages() {
    let (handle, mut rig) = down(three());
    send_all(&handle, &["a", "b", "c"]);
    assert_eq!(refused(&handle, "d"), SendErrorReason::Full);
    rig.told();
    assert_eq!(refused(&handle, "d"), SendErrorReason::Full);
}

#[test]
fn the_outbox_is_bounded_in_bytes() {
    let (handle, _rig) = down(Outbox::default().with_max_bytes(10));
    send_all(&handle, &["123456", "1234"]);
    assert_eq!(refused(&handle, "1"), SendErrorReason::Full);
    handle.try_send("").unwrap();
    assert_eq!(handle.snapshot().queued_bytes, 10);
}

#[test]
fn what_waits_for_room_on_the_wire_counts_as_waiting() {
    let (handle, mut rig, wire) = wired(three().with_max_bytes(3));
    wire.change(|state| state.room = 0);
    send_all(&handle, &["a", "b", "c"]);
    for _ in 0..10 {
        rig.told();
        assert_eq!(refused(&handle, "d"), SendErrorReason::Full);
    }
    assert_eq!(handle.queued(), 3);
}

#[test]
fn a_message_that_can_never_fit_is_refused_and_displaces_nothing() {
    for overflow in [Overflow::Reject, Overflow::DropOldest, Overflow::Wait] {
        let (handle, mut rig) = down(three().with_max_bytes(4).with_overflow(overflow));
        handle.try_send("a").unwrap();
        assert_eq!(refused(&handle, "12345"), SendErrorReason::TooLong);
        let error = Task::new(handle.send("12345")).done().unwrap_err();
        assert_eq!(error.reason, SendErrorReason::TooLong);
        assert_eq!(handle.queued(), 1);
        assert!(rig.told().is_empty());
    }
}

#[test]
fn with_reject_send_does_not_wait_for_room() {
    let (handle, _rig) = down(three());
    send_all(&handle, &["a", "b", "c"]);
    let error = Task::new(handle.send("d")).done().unwrap_err();
    assert_eq!((error.reason, error.message), (SendErrorReason::Full, Some("d".into())));
}

#[test]
fn with_wait_send_waits_for_room_over_a_reconnect() {
    let (handle, mut rig) = down(three().with_overflow(Overflow::Wait));
    send_all(&handle, &["a", "b", "c"]);
    let mut sending = Task::new(handle.send("d"));
    sending.waits();
    let mut peer = rig.listen();
    rig.pass(SECOND);
    sending.done().unwrap();
    rig.told();
    assert_eq!(heard(&mut peer), ["a", "b", "c", "d"]);
}

#[test]
fn with_drop_oldest_the_oldest_make_room_and_are_counted() {
    let outbox = Outbox::default().with_max_bytes(6).with_overflow(Overflow::DropOldest);
    let (handle, mut rig) = down(outbox);
    send_all(&handle, &["aa", "bb", "cc", "dddd"]);
    let events = rig.events();
    let [told] = &unsent(&events)[..] else { panic!("{events:?}") };
    assert_eq!((told.reason, told.count), (UnsentReason::Displaced, 2));
    assert_eq!(told.to_string(), "2 messages made room for newer ones");
    let mut peer = rig.listen();
    rig.pass(SECOND);
    assert_eq!(heard(&mut peer), ["cc", "dddd"]);
}

#[test]
fn with_drop_oldest_the_newest_is_accepted_even_when_the_wire_is_stuck() {
    let (handle, mut rig, wire) = wired(three().with_overflow(Overflow::DropOldest));
    wire.change(|state| state.room = 0);
    for n in 0..100 {
        handle.try_send(n.to_string()).unwrap();
        rig.told();
        assert!(handle.queued() <= 4, "three, and the one that is being sent");
    }
    wire.change(|state| state.room = 10);
    rig.told();
    assert_eq!(wire.written(), ["0", "97", "98", "99"]);
}

#[test]
fn a_message_that_has_had_its_time_is_given_back_when_that_is_over() {
    let (handle, mut rig) = down(three().with_time_to_live(10 * SECOND));
    for _ in 0..10 {
        rig.refuse(FailureKind::Refused);
    }
    send_all(&handle, &["a", "b"]);
    rig.pass(SECOND);
    handle.try_send("c").unwrap();
    let told = rig.pass(9 * SECOND - Duration::from_nanos(1));
    assert!(!told.iter().any(|it| it.starts_with("unsent")), "{told:?}");
    rig.clock.advance(Duration::from_nanos(1));
    let events = rig.events();
    let [first] = &unsent(&events)[..] else { panic!("{events:?}") };
    assert_eq!((first.reason, words(&first.messages)), (UnsentReason::Expired, vec!["a", "b"]));
    assert_eq!(handle.queued(), 1);
    assert!(rig.pass(SECOND).contains(&"unsent: 1 message waited too long".to_owned()));
}

#[test]
fn a_message_also_expires_while_the_wire_is_stuck() {
    let (handle, mut rig, wire) = wired(three().with_time_to_live(2 * SECOND));
    wire.change(|state| state.room = 0);
    send_all(&handle, &["a"]);
    rig.told();
    assert_eq!(rig.pass(2 * SECOND), ["unsent: 1 message waited too long"]);
    wire.change(|state| state.room = 10);
    rig.told();
    assert!(wire.written().is_empty());
    assert_eq!(handle.queued(), 0);
}

#[test]
fn expiry_makes_room_for_those_who_wait() {
    let outbox = three().with_overflow(Overflow::Wait).with_time_to_live(SECOND);
    let (handle, mut rig) = down(outbox);
    send_all(&handle, &["a", "b", "c"]);
    let mut sending = Task::new(handle.send("d"));
    rig.told();
    sending.waits();
    rig.pass(SECOND);
    sending.done().unwrap();
}

#[test]
fn when_it_is_over_what_waits_is_given_back_before_that_is_told() {
    let (handle, mut rig) = down(three());
    send_all(&handle, &["a", "b"]);
    handle.stop();
    let events = rig.events();
    let [Event::Unsent(unsent), Event::Closed { .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((unsent.reason, words(&unsent.messages)), (UnsentReason::Closed, vec!["a", "b"]));
    assert_eq!(refused(&handle, "c"), SendErrorReason::NotOpen);
}

#[test]
fn after_a_stop_nothing_is_accepted_until_it_is_started_again() {
    let (handle, mut rig) = down(three());
    handle.stop();
    rig.told();
    assert_eq!(refused(&handle, "a"), SendErrorReason::NotOpen);
    handle.start();
    handle.try_send("b").unwrap();
    let mut peer = rig.listen();
    rig.pass(10 * SECOND);
    assert_eq!(heard(&mut peer), ["b"]);
}

#[test]
fn messages_accepted_before_a_stop_are_still_sent_if_the_connection_is_open() {
    let (handle, mut rig, wire) = wired(three());
    send_all(&handle, &["last words"]);
    handle.stop();
    assert!(unsent(&rig.events()).is_empty());
    assert_eq!(wire.written(), ["last words", "close 1000"]);
}

#[test]
fn however_many_were_accepted_before_a_stop_they_are_sent_if_there_is_room() {
    for overflow in [Overflow::Reject, Overflow::DropOldest, Overflow::Wait] {
        let (handle, mut rig, wire) = wired(three().with_max_messages(100).with_overflow(overflow));
        (0..100).for_each(|n| handle.try_send(n.to_string()).unwrap());
        handle.stop();
        assert!(unsent(&rig.events()).is_empty());
        assert_eq!(wire.written().len(), 101, "{overflow:?}");
    }
}

#[test]
fn a_flush_waits_over_a_reconnect_for_what_is_kept() {
    let (handle, mut rig) = down(three());
    send_all(&handle, &["a"]);
    let mut flushing = Task::new(handle.flush());
    rig.told();
    flushing.waits();
    let _peer = rig.listen();
    rig.pass(SECOND);
    flushing.done().unwrap();
}

#[test]
fn a_flush_fails_when_one_of_its_messages_is_given_up_and_only_then() {
    let (handle, mut rig) = down(three().with_time_to_live(5 * SECOND));
    Task::new(handle.flush()).done().unwrap();
    send_all(&handle, &["a"]);
    let mut early = Task::new(handle.flush());
    rig.pass(SECOND / 2);
    send_all(&handle, &["b"]);
    let mut late = Task::new(handle.flush());
    early.waits();
    late.waits();
    for _ in 0..10 {
        rig.refuse(FailureKind::Refused);
    }
    rig.pass(5 * SECOND - SECOND / 2);
    assert_eq!(early.done().unwrap_err().reason, SendErrorReason::GivenUp);
    // It waits for both messages, and one of them is lost.
    assert_eq!(late.done().unwrap_err().reason, SendErrorReason::GivenUp);
    let mut after = Task::new(handle.flush());
    after.waits();
    let _peer = rig.listen();
    drop(after);
}

#[test]
fn a_flush_is_not_failed_by_the_loss_of_a_message_that_came_later() {
    let (handle, mut rig, wire) = wired(three());
    send_all(&handle, &["a"]);
    rig.told();
    let flushing = Task::new(handle.flush());
    wire.change(|state| state.flush_hangs = true);
    send_all(&handle, &["b"]);
    rig.told();
    wire.change(|state| state.ended = true);
    assert_eq!(rig.down().unflushed, 1);
    flushing.done().unwrap();
}

#[test]
fn what_was_given_to_a_transport_is_not_sent_again() {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| state.flush_hangs = true);
    send_all(&handle, &["a"]);
    rig.told();
    let flushing = Task::new(handle.flush());
    wire.change(|state| state.ended = true);
    assert_eq!(rig.down().unflushed, 1);
    assert_eq!(flushing.done().unwrap_err().reason, SendErrorReason::NotOpen);
    let next = Wire::new();
    rig.accept(next.conn());
    rig.pass(SECOND);
    assert!(next.written().is_empty());
}
