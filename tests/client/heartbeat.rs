//! The heartbeat, to the nanosecond.

use std::time::Duration;

use bytes::Bytes;
use steadfast::{
    Config, FailureKind, Heartbeat, Instant, Timeout,
    client::{Event, Frame},
    testing::MemoryPeer,
};

use crate::rig::{Client, NANOSECOND, Rig, SECOND, heard, policy, say, text};

const DEAD: &str = "down: no answer to ping";

#[test]
fn a_silent_peer_is_found_out_after_the_interval_and_two_timeouts() {
    let (mut rig, mut peer) = Rig::open();
    assert!(rig.pass(20 * SECOND - NANOSECOND).is_empty());
    assert!(heard(&mut peer).is_empty());
    assert!(rig.pass(NANOSECOND).is_empty());
    assert_eq!(heard(&mut peer), ["ping"]);
    assert!(rig.pass(10 * SECOND - NANOSECOND).is_empty());
    assert!(heard(&mut peer).is_empty());
    assert!(rig.pass(10 * SECOND).is_empty());
    assert_eq!(heard(&mut peer), ["ping"]);
    assert_eq!(rig.now(), Instant::from_nanos(40_000_000_000 - 1));
    rig.clock.advance(NANOSECOND);
    let down = rig.down();
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Timeout(Timeout::Heartbeat));
    assert_eq!(down.uptime, 40 * SECOND);
    // It is dropped, not asked to close.
    assert!(heard(&mut peer).is_empty());
    assert!(matches!(futures::FutureExt::now_or_never(peer.recv()), Some(None)));
}

/// Lets the peer say something right before it would be given up, and once more after that.
#[track_caller]
fn counts_as_life(say_something: impl Fn(&mut MemoryPeer)) {
    let (mut rig, mut peer) = Rig::open();
    rig.pass(40 * SECOND - NANOSECOND);
    say_something(&mut peer);
    let told = rig.told();
    assert!(!told.iter().any(|told| told == DEAD), "{told:?}");
    heard(&mut peer);
    // From here on it is silent again: a whole new round.
    assert!(rig.pass(20 * SECOND - NANOSECOND).is_empty());
    assert!(heard(&mut peer).is_empty(), "a ping before its time");
    assert!(rig.pass(20 * SECOND).is_empty());
    assert_eq!(rig.pass(NANOSECOND), [DEAD]);
}

#[test]
fn a_ping_of_the_peer_counts_as_life() {
    counts_as_life(|peer| say(peer, Frame::Ping(Bytes::new())));
}

#[test]
fn a_pong_that_answers_nothing_counts_as_life() {
    counts_as_life(|peer| say(peer, Frame::Pong(Bytes::from_static(b"unasked"))));
}

#[test]
fn a_message_of_the_peer_counts_as_life() {
    counts_as_life(|peer| text(peer, "hello"));
}

#[test]
fn what_came_in_counts_although_it_is_read_only_when_the_time_is_up() {
    let (mut rig, mut peer) = Rig::open();
    rig.pass(40 * SECOND - NANOSECOND);
    text(&mut peer, "in time");
    assert_eq!(rig.leap(NANOSECOND), ["message in time"]);
}

#[test]
fn what_we_send_does_not_put_off_the_heartbeat() {
    let (mut rig, mut peer) = Rig::open();
    let mut pings = 0;
    for _ in 0..39 {
        rig.start_send("are you there?").unwrap();
        assert!(rig.pass(SECOND).is_empty());
        pings += heard(&mut peer).iter().filter(|heard| *heard == "ping").count();
    }
    assert_eq!(pings, 2);
    assert_eq!(rig.pass(SECOND), [DEAD]);
    assert_eq!(rig.now(), Instant::from_millis(40_000));
}

#[test]
fn a_round_trip_is_the_time_between_ping_and_pong() {
    let (mut rig, mut peer) = Rig::open();
    rig.pass(20 * SECOND);
    let Some(Frame::Ping(payload)) = peer.try_recv() else { panic!("no ping") };
    rig.pass(Duration::from_micros(31_415));
    say(&mut peer, Frame::Pong(payload.clone()));
    let Event::RoundTrip(round_trip) = rig.one() else { panic!() };
    assert_eq!(round_trip, Duration::from_micros(31_415));
    // The same Pong again is life, but not another round trip.
    say(&mut peer, Frame::Pong(payload));
    assert!(rig.told().is_empty());
}

