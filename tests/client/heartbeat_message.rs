//! A heartbeat in the application's own words.

use std::time::Duration;

use bytes::Bytes;
use steadfast::{
    Config, Heartbeat, State,
    client::{Event, Frame, HeartbeatMessage, Message},
    testing::MemoryPeer,
};

use crate::{
    rig::{Client, NANOSECOND, Rig, SECOND, heard, say, text},
    wire::{Wire, WireConn},
};

const PING: &str = r#"{"type":"ping"}"#;
const PONG: &str = r#"{"type":"pong"}"#;
const DEAD: &str = "down: no answer to ping";

fn open(heartbeat: HeartbeatMessage) -> (Rig, MemoryPeer) {
    let mut rig: Rig = Rig::built(|builder| builder.with_heartbeat_message(heartbeat));
    let peer = rig.listen();
    assert_eq!(rig.told(), ["dialing 0", "up"]);
    (rig, peer)
}

/// An open connection over a wire without room.
fn full() -> (Rig<Client<WireConn>, WireConn>, Wire) {
    let wire = Wire::new();
    let json = HeartbeatMessage::json();
    let mut rig: Rig<Client<WireConn>, WireConn> =
        Rig::built(|builder| builder.with_heartbeat_message(json));
    rig.accept(wire.conn());
    assert_eq!(rig.told(), ["dialing 0", "up"]);
    wire.change(|state| state.room = 0);
    (rig, wire)
}

#[test]
fn it_is_sent_where_a_ping_frame_would_be_and_a_silent_peer_is_found_out() {
    let (mut rig, mut peer) = open(HeartbeatMessage::json());
    assert!(rig.pass(20 * SECOND - NANOSECOND).is_empty());
    assert!(heard(&mut peer).is_empty());
    assert!(rig.pass(NANOSECOND).is_empty());
    assert_eq!(heard(&mut peer), [PING]);
    assert!(rig.pass(20 * SECOND - NANOSECOND).is_empty());
    assert_eq!(heard(&mut peer), [PING]);
    assert_eq!(rig.pass(NANOSECOND), [DEAD]);
}

