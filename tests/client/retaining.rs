//! Having back the messages that a connection took with it.

use std::task::Poll;

use steadfast::client::Message;

use crate::{
    rig::{Rig, SECOND},
    wire::{Wire, WireConn},
};

fn open() -> (Rig<crate::rig::Client<WireConn>, WireConn>, Wire) {
    let (mut rig, wire) = (Rig::retaining(), Wire::new());
    rig.accept(wire.conn());
    assert_eq!(rig.told(), ["dialing 0", "up"]);
    (rig, wire)
}

fn lost(rig: &mut Rig<crate::rig::Client<WireConn>, WireConn>, wire: &Wire) -> Vec<Message> {
    wire.change(|state| state.ended = true);
    let down = rig.down();
    assert_eq!(down.unflushed, down.unflushed_messages.len() as u64);
    down.unflushed_messages
}

#[test]
fn messages_that_were_not_flushed_come_back_in_their_order() {
    let (mut rig, wire) = open();
    rig.start_send("flushed").unwrap();
    assert!(matches!(rig.poll_flush(), Poll::Ready(Ok(()))));
    wire.change(|state| state.flush_hangs = true);
    rig.start_send("a").unwrap();
    rig.start_send("b").unwrap();
    assert!(rig.poll_flush().is_pending());
    assert_eq!(lost(&mut rig, &wire), [Message::text("a"), Message::text("b")]);
}

#[test]
fn nothing_comes_back_twice() {
    let (mut rig, wire) = open();
    wire.change(|state| state.flush_hangs = true);
    rig.start_send("a").unwrap();
    assert_eq!(lost(&mut rig, &wire).len(), 1);
    let next = Wire::new();
    rig.accept(next.conn());
    rig.pass(SECOND);
    assert!(lost(&mut rig, &next).is_empty());
}

#[test]
fn messages_that_are_not_retained_are_only_counted() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.flush_hangs = true);
    rig.start_send("a").unwrap();
    wire.change(|state| state.ended = true);
    let down = rig.down();
    assert_eq!((down.unflushed, down.unflushed_messages.len()), (1, 0));
}

#[test]
fn what_is_retained_does_not_pile_up_while_the_transport_is_never_idle() {
    let (mut rig, wire) = open();
    wire.change(|state| state.flush_hangs = true);
    let mut sent = 0;
    while let Poll::Ready(Ok(())) = rig.poll_ready() {
        rig.start_send("more").unwrap();
        sent += 1;
        assert!(sent <= 256, "more are retained than the documentation says");
    }
    wire.change(|state| state.flush_hangs = false);
    assert!(matches!(rig.poll_ready(), Poll::Ready(Ok(()))));
    assert!(lost(&mut rig, &wire).is_empty());
}
