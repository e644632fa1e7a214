//! Starts and stops in quick succession: every message has one fate, and everyone who waits is told.

use steadfast::{
    State,
    client::{Event, Handle, Outbox, Overflow, Release, SendErrorReason},
};

use crate::{
    outbox::{down, send_all, three, words},
    rig::{Client, DriverRig, Rig, SECOND, heard, policy},
    task::Task,
    wire::{Wire, WireConn},
};

/// A driver whose stream has ended.
fn closed() -> (Handle, DriverRig) {
    let (handle, mut rig) = down(three());
    handle.stop();
    assert_eq!(rig.told().last().unwrap(), "closed: stopped");
    (handle, rig)
}

#[test]
fn a_start_that_a_stop_takes_back_is_told_to_those_who_wait_for_the_end() {
    let (handle, mut rig) = closed();
    let mut closed = Task::new(handle.closed());
    assert!(closed.run().is_ready());
    let mut closed = Task::new(handle.closed());
    handle.start();
    closed.waits();
    handle.stop();
    assert!(closed.run().is_ready(), "it waits for a driver that may not be polled any more");
    assert!(rig.told().is_empty());
}

#[test]
fn a_message_accepted_between_a_start_and_a_stop_is_given_back() {
    let (handle, mut rig) = closed();
    handle.start();
    send_all(&handle, &["a"]);
    let mut flush = Task::new(handle.flush());
    flush.waits();
    handle.stop();
    let events = rig.events();
    let [Event::Unsent(unsent)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(words(&unsent.messages), ["a"]);
    assert_eq!(handle.queued(), 0);
    assert_eq!(flush.done().unwrap_err().reason, SendErrorReason::NotOpen);
    assert_eq!(handle.try_send("b").unwrap_err().reason, SendErrorReason::NotOpen);
}

#[test]
fn a_message_accepted_after_a_start_is_for_the_connection_to_come() {
    let (handle, mut rig) = down(three());
    send_all(&handle, &["before"]);
    handle.stop();
    handle.start();
    send_all(&handle, &["after"]);
    let mut peer = rig.listen();
    let told = rig.pass(SECOND);
    assert_eq!(
        told,
        [
            "unsent: 1 message can no longer be sent",
            "closed: stopped",
            "rescheduled",
            "dialing 0",
            "up"
        ]
    );
    assert_eq!(heard(&mut peer), ["after"]);
    assert!(matches!(handle.state(), State::Open));
}

#[test]
fn a_message_accepted_before_the_end_was_told_is_given_back_before_a_new_start() {
    let (handle, mut rig) = closed();
    handle.start();
    send_all(&handle, &["a"]);
    handle.stop();
    handle.start();
    send_all(&handle, &["b"]);
    let mut peer = rig.listen();
    let told = rig.pass(SECOND);
    assert_eq!(told, ["unsent: 1 message can no longer be sent", "rescheduled", "dialing 0", "up"]);
    assert_eq!(heard(&mut peer), ["b"]);
}

#[test]
fn what_made_room_and_what_is_given_up_at_the_same_time_are_both_told_before_the_end() {
    let newest = Outbox::default().with_max_messages(1).with_overflow(Overflow::DropOldest);
    let (handle, mut rig) = down(newest.with_release(Release::OnResync));
    send_all(&handle, &["a", "b"]);
    handle.stop();
    assert_eq!(
        rig.told(),
        [
            "unsent: 1 message made room for newer ones",
            "unsent: 1 message can no longer be sent",
            "closed: stopped"
        ]
    );
}

/// A connection without room, after whose end there is no other unless it is started.
fn last() -> (Rig<Client<WireConn>, WireConn>, Wire) {
    let policy = policy().to_builder().with_max_retries(0).build().unwrap();
    let (mut rig, wire) = (Rig::with(Default::default(), policy), Wire::new());
    rig.accept(wire.conn());
    assert_eq!(rig.told(), ["dialing 0", "up"]);
    wire.state().room = 0;
    (rig, wire)
}

#[test]
fn a_start_before_the_end_is_told_does_not_send_what_was_accepted_before_it() {
    for outbox in [three(), three().with_overflow(Overflow::DropOldest)] {
        let (rig, wire) = last();
        let (handle, mut rig) = rig.split_with_outbox(outbox);
        send_all(&handle, &["a", "b"]);
        rig.told();
        let mut flush = Task::new(handle.flush());
        flush.waits();
        wire.change(|state| state.ended = true);
        handle.start();
        send_all(&handle, &["c"]);
        let next = Wire::new();
        rig.accept(next.conn());
        let told = rig.pass(SECOND);
        assert_eq!(
            told,
            [
                "down: connection ended without a Close",
                "unsent: 2 messages can no longer be sent",
                "closed: gave up: connection ended without a Close",
                "rescheduled",
                "dialing 0",
                "up again"
            ]
        );
        assert_eq!(next.written(), ["c"]);
        assert_eq!(flush.done().unwrap_err().reason, SendErrorReason::NotOpen);
    }
}

#[test]
fn without_an_outbox_what_was_accepted_before_a_start_comes_back_with_the_end() {
    let (rig, wire) = last();
    let (handle, mut rig) = rig.split(3);
    send_all(&handle, &["a"]);
    rig.told();
    send_all(&handle, &["b"]);
    wire.change(|state| state.ended = true);
    handle.start();
    let next = Wire::new();
    rig.accept(next.conn());
    let events = rig.events();
    let Some(Event::Down(down)) = events.first() else { panic!("{events:?}") };
    assert_eq!(words(&down.unsent), ["a", "b"]);
    assert!(!events.iter().any(|event| matches!(event, Event::Unsent(_))), "{events:?}");
    rig.pass(SECOND);
    send_all(&handle, &["c"]);
    rig.told();
    assert_eq!(next.written(), ["c"]);
}

#[test]
fn stops_and_starts_without_end_do_not_pile_up_what_is_to_be_told() {
    let (handle, mut rig) = closed();
    let mut told = 0;
    for _ in 0..1_000 {
        handle.start();
        handle.stop();
        handle.start();
        let polled = rig.poll(|mut it, cx| futures::StreamExt::poll_next_unpin(&mut it, cx));
        told += usize::from(polled.is_ready());
    }
    let left = rig.events().len();
    assert!(left <= 10, "{left} after {told}");
}