#[test]
fn a_pong_with_other_bytes_is_no_round_trip() {
    let (mut rig, mut peer) = Rig::open();
    rig.pass(20 * SECOND);
    say(&mut peer, Frame::Pong(Bytes::from_static(b"")));
    say(&mut peer, Frame::Pong(Bytes::from_static(b"zzzz")));
    assert!(rig.told().is_empty());
}

#[test]
fn no_two_pings_are_alike() {
    let (mut rig, mut peer) = Rig::open();
    let mut payloads = std::collections::BTreeSet::new();
    for _ in 0..5 {
        rig.pass(20 * SECOND);
        let Some(Frame::Ping(payload)) = peer.try_recv() else { panic!("no ping") };
        payloads.insert(payload.to_vec());
        say(&mut peer, Frame::Pong(payload));
        assert_eq!(rig.told(), ["round trip 0ns"]);
    }
    assert_eq!(payloads.len(), 5);
}

#[test]
fn a_heartbeat_does_not_survive_a_reconnect() {
    let (mut rig, peer) = Rig::open();
    rig.pass(35 * SECOND);
    drop(peer);
    rig.told();
    let mut peer = rig.reopen();
    assert!(rig.pass(20 * SECOND - NANOSECOND).is_empty());
    assert!(heard(&mut peer).is_empty());
}

#[test]
fn an_answer_to_a_ping_of_an_earlier_connection_is_no_round_trip() {
    let (mut rig, mut peer) = Rig::open();
    rig.pass(20 * SECOND);
    let Some(Frame::Ping(payload)) = peer.try_recv() else { panic!("no ping") };
    drop(peer);
    rig.told();
    let mut peer = rig.reopen();
    say(&mut peer, Frame::Pong(payload));
    assert!(rig.told().is_empty());
}

#[test]
fn a_probe_asks_at_once_and_is_answered_or_ends_the_connection() {
    let (mut rig, mut peer) = Rig::open();
    rig.ask(Client::probe);
    rig.told();
    let Some(Frame::Ping(payload)) = peer.try_recv() else { panic!("no ping") };
    say(&mut peer, Frame::Pong(payload));
    assert_eq!(rig.told(), ["round trip 0ns"]);

    rig.ask(Client::probe);
    assert!(rig.pass(3 * SECOND - NANOSECOND).is_empty());
    assert_eq!(rig.pass(NANOSECOND), [DEAD]);
}

#[test]
fn without_a_heartbeat_a_silent_peer_is_left_alone() {
    let config = Config::builder().with_heartbeat(None).build().unwrap();
    let mut rig: Rig = Rig::with(config, policy());
    let mut peer = rig.listen();
    rig.told();
    assert!(rig.pass(86_400 * SECOND).is_empty());
    assert!(heard(&mut peer).is_empty());
    assert_eq!(rig.clock.next_alarm(), None);
}

#[test]
fn the_settings_of_the_heartbeat_are_obeyed() {
    let heartbeat =
        Heartbeat::default().with_interval(SECOND).with_pong_timeout(SECOND / 2).with_reprobes(2);
    let config = Config::builder().with_heartbeat(heartbeat).build().unwrap();
    let mut rig: Rig = Rig::with(config, policy());
    let mut peer = rig.listen();
    rig.told();
    assert!(rig.pass(SECOND * 5 / 2 - NANOSECOND).is_empty());
    assert_eq!(heard(&mut peer), ["ping", "ping", "ping"]);
    assert_eq!(rig.pass(NANOSECOND), [DEAD]);
}

#[test]
fn a_machine_that_was_asleep_probes_a_link_before_it_doubts_it() {
    let (mut rig, mut peer) = Rig::open();
    assert!(rig.leap(3_600 * SECOND).is_empty());
    let Some(Frame::Ping(payload)) = peer.try_recv() else { panic!("no ping") };
    rig.pass(3 * SECOND - NANOSECOND);
    say(&mut peer, Frame::Pong(payload));
    assert_eq!(rig.told(), ["round trip 2.999999999s"]);
}

#[test]
fn part_of_a_frame_is_a_sign_of_life() {
    let (mut rig, mut peer) = Rig::open();
    for _ in 0..10 {
        rig.pass(15 * SECOND);
        say(&mut peer, Frame::Part);
        assert!(rig.told().is_empty());
    }
    assert!(heard(&mut peer).is_empty(), "no ping while something comes in");
}
