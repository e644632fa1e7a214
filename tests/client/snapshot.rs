//! A look from outside: what a snapshot shows.

use futures::SinkExt;
use steadfast::{FailureKind, State, client::Message};

use crate::rig::{Rig, SECOND, text};

#[test]
fn a_snapshot_counts_what_went_both_ways() {
    let (mut rig, mut peer) = Rig::open();
    text(&mut peer, "12345");
    text(&mut peer, "123");
    rig.told();
    rig.start_send("1234567").unwrap();
    let traffic = rig.it.snapshot().traffic;
    assert_eq!((traffic.messages_received, traffic.bytes_received), (2, 8));
    assert_eq!((traffic.messages_sent, traffic.bytes_sent), (1, 7));
    assert_eq!(rig.it.snapshot().unflushed, 1);
    assert!(rig.poll_flush().is_ready());
    assert_eq!(rig.it.snapshot().unflushed, 0);
}

#[test]
fn a_message_that_was_refused_is_not_counted() {
    let mut rig: Rig = Rig::new();
    assert!(rig.it.start_send_unpin(Message::text("a")).is_err());
    assert_eq!(rig.it.snapshot().traffic.messages_sent, 0);
}

#[test]
fn a_snapshot_shows_the_state_since_when_and_how_often_it_failed() {
    let (mut rig, peer) = Rig::open();
    let opened = rig.now();
    assert_eq!((rig.it.snapshot().state, rig.it.snapshot().since), (State::Open, opened));
    rig.clock.advance(20 * SECOND);
    drop(peer);
    rig.told();
    rig.refuse(FailureKind::Refused);
    rig.pass(SECOND);
    let snapshot = rig.it.snapshot();
    assert_eq!((snapshot.state, snapshot.failures), (State::Backoff, 2));
    assert_eq!(snapshot.last_failure, Some(FailureKind::Refused.into()));
    assert_eq!(snapshot.since, opened.saturating_add(20 * SECOND));
    assert_eq!((snapshot.stats.dials, snapshot.stats.opens, snapshot.drops.lost), (2, 1, 1));
    assert_eq!(snapshot.session, rig.it.session());
}

#[test]
fn a_handle_shows_what_the_driver_last_knew_and_what_waits() {
    let rig: Rig = Rig::new();
    let session = rig.it.session();
    let (handle, mut rig) = rig.split_with_outbox(steadfast::client::Outbox::default());
    rig.refuse(FailureKind::Refused);
    rig.told();
    handle.try_send("1234").unwrap();
    let snapshot = handle.snapshot();
    assert_eq!((snapshot.queued, snapshot.queued_bytes), (1, 4));
    assert_eq!((snapshot.state, snapshot.session), (State::Backoff, session));
}

#[test]
fn a_snapshot_is_small_enough_to_copy_for_ten_thousand_clients() {
    assert!(size_of::<steadfast::client::Snapshot>() <= 256);
}
