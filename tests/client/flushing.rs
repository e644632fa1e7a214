//! A flush of a handle tells of what was lost before it began, and tells of it once.

use steadfast::client::{Handle, Outbox, Overflow, SendErrorReason};

use crate::{
    outbox::{down, send_all, three, wired, words},
    rig::{Client, DriverRig, Rig, SECOND},
    task::Task,
    wire::{Wire, WireConn},
};

fn flush(handle: &Handle) -> Result<(), SendErrorReason> {
    Task::new(handle.flush()).done().map_err(|error| error.reason)
}

/// A driver whose first connection has taken a message with it.
fn lost() -> (Handle, DriverRig<WireConn>) {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| state.flush_hangs = true);
    send_all(&handle, &["lost"]);
    rig.told();
    wire.change(|state| state.ended = true);
    assert_eq!(rig.down().unflushed, 1);
    (handle, rig)
}

fn reconnect(rig: &mut DriverRig<WireConn>) -> Wire {
    let wire = Wire::new();
    rig.accept(wire.conn());
    assert_eq!(rig.pass(SECOND), ["dialing 1", "up again"]);
    wire
}

#[test]
fn a_flush_that_begins_after_the_end_tells_of_the_messages_that_went_down_with_it() {
    let (handle, _rig) = lost();
    assert_eq!(flush(&handle), Err(SendErrorReason::NotOpen));
    assert_eq!(flush(&handle), Ok(()), "it tells once");
}

#[test]
fn a_flush_tells_of_what_was_lost_before_a_message_that_was_written() {
    let (handle, mut rig) = lost();
    let wire = reconnect(&mut rig);
    send_all(&handle, &["written"]);
    rig.told();
    assert_eq!(wire.written(), ["written"]);
    assert_eq!(flush(&handle), Err(SendErrorReason::NotOpen));
    assert_eq!(flush(&handle), Ok(()));
}

#[test]
fn a_flush_that_is_dropped_has_told_nothing() {
    let (handle, _rig) = lost();
    drop(handle.flush());
    assert_eq!(flush(&handle), Err(SendErrorReason::NotOpen));
}

#[test]
fn each_handle_is_told_of_what_was_lost_since_it_was_made() {
    let (handle, mut rig, wire) = wired(three());
    let clone = handle.clone();
    wire.change(|state| state.flush_hangs = true);
    send_all(&handle, &["lost"]);
    rig.told();
    wire.change(|state| state.ended = true);
    rig.told();
    let later = clone.clone();
    assert_eq!(flush(&handle), Err(SendErrorReason::NotOpen));
    assert_eq!(flush(&clone), Err(SendErrorReason::NotOpen));
    assert_eq!(flush(&later), Ok(()));
}

#[test]
fn a_flush_tells_of_what_has_waited_too_long_and_of_what_made_room() {
    let (handle, mut rig) = down(three().with_time_to_live(SECOND / 2));
    send_all(&handle, &["a"]);
    rig.pass(SECOND / 2);
    assert_eq!(flush(&handle), Err(SendErrorReason::GivenUp));
    assert_eq!(flush(&handle), Ok(()));

    let newest = Outbox::default().with_max_messages(1).with_overflow(Overflow::DropOldest);
    let (handle, _rig) = down(newest);
    send_all(&handle, &["a", "b"]);
    assert_eq!(flush(&handle), Err(SendErrorReason::GivenUp));
    Task::new(handle.flush()).waits();
}

#[test]
fn a_flush_tells_of_what_was_given_back_at_the_end() {
    let (handle, mut rig) = down(three());
    send_all(&handle, &["a"]);
    handle.stop();
    rig.told();
    assert_eq!(flush(&handle), Err(SendErrorReason::NotOpen));
    assert_eq!(flush(&handle), Ok(()));
}

#[test]
fn what_a_flush_did_not_ask_for_is_told_by_the_next() {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| state.flush_hangs = true);
    send_all(&handle, &["a"]);
    rig.told();
    let early = Task::new(handle.flush());
    send_all(&handle, &["b"]);
    rig.told();
    wire.change(|state| state.ended = true);
    rig.told();
    assert_eq!(early.done().unwrap_err().reason, SendErrorReason::NotOpen);
    assert_eq!(flush(&handle), Err(SendErrorReason::NotOpen), "of the second");
    assert_eq!(flush(&handle), Ok(()));
}

#[test]
fn a_flush_that_has_failed_is_not_told_again_because_of_what_waits() {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| (state.room, state.flush_hangs) = (1, true));
    send_all(&handle, &["a"]);
    rig.told();
    let early = Task::new(handle.flush());
    send_all(&handle, &["b"]);
    rig.told();
    wire.change(|state| state.ended = true);
    rig.told();
    assert_eq!(early.done().unwrap_err().reason, SendErrorReason::NotOpen);
    let late = Task::new(handle.flush());
    let next = reconnect(&mut rig);
    assert_eq!(next.written(), ["b"]);
    late.done().unwrap();
}

#[test]
fn a_loss_of_what_was_accepted_earlier_than_what_was_lost_before_is_told_too() {
    let (handle, mut rig, wire) = wired(three().with_time_to_live(5 * SECOND));
    wire.change(|state| state.room = 0);
    send_all(&handle, &["waits"]);
    rig.told();
    handle.send_ahead("ahead").unwrap();
    rig.told();
    wire.change(|state| state.ended = true);
    assert_eq!(rig.down().unsent.len(), 1);
    assert_eq!(flush(&handle), Err(SendErrorReason::NotOpen));
    rig.pass(5 * SECOND);
    assert_eq!(flush(&handle), Err(SendErrorReason::GivenUp));
    assert_eq!(flush(&handle), Ok(()));
}

#[test]
fn a_flush_of_what_was_written_just_before_the_end_succeeds() {
    let (handle, mut rig, wire) = wired(three());
    send_all(&handle, &["a"]);
    let flushing = Task::new(handle.flush());
    wire.change(|state| state.ended = true);
    assert_eq!(rig.down().unflushed, 0);
    assert_eq!(wire.written(), ["a"]);
    flushing.done().unwrap();
}

#[test]
fn what_was_written_between_two_messages_of_one_poll_is_not_lost_with_the_later() {
    let mut rig: Rig<Client<WireConn>, WireConn> = Rig::built(|builder| builder.retain_unflushed());
    let wire = Wire::new();
    rig.accept(wire.conn());
    rig.told();
    let (handle, mut rig) = rig.split(1_000);
    wire.change(|state| state.flush_hangs = true);
    handle.try_send("first").unwrap();
    rig.told();
    let first = Task::new(handle.flush());
    // No more than so many are retained without a flush.
    send_all(&handle, &["x"; 255]);
    let all_but_one = Task::new(handle.flush());
    handle.try_send("last").unwrap();
    let all = Task::new(handle.flush());
    wire.change(|state| (state.flush_hangs, state.last_flush) = (false, 1));
    rig.told();
    first.done().unwrap();
    all_but_one.done().unwrap();
    wire.change(|state| state.ended = true);
    assert_eq!(words(&rig.down().unflushed_messages), ["last"]);
    assert_eq!(all.done().unwrap_err().reason, SendErrorReason::NotOpen);
}
