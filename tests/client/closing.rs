//! How connections end: ours, the peer's, and both at once.

use std::task::Poll;

use futures::{SinkExt, StreamExt};
use steadfast::{
    CloseCode, ClosedReason, FailureKind, Next, State,
    client::{CloseFrame, Frame, Message},
};

use crate::{
    rig::{Client, NANOSECOND, Rig, SECOND, heard, say, text},
    wire::Wire,
};

fn close(code: u16, reason: &str) -> Frame {
    CloseFrame::new(CloseCode::new(code), reason).into()
}

#[test]
fn a_stop_ends_at_the_close_timeout_when_the_peer_never_answers() {
    let (mut rig, mut peer) = Rig::open();
    rig.ask(Client::stop);
    assert!(rig.pass(2 * SECOND - NANOSECOND).is_empty());
    assert_eq!(heard(&mut peer), ["close 1000"]);
    assert_eq!(rig.pass(NANOSECOND), ["down: stopped", "closed: stopped"]);
    assert_eq!(rig.it.state(), State::Closed(ClosedReason::Stopped));
    assert!(heard(&mut peer).is_empty());
}

#[test]
fn a_stop_ends_at_the_close_timeout_although_the_peer_keeps_talking() {
    let (mut rig, mut peer) = Rig::open();
    rig.ask(Client::stop);
    let mut told = Vec::new();
    for _ in 0..20 {
        text(&mut peer, "and another thing");
        told.extend(rig.pass(SECOND / 10));
    }
    assert_eq!(told.iter().filter(|told| told.starts_with("message")).count(), 20);
    assert_eq!(told[told.len() - 2..], ["down: stopped", "closed: stopped"]);
}

#[test]
fn a_stop_ends_at_the_close_timeout_although_nothing_can_be_written() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.room = 0);
    rig.ask(Client::stop);
    assert_eq!(rig.pass(2 * SECOND), ["down: stopped", "closed: stopped"]);
    assert!(wire.written().is_empty());
}

#[test]
fn a_stop_ends_as_soon_as_the_peer_has_answered_and_left() {
    let (mut rig, mut peer) = Rig::open();
    rig.ask(Client::stop);
    rig.told();
    say(&mut peer, close(1000, ""));
    assert!(rig.told().is_empty());
    assert_eq!(heard(&mut peer), ["close 1000"]);
    drop(peer);
    assert_eq!(rig.told(), ["down: stopped", "closed: stopped"]);
}

#[test]
fn a_stop_can_say_why() {
    let (mut rig, mut peer) = Rig::open();
    rig.ask(|it| it.stop_with(CloseFrame::new(CloseCode::new(4242), "gone fishing")));
    rig.told();
    assert_eq!(heard(&mut peer), ["close 4242 gone fishing"]);
}

#[test]
fn a_code_that_must_not_be_sent_is_replaced() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        let (mut rig, mut peer) = Rig::open();
        rig.ask(|it| it.stop_with(CloseFrame::new(CloseCode::new(code), "secret")));
        rig.told();
        assert_eq!(heard(&mut peer), ["close 1000"], "{code}");
    }
}

#[test]
fn a_farewell_that_could_not_be_said_is_not_said_at_a_later_stop() {
    let (mut rig, peer) = Rig::open();
    drop(peer);
    rig.events();
    rig.ask(|it| it.stop_with(CloseFrame::new(CloseCode::new(4000), "stale")));
    assert_eq!(rig.told(), ["closed: stopped"]);
    let mut peer = rig.listen();
    rig.ask(Client::start);
    // At once, or as soon as the floor allows.
    assert_eq!(rig.pass(SECOND).last().unwrap(), "up again");
    rig.ask(Client::stop);
    rig.told();
    assert_eq!(heard(&mut peer), ["close 1000"]);
}

