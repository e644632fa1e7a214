//! When a message is accepted, and what becomes of it when it is not.

use std::task::Poll;

use futures::{FutureExt, SinkExt};
use steadfast::{
    State,
    client::{Message, SendError, SendErrorReason},
};

use crate::{
    rig::{Client, Rig, SECOND, heard},
    wire::Wire,
};

/// Gives the sink a message and answers why it came back: the very same bytes, not a copy.
fn refused(rig: &mut Rig) -> SendErrorReason {
    let bytes = bytes::Bytes::from(b"precious".to_vec());
    let address = bytes.as_ptr();
    assert!(!rig.it.is_open());
    let sent = rig.it.send(Message::Binary(bytes)).now_or_never();
    let error = sent.expect("an answer at once").expect_err("a refusal");
    let SendError { reason, .. } = error.clone();
    let Some(Message::Binary(bytes)) = error.into_message() else { panic!("it did not come back") };
    assert_eq!((&bytes[..], bytes.as_ptr()), (&b"precious"[..], address));
    reason
}

#[test]
fn a_message_comes_back_unless_the_connection_is_open_and_known_to_be() {
    let mut rig: Rig = Rig::new();
    let not_open = SendErrorReason::NotOpen;
    assert_eq!(refused(&mut rig), not_open);
    assert_eq!(rig.told(), ["dialing 0"]);
    assert_eq!((refused(&mut rig), rig.it.state()), (not_open, State::Connecting));

    let mut peer = rig.listen();
    rig.pass(10 * SECOND);
    assert_eq!(rig.pass(SECOND).last().unwrap(), "up");
    assert!(rig.it.is_open());
    assert!(rig.it.send(Message::text("hello")).now_or_never().unwrap().is_ok());
    assert_eq!(heard(&mut peer), ["hello"]);

    drop(peer);
    rig.events();
    assert_eq!((refused(&mut rig), rig.it.state()), (not_open, State::Backoff));

    let mut peer = rig.listen();
    rig.pass(5 * SECOND);
    rig.ask(Client::stop);
    assert_eq!((refused(&mut rig), rig.it.state()), (not_open, State::Closing));
    rig.events();
    assert_eq!((refused(&mut rig), rig.it.state()), (not_open, State::Closing));
    assert_eq!(heard(&mut peer), ["close 1000"]);

    drop(peer);
    rig.events();
    assert_eq!(refused(&mut rig), not_open);
    assert!(matches!(rig.it.state(), State::Closed(_)));
}

#[test]
fn a_message_comes_back_while_the_peer_is_closing() {
    let (mut rig, wire) = Wire::open();
    wire.say(steadfast::client::Frame::Close(None));
    rig.told();
    assert_eq!(rig.it.state(), State::Closing);
    let error = rig.it.send(Message::text("late")).now_or_never().unwrap().unwrap_err();
    assert_eq!(error.into_message(), Some(Message::text("late")));
    assert_eq!(wire.written(), ["close"]);
}

/// The next event must be this one, and until now nothing could be sent.
#[track_caller]
fn next_is(rig: &mut Rig, expected: &str) {
    assert_eq!(rig.poll_ready().map(|ready| ready.is_ok()), Poll::Ready(true));
    assert!(rig.start_send("too early").is_err());
    let Poll::Ready(Some(event)) = rig.poll(futures::Stream::poll_next) else {
        panic!("not {expected}")
    };
    assert_eq!(crate::rig::tell(&event), expected);
}

