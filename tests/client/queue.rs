//! What becomes of the messages that handles send: room, order, flushing, and their fate when the
//! connection ends.

use std::task::Poll;

use futures::StreamExt;
use steadfast::client::{Event, Handle, Message, SendErrorReason};

use crate::{
    rig::{SECOND, tell},
    task::Task,
    wire::{Wire, WireConn},
};

type DriverRig = crate::rig::DriverRig<WireConn>;

fn open(capacity: usize) -> (Handle, DriverRig, Wire) {
    let (rig, wire) = Wire::open();
    let (handle, mut rig) = rig.split(capacity);
    assert!(rig.told().is_empty());
    (handle, rig, wire)
}

/// A driver whose transport has no room.
fn blocked(capacity: usize) -> (Handle, DriverRig, Wire) {
    let (handle, rig, wire) = open(capacity);
    wire.change(|state| state.room = 0);
    (handle, rig, wire)
}

fn send_all(handle: &Handle, words: &[&str]) {
    words.iter().for_each(|word| handle.try_send(*word).unwrap());
}

fn words(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.as_text().unwrap()).collect()
}

#[test]
fn messages_of_several_handles_leave_in_the_order_they_were_accepted_in_and_with_one_flush() {
    let (handle, mut rig, wire) = open(8);
    let clone = handle.clone();
    for n in 0..4 {
        handle.try_send(format!("{n}a")).unwrap();
        clone.try_send(format!("{n}b")).unwrap();
    }
    rig.told();
    assert_eq!(wire.written(), ["0a", "0b", "1a", "1b", "2a", "2b", "3a", "3b"]);
    assert_eq!(wire.state().flushes, 1);
}

#[test]
fn the_queue_holds_no_more_than_its_capacity() {
    let (handle, mut rig, _wire) = blocked(3);
    send_all(&handle, &["a", "b", "c"]);
    let error = handle.try_send("d").unwrap_err();
    assert_eq!(error.reason, SendErrorReason::Full);
    assert_eq!(error.into_message(), Some(Message::text("d")));
    assert_eq!(handle.queued(), 3);
    // Nor does the driver gather more than that while it waits for room.
    let mut accepted = 3;
    for _ in 0..100 {
        rig.told();
        assert!(handle.queued() <= 3);
        accepted += usize::from(handle.try_send("more").is_ok());
    }
    assert!(accepted <= 6, "{accepted} messages wait");
}

#[test]
fn at_most_the_capacity_waits_between_handles_and_transport() {
    let (handle, mut rig, _wire) = blocked(3);
    let mut accepted = 0;
    for _ in 0..100 {
        accepted += usize::from(handle.try_send("more").is_ok());
        rig.told();
    }
    assert_eq!(accepted, 3);
}

#[test]
fn a_queue_without_capacity_holds_one() {
    let (handle, mut rig, wire) = open(0);
    handle.try_send("a").unwrap();
    assert_eq!(handle.try_send("b").unwrap_err().reason, SendErrorReason::Full);
    rig.told();
    assert_eq!(wire.written(), ["a"]);
}

#[test]
fn send_waits_for_room_and_keeps_its_place() {
    let (handle, mut rig, wire) = open(1);
    handle.try_send("a").unwrap();
    let mut sending = Task::new(handle.send("b"));
    sending.waits();
    rig.told();
    sending.done().unwrap();
    rig.told();
    assert_eq!(wire.written(), ["a", "b"]);
}

#[test]
fn a_send_that_waits_for_room_comes_back_when_the_connection_ends() {
    let (handle, mut rig, wire) = blocked(1);
    handle.try_send("a").unwrap();
    let mut sending = Task::new(handle.send("b"));
    sending.waits();
    wire.change(|state| state.ended = true);
    let down = rig.down();
    assert_eq!(words(&down.unsent), ["a"]);
    let error = sending.done().unwrap_err();
    assert_eq!(error.reason, SendErrorReason::NotOpen);
    assert_eq!(error.into_message(), Some(Message::text("b")));
}

#[test]
fn a_send_that_is_dropped_while_it_waits_sends_nothing() {
    let (handle, mut rig, wire) = open(1);
    handle.try_send("a").unwrap();
    Task::new(handle.send("dropped")).waits();
    rig.told();
    handle.try_send("b").unwrap();
    rig.told();
    assert_eq!(wire.written(), ["a", "b"]);
}

#[test]
fn a_message_that_was_accepted_while_an_earlier_one_waited_leaves_by_itself() {
    let (handle, mut rig, wire) = blocked(4);
    handle.try_send("first").unwrap();
    rig.told();
    handle.try_send("second").unwrap();
    rig.told();
    assert!(wire.written().is_empty());
    wire.change(|state| state.room = 10);
    rig.told();
    assert_eq!(wire.written(), ["first", "second"]);
}