#[test]
fn a_second_farewell_is_not_said_at_a_later_stop() {
    let (mut rig, mut peer) = Rig::open();
    rig.ask(|it| it.stop_with(CloseFrame::new(CloseCode::new(4001), "first")));
    rig.ask(|it| it.stop_with(CloseFrame::new(CloseCode::new(4002), "second")));
    rig.told();
    assert_eq!(heard(&mut peer), ["close 4001 first"]);
    drop(peer);
    rig.told();
    let mut peer = rig.listen();
    rig.ask(Client::start);
    rig.pass(SECOND);
    rig.ask(Client::stop);
    rig.told();
    assert_eq!(heard(&mut peer), ["close 1000"]);
}

#[test]
fn a_second_stop_changes_nothing() {
    let (mut rig, mut peer) = Rig::open();
    rig.ask(Client::stop);
    rig.pass(SECOND);
    rig.ask(Client::stop);
    assert_eq!(rig.pass(SECOND), ["down: stopped", "closed: stopped"]);
    assert_eq!(heard(&mut peer), ["close 1000"]);
    rig.ask(Client::stop);
    assert!(rig.told().is_empty());
}

#[test]
fn a_start_while_closing_comes_back_after_it() {
    let (mut rig, peer) = Rig::open();
    rig.ask(Client::stop);
    rig.ask(Client::start);
    drop(peer);
    assert!(matches!(rig.down().next, Next::Retry { attempt: 0, .. }));
    let _peer = rig.listen();
    assert_eq!(rig.pass(SECOND), ["dialing 0", "up again"]);
}

#[test]
fn a_close_of_the_peer_is_answered_once_and_its_code_and_reason_are_told() {
    let (mut rig, mut peer) = Rig::open();
    say(&mut peer, close(4100, "enough"));
    assert!(rig.told().is_empty(), "the peer ends the connection, not we");
    assert_eq!(heard(&mut peer), ["close 4100"]);
    assert!(rig.pass(SECOND).is_empty());
    drop(peer);
    let down = rig.down();
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::new(4100)));
    assert_eq!(down.close_reason.as_deref(), Some("enough"));
    assert!(matches!(down.next, Next::Retry { attempt: 1, .. }));
}

#[test]
fn a_peer_that_closes_and_does_not_leave_is_left_at_the_close_timeout() {
    let (mut rig, mut peer) = Rig::open();
    say(&mut peer, close(1001, "moving"));
    assert!(rig.pass(2 * SECOND - NANOSECOND).is_empty());
    rig.clock.advance(NANOSECOND);
    let down = rig.down();
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::GOING_AWAY));
    assert_eq!(down.close_reason.as_deref(), Some("moving"));
    assert_eq!(heard(&mut peer), ["close 1001"]);
}

#[test]
fn a_close_without_a_code_is_answered_without_one() {
    let (mut rig, mut peer) = Rig::open();
    say(&mut peer, Frame::Close(None));
    rig.told();
    assert_eq!(heard(&mut peer), ["close"]);
    drop(peer);
    let down = rig.down();
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::NO_STATUS));
    assert_eq!(down.close_reason, None);
}

#[test]
fn the_reason_of_one_close_is_not_told_with_the_next_end() {
    let (mut rig, mut peer) = Rig::open();
    say(&mut peer, close(1000, "moving"));
    drop(peer);
    assert_eq!(rig.down().close_reason.as_deref(), Some("moving"));
    drop(rig.listen());
    rig.clock.advance(SECOND);
    assert_eq!(rig.down().close_reason, None);
}

#[test]
fn a_peer_that_closes_while_we_do_is_not_answered_again() {
    let (mut rig, mut peer) = Rig::open();
    rig.ask(Client::stop);
    say(&mut peer, close(1001, ""));
    rig.told();
    assert_eq!(heard(&mut peer), ["close 1000"]);
}

#[test]
fn a_stop_while_the_peer_is_closing_dials_no_more() {
    let (mut rig, mut peer) = Rig::open();
    say(&mut peer, close(1001, ""));
    rig.told();
    rig.ask(|it| it.stop_with(CloseFrame::new(CloseCode::new(4000), "me too")));
    rig.told();
    assert_eq!(heard(&mut peer), ["close 1001"]);
    drop(peer);
    assert_eq!(rig.told(), ["down: stopped", "closed: stopped"]);
    assert!(rig.pass(60 * SECOND).is_empty());
}