#[test]
fn nothing_can_be_sent_on_a_new_connection_before_its_up_has_been_delivered() {
    let (mut rig, mut old) = Rig::open();
    let filled = rig.fill();
    assert_eq!(heard(&mut old).len(), filled);
    rig.fill();
    // The sink is waiting for room, sees the connection drop, and must not jump to the next one.
    assert!(rig.poll_ready().is_pending());
    drop(old);
    assert!(rig.poll_ready().is_ready());
    let mut new = rig.listen();
    rig.clock.advance(SECOND);
    for _ in 0..10 {
        assert!(rig.poll_ready().is_ready());
        assert!(rig.start_send("too early").is_err());
    }
    next_is(&mut rig, "down: connection reset");
    next_is(&mut rig, "dialing 1");
    next_is(&mut rig, "up again");
    assert_eq!(heard(&mut new), [""; 0]);
    assert!(rig.poll_ready().is_ready());
    rig.start_send("now").unwrap();
    assert_eq!(heard(&mut new), ["now"]);
}

#[test]
fn what_was_not_written_is_counted_in_the_down_and_told_by_the_flush() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.flush_hangs = true);
    for word in ["a", "b", "c"] {
        assert!(rig.poll_ready().is_ready());
        rig.start_send(word).unwrap();
    }
    assert_eq!(rig.it.unflushed(), 3);
    assert!(rig.poll_flush().is_pending());
    wire.change(|state| state.ended = true);
    let Poll::Ready(Err(error)) = rig.poll_flush() else { panic!("the flush did not end") };
    assert_eq!(error.reason, SendErrorReason::Interrupted { unflushed: 3 });
    assert!(error.into_message().is_none());
    // It is told once.
    assert!(matches!(rig.poll_flush(), Poll::Ready(Ok(()))));
    assert_eq!(rig.down().unflushed, 3);
}

#[test]
fn a_flush_that_begins_after_the_end_tells_of_it_too() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.flush_hangs = true);
    rig.start_send("a").unwrap();
    wire.change(|state| state.ended = true);
    assert_eq!(rig.down().unflushed, 1);
    let Poll::Ready(Err(error)) = rig.poll_flush() else { panic!("a flush that lies") };
    assert_eq!(error.reason, SendErrorReason::Interrupted { unflushed: 1 });
}

#[test]
fn what_was_written_is_not_counted_in_the_down() {
    let (mut rig, wire) = Wire::open();
    rig.start_send("a").unwrap();
    rig.start_send("b").unwrap();
    assert!(matches!(rig.poll_flush(), Poll::Ready(Ok(()))));
    assert_eq!((rig.it.unflushed(), wire.written()), (0, vec!["a".to_owned(), "b".to_owned()]));
    wire.change(|state| state.flush_hangs = true);
    rig.start_send("c").unwrap();
    wire.change(|state| state.ended = true);
    assert_eq!(rig.down().unflushed, 1);
    // The count does not outlive its connection.
    let next = Wire::new();
    rig.accept(next.conn());
    rig.pass(SECOND);
    next.change(|state| state.ended = true);
    assert_eq!(rig.down().unflushed, 0);
}

#[test]
fn a_flush_is_ready_only_when_all_is_written_and_is_woken_then() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.flush_hangs = true);
    rig.start_send("a").unwrap();
    assert!(rig.poll_flush().is_pending());
    rig.take_woken();
    wire.change(|state| state.flush_hangs = false);
    assert!(rig.take_woken(), "nobody woke the flush");
    assert!(matches!(rig.poll_flush(), Poll::Ready(Ok(()))));
    assert_eq!(wire.written(), ["a"]);
}

#[test]
fn polling_the_stream_writes_what_was_given_to_the_sink() {
    let (mut rig, wire) = Wire::open();
    rig.ask(|_| ());
    for _ in 0..10 {
        rig.start_send("x").unwrap();
    }
    rig.told();
    assert_eq!(wire.written().len(), 10);
    assert_eq!(wire.state().flushes, 1, "many messages, one flush");
}

#[test]
fn a_write_that_fails_ends_the_connection_and_counts_the_message() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.broken = Some(steadfast::FailureKind::Reset));
    rig.take_woken();
    rig.start_send("lost").unwrap();
    rig.ask(|_| ());
    let down = rig.down();
    assert_eq!(down.failure.unwrap().kind(), steadfast::FailureKind::Reset);
    assert_eq!((down.unflushed, down.error.is_some()), (1, true));
}