#[test]
fn an_answer_is_a_round_trip_and_no_message() {
    let (mut rig, mut peer) = open(HeartbeatMessage::json());
    rig.pass(20 * SECOND);
    rig.pass(Duration::from_millis(40));
    text(&mut peer, r#"{ "ts": 7, "type" : "pong" }"#);
    assert_eq!(rig.told(), ["round trip 40ms"]);
    let round_trip = rig.it.stats().round_trip.unwrap();
    assert_eq!(round_trip.smoothed, Duration::from_millis(40));
    assert_eq!(round_trip.variation, Duration::from_millis(20));
    // The same once more is a sign of life and nothing else.
    text(&mut peer, PONG);
    assert!(rig.told().is_empty());
}

#[test]
fn an_answer_that_is_asked_for_is_delivered_before_what_it_means() {
    let (mut rig, mut peer) = open(HeartbeatMessage::json().delivering_answers());
    rig.pass(20 * SECOND);
    text(&mut peer, PONG);
    assert_eq!(rig.told(), [&format!("message {PONG}"), "round trip 0ns"]);
}

#[test]
fn what_is_no_answer_is_delivered_and_a_sign_of_life() {
    let (mut rig, mut peer) = open(HeartbeatMessage::json());
    rig.pass(40 * SECOND - NANOSECOND);
    heard(&mut peer);
    let data = r#"{"type":"data","of":{"type":"pong"}}"#;
    text(&mut peer, data);
    say(&mut peer, Frame::Message(Message::binary(PONG.as_bytes().to_vec())));
    assert_eq!(rig.told(), [format!("message {data}"), format!("message {PONG}")]);
    assert!(rig.pass(20 * SECOND - NANOSECOND).is_empty());
    assert!(heard(&mut peer).is_empty());
}

#[test]
fn an_answer_that_was_not_asked_for_is_a_sign_of_life_and_no_round_trip() {
    let (mut rig, mut peer) = open(HeartbeatMessage::json());
    rig.pass(15 * SECOND);
    text(&mut peer, PONG);
    assert!(rig.told().is_empty());
    assert!(rig.pass(20 * SECOND - NANOSECOND).is_empty());
    assert!(heard(&mut peer).is_empty());
    assert_eq!(rig.it.stats().round_trip, None);
}

#[test]
fn an_answer_on_the_next_connection_is_no_round_trip() {
    let (mut rig, mut peer) = open(HeartbeatMessage::json());
    rig.pass(20 * SECOND);
    assert_eq!(heard(&mut peer), [PING]);
    drop(peer);
    rig.told();
    let mut peer = rig.reopen();
    text(&mut peer, PONG);
    assert!(rig.told().is_empty());
}

#[test]
fn a_pong_frame_is_an_answer_too() {
    let (mut rig, mut peer) = open(HeartbeatMessage::json());
    rig.pass(20 * SECOND);
    say(&mut peer, Frame::Pong(Bytes::from_static(&[0, 0, 0, 1])));
    assert_eq!(rig.told(), ["round trip 0ns"]);
}

#[test]
fn words_of_ones_own_are_sent_and_understood() {
    let heartbeat =
        HeartbeatMessage::new(Bytes::from_static(b"?"), |message| message.as_bytes() == b"!");
    let (mut rig, mut peer) = open(heartbeat);
    rig.pass(20 * SECOND);
    assert_eq!(peer.try_recv(), Some(Frame::Message(Message::binary(&b"?"[..]))));
    say(&mut peer, Frame::Message(Message::binary(&b"!"[..])));
    assert_eq!(rig.told(), ["round trip 0ns"]);
}

#[test]
fn each_can_be_made_anew() {
    let heartbeat =
        HeartbeatMessage::json().with_request(|nonce| Message::text(nonce.get().to_string()));
    let (mut rig, mut peer) = open(heartbeat);
    let mut sent = Vec::new();
    for _ in 0..3 {
        rig.pass(20 * SECOND);
        sent.extend(heard(&mut peer));
        text(&mut peer, PONG);
        assert_eq!(rig.told(), ["round trip 0ns"]);
    }
    assert_eq!(sent, ["1", "2", "3"]);
}

#[test]
fn a_probe_and_a_driver_that_was_suspended_use_the_same_words() {
    let (mut rig, mut peer) = open(HeartbeatMessage::json());
    rig.ask(Client::probe);
    rig.told();
    assert_eq!(heard(&mut peer), [PING]);
    text(&mut peer, PONG);
    assert_eq!(rig.told(), ["round trip 0ns"]);
    assert!(rig.leap(3_600 * SECOND).is_empty());
    assert_eq!(heard(&mut peer), [PING]);
}

#[test]
fn it_counts_as_no_message_of_the_application() {
    let (mut rig, wire) = full();
    wire.change(|state| (state.room, state.flush_hangs) = (5, true));
    rig.start_send("mine").unwrap();
    rig.pass(20 * SECOND);
    assert_eq!(wire.state().room, 3, "both were given to the transport");
    assert_eq!(rig.it.unflushed(), 1);
    wire.change(|state| state.ended = true);
    assert_eq!(rig.down().unflushed, 1);
}

#[test]
fn it_goes_before_messages_that_wait_and_only_one_waits() {
    let (rig, wire) = full();
    let (handle, mut rig) = rig.split(8);
    rig.told();
    for n in 0..3 {
        handle.try_send(n.to_string()).unwrap();
    }
    rig.pass(35 * SECOND);
    assert!(wire.written().is_empty());
    let mut written = Vec::new();
    for _ in 0..4 {
        wire.change(|state| state.room = 1);
        rig.told();
        written.extend(wire.written());
    }
    assert_eq!(written, [PING, "0", "1", "2"]);
}

#[test]
fn a_ping_frame_goes_before_messages_that_wait_too() {
    let (rig, wire) = Wire::open();
    wire.change(|state| state.room = 0);
    let (handle, mut rig) = rig.split(8);
    rig.told();
    handle.try_send("mine").unwrap();
    rig.pass(20 * SECOND);
    wire.change(|state| state.room = 1);
    rig.told();
    assert_eq!(wire.written(), ["ping"]);
}

#[test]
fn one_that_waits_is_not_sent_once_the_connection_is_closing() {
    let (mut rig, wire) = full();
    rig.pass(20 * SECOND);
    rig.ask(Client::stop);
    rig.told();
    assert_eq!(rig.it.state(), State::Closing);
    wire.change(|state| state.room = 5);
    rig.told();
    assert_eq!(wire.written(), ["close 1000"]);
}

#[test]
fn where_the_server_keeps_the_connection_busy_nothing_is_sent() {
    let expecting = Config::builder().with_heartbeat(Heartbeat::expect(30 * SECOND));
    let config = expecting.build().unwrap();
    let mut rig: Rig = Rig::built(|builder| {
        builder.with_config(config).with_heartbeat_message(HeartbeatMessage::json())
    });
    let mut peer = rig.listen();
    rig.told();
    for _ in 0..5 {
        rig.pass(30 * SECOND - NANOSECOND);
        text(&mut peer, "tick");
        assert_eq!(rig.told(), ["message tick"]);
    }
    assert!(rig.pass(30 * SECOND - NANOSECOND).is_empty());
    assert_eq!(rig.pass(NANOSECOND), ["down: nothing came in for too long"]);
    assert!(heard(&mut peer).is_empty());
}

#[test]
fn a_server_that_keeps_the_connection_busy_is_not_given_up_while_nothing_is_read() {
    let expecting = Config::builder().with_heartbeat(Heartbeat::expect(30 * SECOND));
    let config = expecting.build().unwrap();
    let mut rig: Rig<Client<WireConn>, WireConn> =
        Rig::built(|builder| builder.with_config(config));
    let wire = Wire::new();
    rig.accept(wire.conn());
    rig.told();
    wire.change(|state| state.room = 0);
    for _ in 0..100 {
        wire.text("tick");
        assert!(rig.poll_ready().is_pending());
    }
    for _ in 0..100 {
        let alarm = rig.clock.next_alarm().expect("it never stalls");
        rig.clock.advance_to(alarm);
        assert!(rig.poll_ready().is_pending());
        assert_eq!(rig.it.state(), State::Open);
    }
    rig.ask(|_| ());
    let events = rig.events();
    assert!(events.iter().all(|event| matches!(event, Event::Message(_))), "{events:?}");
    assert!(rig.pass(30 * SECOND - NANOSECOND).is_empty());
    assert_eq!(rig.pass(NANOSECOND), ["down: nothing came in for too long"]);
}

#[test]
fn an_answer_is_found_among_messages_that_are_taken_one_right_after_the_other() {
    let (mut rig, wire) = full();
    wire.change(|state| state.room = usize::MAX);
    for beat in 0..20 {
        rig.pass(20 * SECOND);
        let before: Vec<_> = (0..10 * beat).map(|number| number.to_string()).collect();
        before.iter().for_each(|text| wire.text(text));
        wire.text(PONG);
        wire.text("last");
        let mut told: Vec<_> = before.iter().map(|text| format!("message {text}")).collect();
        told.extend(["round trip 0ns", "message last"].map(str::to_owned));
        rig.ask(|_| ());
        assert_eq!(rig.told(), told);
    }
    assert_eq!(wire.written(), [PING; 20]);
}
