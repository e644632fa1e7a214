//! When faults begin and end, alone and one upon the other.

use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use steadfast::{
    FailureKind,
    client::{Clock, Frame},
    testing::{Fault, Faults, Faulty, MemoryConn, MemoryPeer, VirtualTime, When, pair},
};

use crate::support::{SECOND, at};

type Link = (VirtualTime, Faulty<MemoryConn>, MemoryPeer);

fn link(faults: impl IntoIterator<Item = (Duration, Fault)>) -> Link {
    with(Faults::none(), faults)
}

fn with(faults: Faults, more: impl IntoIterator<Item = (Duration, Fault)>) -> Link {
    let (time, (conn, peer)) = (VirtualTime::new(), pair(4));
    let add = |all: Faults, (after, fault)| all.with(When::After(after), fault);
    let conn = Faulty::new(conn, time.clock(), more.into_iter().fold(faults, add));
    (time, conn, peer)
}

#[test]
fn a_short_pause_within_a_long_one_does_not_end_it() {
    let faults =
        [(SECOND, Fault::PauseReads(60 * SECOND)), (2 * SECOND, Fault::PauseReads(SECOND))];
    let (mut time, mut conn, mut peer) = link(faults);
    let clock = time.clock();
    time.spawn("peer", async move {
        clock.sleep(5 * SECOND / 2).await;
        peer.send_message("late").await;
        peer.recv().await;
    });
    time.run(conn.next()).unwrap();
    assert_eq!(time.clock().now(), at(61 * SECOND));

    let faults =
        [(SECOND, Fault::BlockWrites(60 * SECOND)), (2 * SECOND, Fault::BlockWrites(SECOND))];
    let (mut time, mut conn, _peer) = link(faults);
    time.run(time.clock().sleep(SECOND)).unwrap();
    time.run(conn.send(Frame::Part)).unwrap().unwrap();
    assert_eq!(time.clock().now(), at(61 * SECOND));
}

#[test]
fn a_fault_begins_when_it_is_due_and_not_when_somebody_looks() {
    let (mut time, mut conn, _peer) = link([(SECOND, Fault::BlockWrites(10 * SECOND))]);
    time.run(time.clock().sleep(8 * SECOND)).unwrap();
    time.run(conn.send(Frame::Part)).unwrap().unwrap();
    assert_eq!(time.clock().now(), at(11 * SECOND));

    let (mut time, mut conn, mut peer) = link([(SECOND, Fault::PauseReads(10 * SECOND))]);
    assert_eq!(peer.send_message("hello").now_or_never(), Some(true));
    time.run(time.clock().sleep(8 * SECOND)).unwrap();
    assert!(time.run(conn.next()).unwrap().is_some());
    assert_eq!(time.clock().now(), at(11 * SECOND));
}

#[test]
fn a_connection_that_has_ended_fails_no_reads() {
    let reset = FailureKind::Reset.into();
    let (mut time, mut conn, peer) = link([(5 * SECOND, Fault::Fail(reset))]);
    drop(peer);
    assert_eq!(conn.next().now_or_never(), Some(None));
    time.run(time.clock().sleep(6 * SECOND)).unwrap();
    assert_eq!(conn.next().now_or_never(), Some(None));
    assert!(conn.send(Frame::Part).now_or_never().unwrap().is_err());
}

#[test]
fn a_close_that_is_on_its_way_is_cut_off() {
    let slow = Faults::none().with_latency_in(10 * SECOND..=10 * SECOND);
    let (mut time, mut conn, mut peer) = with(slow, [(2 * SECOND, Fault::TruncateClose)]);
    assert_eq!(peer.send(Frame::Close(None)).now_or_never(), Some(true));
    assert_eq!(time.run(conn.next()).unwrap(), None);
    assert_eq!(time.clock().now(), at(10 * SECOND));
    assert_eq!(conn.next().now_or_never(), Some(None));
}

#[test]
#[should_panic(expected = "a latency must not end before it begins, as 2s..=1s does")]
fn a_latency_that_ends_before_it_begins_fails_the_test() {
    let _ = Faults::none().with_latency_out(2 * SECOND..=SECOND);
}
