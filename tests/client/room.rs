//! How much is accepted, and for how long it is kept, at the edges.

use std::{cell::RefCell, pin::Pin, rc::Rc, time::Duration};

use futures::{Sink, Stream};
use std::task::{Context, Poll};
use steadfast::{
    client::{Frame, Handle, Outbox, Overflow, SendErrorReason},
    testing::MemoryError,
};

use crate::{
    outbox::{send_all, three, wired},
    rig::{Client, DriverRig, Rig, SECOND},
    task::Task,
    wire::{Wire, WireConn},
};

#[test]
fn no_more_is_accepted_ahead_than_there_is_room_for_however_often_the_driver_is_polled() {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| state.room = 0);
    let accepted = (0..100).filter(|_| {
        let accepted = handle.send_ahead("x").is_ok();
        rig.told();
        accepted
    });
    assert_eq!(accepted.count(), 3);
    assert_eq!(handle.send_ahead("x").unwrap_err().reason, SendErrorReason::Full);
}

#[test]
fn what_goes_ahead_takes_no_room_from_what_waits_its_turn() {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| state.room = 0);
    (0..3).for_each(|_| handle.send_ahead("ahead").unwrap());
    rig.told();
    send_all(&handle, &["a", "b", "c"]);
    assert_eq!(handle.queued(), 6);
    assert_eq!(handle.try_send("d").unwrap_err().reason, SendErrorReason::Full);
    wire.change(|state| state.room = usize::MAX);
    rig.told();
    assert_eq!(wire.written(), ["ahead", "ahead", "ahead", "a", "b", "c"]);
    send_all(&handle, &["d", "e", "f"]);
}

#[test]
fn what_waits_its_turn_does_not_take_the_room_that_comes_too_late_for_what_goes_ahead() {
    let (handle, mut rig, wire) = wired(three());
    send_all(&handle, &["a"]);
    handle.send_ahead("ahead").unwrap();
    wire.change(|state| (state.hesitates, state.room) = (true, 1));
    rig.told();
    assert_eq!(wire.written(), ["ahead"]);
}

#[test]
fn a_message_longer_than_the_outbox_is_too_long_to_go_ahead_too() {
    let (handle, _rig, _wire) = wired(three().with_max_bytes(3));
    assert_eq!(handle.send_ahead("1234").unwrap_err().reason, SendErrorReason::TooLong);
    handle.send_ahead("123").unwrap();
}

#[test]
fn room_in_bytes_wakes_a_sender_even_if_as_many_messages_wait_as_before() {
    let outbox = Outbox::default().with_max_bytes(100).with_overflow(Overflow::Wait);
    let (handle, mut rig, wire) = wired(outbox.with_time_to_live(None));
    wire.change(|state| (state.room, state.flush_hangs) = (0, true));
    send_all(&handle, &[&"a".repeat(90)]);
    rig.told();
    let mut sending = Task::new(handle.send("c".repeat(50)));
    sending.waits();
    wire.change(|state| state.room = 1);
    send_all(&handle, &["b"]);
    rig.told();
    assert_eq!(handle.snapshot().queued_bytes, 1);
    sending.done().unwrap();
}

#[test]
fn room_that_was_taken_and_given_back_between_two_looks_wakes_a_sender() {
    let outbox = three().with_max_messages(1).with_overflow(Overflow::Wait);
    let (handle, mut rig, wire) = wired(outbox);
    wire.change(|state| state.flush_hangs = true);
    rig.told();
    send_all(&handle, &["a"]);
    let mut sending = Task::new(handle.send("b"));
    sending.waits();
    rig.told();
    assert_eq!(handle.queued(), 0);
    sending.done().unwrap();
}

#[test]
fn without_any_time_to_live_a_message_is_sent_if_that_can_be_done_at_once() {
    let (handle, mut rig, wire) = wired(three().with_time_to_live(Duration::ZERO));
    send_all(&handle, &["a"]);
    rig.told();
    assert_eq!(wire.written(), ["a"]);
    wire.change(|state| state.room = 0);
    send_all(&handle, &["b"]);
    assert_eq!(rig.told(), ["unsent: 1 message waited too long"]);
}

#[test]
fn the_longest_time_to_live_is_for_ever() {
    let (handle, mut rig, wire) = wired(three().with_time_to_live(Duration::MAX));
    wire.change(|state| state.room = 0);
    send_all(&handle, &["a"]);
    assert!(rig.pass(SECOND).is_empty());
    wire.change(|state| state.room = 1);
    rig.told();
    assert_eq!(wire.written(), ["a"]);
}

/// Has a handle send something when it is given a message itself: what another thread may do at any
/// time.
struct Pushing(WireConn, Rc<RefCell<Option<Handle>>>);

impl Stream for Pushing {
    type Item = Result<Frame, MemoryError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

impl Sink<Frame> for Pushing {
    type Error = MemoryError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        Pin::new(&mut self.0).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Frame) -> Result<(), MemoryError> {
        if let Some(handle) = self.1.borrow_mut().take() {
            handle.try_send("late").unwrap();
        }
        Pin::new(&mut self.0).start_send(frame)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

/// A driver whose transport has room for so many messages, and a handle that sends one more meanwhile.
fn pushing(room: usize) -> (Handle, DriverRig<Pushing>, Wire) {
    let (wire, pushes) = (Wire::new(), Rc::new(RefCell::new(None)));
    let rig: Rig<Client<Pushing>, Pushing> = Rig::new();
    rig.accept(Pushing(wire.conn(), pushes.clone()));
    let (handle, mut rig) = rig.split_with_outbox(three().with_time_to_live(SECOND * 5));
    rig.told();
    wire.change(|state| state.room = room);
    *pushes.borrow_mut() = Some(handle.clone());
    (handle, rig, wire)
}

#[test]
fn a_message_accepted_while_the_driver_is_sending_has_its_time_too() {
    let (handle, mut rig, wire) = pushing(1);
    send_all(&handle, &["first"]);
    rig.told();
    assert_eq!((wire.written(), handle.queued()), (vec!["first".to_owned()], 1));
    send_all(&handle, &["second"]);
    rig.told();
    assert_eq!(rig.pass(SECOND * 5), ["unsent: 2 messages waited too long"]);
}

#[test]
fn a_message_that_the_driver_takes_while_it_is_sending_has_its_time_too() {
    let (handle, mut rig, wire) = pushing(2);
    send_all(&handle, &["first", "second"]);
    rig.told();
    assert_eq!((wire.written().len(), handle.queued()), (2, 1));
    assert_eq!(rig.pass(SECOND * 5), ["unsent: 1 message waited too long"]);
}