#[test]
fn messages_before_the_peers_close_are_delivered() {
    let (mut rig, mut peer) = Rig::open();
    text(&mut peer, "a");
    text(&mut peer, "b");
    say(&mut peer, close(1000, ""));
    drop(peer);
    assert_eq!(
        rig.told(),
        ["message a", "message b", "down: closed by the peer with 1000 (normal)"]
    );
}

#[test]
fn a_write_error_does_not_hide_the_close_that_is_still_unread() {
    let (mut rig, wire) = Wire::open();
    rig.start_send("into the void").unwrap();
    wire.change(|state| {
        state.broken = Some(FailureKind::Reset);
        state.incoming.push_back(Frame::Message(Message::text("last")));
        state.incoming.push_back(close(4300, "you are out"));
        state.ended = true;
    });
    // The sink meets the error before anything has been read.
    let _ = rig.poll_flush();
    let events = rig.events();
    assert_eq!(crate::rig::tell(&events[0]), "message last");
    let steadfast::client::Event::Down(down) = &events[1] else { panic!("{events:?}") };
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::new(4300)));
    assert_eq!(down.close_reason.as_deref(), Some("you are out"));
    assert_eq!(down.unflushed, 1);
}

#[test]
fn a_write_error_does_not_hide_a_close_that_comes_without_an_end() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| {
        state.broken = Some(FailureKind::Reset);
        state.incoming.push_back(close(1012, ""));
    });
    let _ = rig.poll_ready();
    rig.ask(|_| ());
    let down = rig.down();
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::SERVICE_RESTART));
}

#[test]
fn an_end_that_says_nothing_does_not_hide_the_write_error_before_it() {
    let (mut rig, wire) = Wire::open();
    rig.start_send("into the void").unwrap();
    wire.change(|state| {
        state.broken = Some(FailureKind::Reset);
        state.ended = true;
    });
    let _ = rig.poll_flush();
    let down = rig.down();
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Reset);
    assert!(down.error.is_some());
}

#[test]
fn closing_the_sink_stops_and_leaves_the_events_to_the_stream() {
    let (mut rig, mut peer) = Rig::open();
    assert!(rig.poll(futures::Sink::poll_close).is_pending());
    assert_eq!(heard(&mut peer), ["close 1000"]);
    say(&mut peer, close(1000, ""));
    drop(peer);
    assert!(matches!(rig.poll(|mut it, cx| it.poll_close_unpin(cx)), Poll::Ready(Ok(()))));
    assert_eq!(rig.told(), ["down: stopped", "closed: stopped"]);
}

/// Found by the fuzzer: the message used to follow the end.
#[test]
fn a_message_read_by_the_sink_when_the_close_timeout_is_due_is_told_before_the_end() {
    let (mut rig, wire) = Wire::open();
    rig.ask(Client::stop);
    assert!(rig.told().is_empty());
    rig.clock.advance(2 * SECOND);
    wire.text("late");
    assert!(matches!(rig.poll(|mut it, cx| it.poll_close_unpin(cx)), Poll::Ready(Ok(()))));
    assert_eq!(rig.told(), ["message late", "down: stopped", "closed: stopped"]);
}

#[test]
fn a_stop_keeps_its_timeout_though_a_peer_never_pauses_and_the_application_is_slow() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.flood = Some(Frame::Message(Message::text("more"))));
    let next = |rig: &mut Rig<Client<_>, _>| {
        rig.poll(|mut it: std::pin::Pin<&mut Client<_>>, cx| it.poll_next_unpin(cx))
    };
    assert!(next(&mut rig).is_ready());
    rig.it.stop();
    for _ in 0..4 {
        rig.clock.advance(SECOND);
        let _ = next(&mut rig);
    }
    assert_eq!(rig.it.state(), State::Closed(ClosedReason::Stopped));
}