#[test]
fn messages_that_were_never_given_to_the_transport_come_back_in_order() {
    let (handle, mut rig, wire) = blocked(4);
    wire.change(|state| (state.room, state.flush_hangs) = (2, true));
    send_all(&handle, &["a", "b", "c", "d"]);
    rig.told();
    while handle.try_send("e").is_ok() {}
    wire.change(|state| state.ended = true);
    let down = rig.down();
    assert_eq!(down.unflushed, 2, "a and b were given to the transport");
    let unsent = words(&down.unsent);
    assert_eq!(unsent[..2], ["c", "d"]);
    assert!(unsent[2..].iter().all(|word| *word == "e"), "{unsent:?}");
    assert_eq!(handle.queued(), 0);

    // They are the application's again: nothing of them is sent on the next connection.
    let next = Wire::new();
    rig.accept(next.conn());
    rig.pass(SECOND);
    handle.try_send("new").unwrap();
    rig.told();
    assert_eq!(next.written(), ["new"]);
}

#[test]
fn every_message_that_was_accepted_before_a_stop_is_sent_or_comes_back() {
    let (handle, mut rig, wire) = open(4);
    send_all(&handle, &["a", "b"]);
    handle.stop();
    rig.told();
    wire.change(|state| state.ended = true);
    rig.ask(|_| ());
    let mut fates: Vec<_> = wire.written();
    fates.retain(|word| !word.starts_with("close"));
    for event in rig.events() {
        if let Event::Down(down) = event {
            fates.extend(words(&down.unsent).iter().map(|word| (*word).to_owned()));
        }
    }
    assert_eq!(fates, ["a", "b"]);
}

#[test]
fn a_message_that_was_accepted_before_a_stop_is_sent_before_the_close() {
    let (handle, mut rig, wire) = open(4);
    send_all(&handle, &["last words"]);
    handle.stop();
    rig.told();
    assert_eq!(wire.written(), ["last words", "close 1000"]);
}

#[test]
fn a_flush_is_ready_only_when_all_that_was_accepted_is_written() {
    let (handle, mut rig, wire) = blocked(4);
    Task::new(handle.flush()).done().unwrap();
    send_all(&handle, &["a", "b"]);
    let mut flushing = Task::new(handle.flush());
    flushing.waits();
    rig.told();
    flushing.waits();
    wire.change(|state| (state.room, state.flush_hangs) = (2, true));
    rig.told();
    flushing.waits();
    wire.change(|state| state.flush_hangs = false);
    rig.told();
    assert_eq!(wire.written(), ["a", "b"]);
    flushing.done().unwrap();
}

#[test]
fn a_flush_does_not_wait_for_messages_that_were_accepted_later() {
    let (handle, mut rig, wire) = open(4);
    handle.try_send("a").unwrap();
    let mut flushing = Task::new(handle.flush());
    flushing.waits();
    rig.told();
    wire.change(|state| state.room = 0);
    handle.try_send("b").unwrap();
    rig.told();
    flushing.done().unwrap();
}

#[test]
fn a_flush_fails_when_the_connection_ends_before_all_is_written() {
    let (handle, mut rig, wire) = open(4);
    wire.change(|state| state.flush_hangs = true);
    handle.try_send("a").unwrap();
    let mut flushing = Task::new(handle.flush());
    rig.told();
    flushing.waits();
    wire.change(|state| state.ended = true);
    rig.told();
    assert!(flushing.done().is_err());
}

#[test]
fn a_flush_of_what_has_been_written_succeeds_although_the_connection_ended_since() {
    let (handle, mut rig, wire) = open(4);
    handle.try_send("a").unwrap();
    let flushing = Task::new(handle.flush());
    rig.told();
    assert_eq!(wire.written(), ["a"]);
    wire.change(|state| state.ended = true);
    rig.told();
    flushing.done().unwrap();
}

/// Takes one event from the driver.
fn step(rig: &mut DriverRig) -> String {
    match rig.poll(|mut it, cx| it.poll_next_unpin(cx)) {
        Poll::Ready(Some(event)) => tell(&event),
        Poll::Ready(None) | Poll::Pending => "nothing".to_owned(),
    }
}

#[test]
fn a_flush_does_not_succeed_because_the_end_is_told_after_messages_that_came_before() {
    let (handle, mut rig, wire) = blocked(4);
    wire.change(|state| state.flush_hangs = true);
    send_all(&handle, &["a", "b"]);
    rig.told();
    let mut flushing = Task::new(handle.flush());
    flushing.waits();
    // While "b" waits for room, messages are read ahead of the application.
    wire.change(|state| state.room = 1);
    (1..=4).for_each(|n| wire.text(&n.to_string()));
    assert_eq!(step(&mut rig), "message 1");
    wire.change(|state| state.room = 10);
    assert_eq!(step(&mut rig), "message 2");
    flushing.waits();
    // The closing handshake times out while the application is still busy with them.
    handle.stop();
    assert_eq!(step(&mut rig), "message 3");
    rig.clock.advance(2 * SECOND);
    handle.probe();
    assert_eq!(step(&mut rig), "message 4");
    assert!(!matches!(flushing.run(), Poll::Ready(Ok(()))), "nothing was written");
    let Poll::Ready(Some(Event::Down(down))) = rig.poll(|mut it, cx| it.poll_next_unpin(cx)) else {
        panic!("not down")
    };
    assert_eq!(down.unflushed, 2);
}
