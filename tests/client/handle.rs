//! The cheap side of a split connection: what it asks and what it sees.

use std::task::Poll;

use steadfast::{
    CloseCode, ClosedReason, FailureKind, Network, State,
    client::{CloseFrame, Driver, Handle, Message, SendErrorReason},
    testing::{ManualClock, MemoryConn, MemoryPeer},
};

use crate::{
    rig::{Dialer, Rig, SECOND, heard, policy, text},
    task::Task,
};

type DriverRig = Rig<Driver<Dialer<MemoryConn>, ManualClock>>;

fn open(capacity: usize) -> (Handle, DriverRig, MemoryPeer) {
    let (rig, peer) = Rig::open();
    let (handle, mut rig) = rig.split(capacity);
    assert!(rig.told().is_empty());
    (handle, rig, peer)
}

#[test]
fn a_handle_accepts_messages_only_while_the_connection_is_open_and_known_to_be() {
    let rig: Rig = Rig::new();
    let (handle, mut rig) = rig.split(4);
    let refused = |state: State| {
        assert!(!handle.is_open());
        assert_eq!(handle.state(), state);
        let precious = bytes::Bytes::from(b"precious".to_vec());
        let error = handle.try_send(precious.clone()).unwrap_err();
        assert_eq!(error.reason, SendErrorReason::NotOpen);
        let Some(Message::Binary(bytes)) = error.into_message() else { panic!("not given back") };
        assert_eq!((bytes.as_ptr(), bytes.len()), (precious.as_ptr(), precious.len()));
        let error = Task::new(handle.send("precious")).done().unwrap_err();
        assert_eq!(error.reason, SendErrorReason::NotOpen);
        assert_eq!(error.into_message(), Some(Message::text("precious")));
        assert_eq!(handle.queued(), 0);
    };
    refused(State::Connecting);
    assert_eq!(rig.told(), ["dialing 0"]);
    refused(State::Connecting);
    rig.pass(10 * SECOND);
    refused(State::Backoff);
    let peer = rig.listen();
    assert_eq!(rig.pass(SECOND).last().unwrap(), "up");
    assert!(handle.is_open());
    assert_eq!(handle.state(), State::Open);
    handle.try_send("hello").unwrap();
    drop(peer);
    rig.told();
    refused(State::Backoff);
    let _peer = rig.listen();
    assert_eq!(rig.pass(SECOND * 4).last().unwrap(), "up again");
    handle.stop();
    rig.told();
    refused(State::Closing);
    rig.pass(2 * SECOND);
    refused(State::Closed(ClosedReason::Stopped));
}

#[test]
fn a_stop_of_a_handle_wakes_the_driver_and_closes() {
    let (handle, mut rig, mut peer) = open(4);
    handle.stop();
    assert!(rig.told().is_empty());
    assert_eq!(heard(&mut peer), ["close 1000"]);
    drop(peer);
    assert_eq!(rig.told(), ["down: stopped", "closed: stopped"]);
}

#[test]
fn a_stop_of_a_handle_can_say_why() {
    let (handle, mut rig, mut peer) = open(4);
    handle.stop_with(CloseFrame::new(CloseCode::new(3001), "so long"));
    rig.told();
    assert_eq!(heard(&mut peer), ["close 3001 so long"]);
}

#[test]
fn a_handle_can_start_what_has_ended() {
    let (handle, mut rig, peer) = open(4);
    handle.stop();
    drop(peer);
    assert_eq!(rig.told(), ["down: stopped", "closed: stopped"]);
    let _peer = rig.listen();
    handle.start();
    assert_eq!(rig.told(), ["rescheduled"], "the floor holds for a start, too");
    assert_eq!(rig.pass(SECOND), ["dialing 0", "up again"]);
    assert!(handle.is_open());
}

#[test]
fn a_handle_can_hurry_probe_and_tell_of_the_network() {
    let (handle, mut rig, mut peer) = open(4);
    handle.probe();
    rig.told();
    assert_eq!(heard(&mut peer), ["ping"]);
    drop(peer);
    rig.told();
    rig.pass(SECOND / 2);
    handle.retry_now();
    assert_eq!(rig.told(), ["dialing 1"]);
    handle.set_network(Network::Offline);
    assert_eq!(rig.pass(10 * SECOND), ["dial failed: connecting timed out"]);
    assert_eq!(handle.state(), State::Offline);
    handle.set_network(Network::Online);
    assert_eq!(rig.pass(4 * SECOND), ["rescheduled", "dialing 2"]);
    assert_eq!((handle.stats().dials, handle.stats().opens), (3, 1));
}

#[test]
fn a_handle_learns_that_it_is_over() {
    let (handle, mut rig, peer) = open(4);
    let mut closed = Task::new(handle.closed());
    closed.waits();
    handle.stop();
    rig.told();
    closed.waits();
    drop(peer);
    rig.told();
    assert_eq!(closed.done(), Some(ClosedReason::Stopped));
    assert_eq!(Task::new(handle.closed()).done(), Some(ClosedReason::Stopped));
}

#[test]
fn a_handle_learns_that_the_policy_has_given_up() {
    let policy = policy().to_builder().with_max_retries(0).build().unwrap();
    let rig: Rig = Rig::with(Default::default(), policy);
    let (handle, mut rig) = rig.split(4);
    let mut closed = Task::new(handle.closed());
    closed.waits();
    rig.refuse(FailureKind::Refused);
    rig.told();
    let gave_up = ClosedReason::GaveUp(FailureKind::Refused.into());
    assert_eq!(closed.done(), Some(gave_up));
}

#[test]
fn once_the_driver_is_dropped_handles_say_so_and_give_the_message_back() {
    let (handle, rig, mut peer) = open(1);
    let clone = handle.clone();
    handle.try_send("accepted").unwrap();
    let mut sending = Task::new(handle.send("waiting"));
    let mut flushing = Task::new(handle.flush());
    let mut closed = Task::new(clone.closed());
    sending.waits();
    flushing.waits();
    closed.waits();
    drop(rig);
    let error = sending.done().unwrap_err();
    assert_eq!(error.reason, SendErrorReason::Gone);
    assert_eq!(error.into_message(), Some(Message::text("waiting")));
    assert_eq!(flushing.done().unwrap_err().reason, SendErrorReason::Gone);
    assert_eq!(closed.done(), None);
    let error = clone.try_send("later").unwrap_err();
    assert_eq!(error.reason, SendErrorReason::Gone);
    assert_eq!(error.into_message(), Some(Message::text("later")));
    assert!(!handle.is_open());
    // What is asked of nobody is heard by nobody.
    handle.stop();
    handle.start();
    assert!(matches!(futures::FutureExt::now_or_never(peer.recv()), Some(None)));
}

#[test]
fn a_flood_of_one_request_is_one_request() {
    let rig: Rig = Rig::new();
    let (handle, mut rig) = rig.split(4);
    (0..10_000).for_each(|_| handle.probe());
    rig.told();
    assert!(handle.stats().inapplicable <= 1);
}

#[test]
fn a_flood_of_different_requests_is_bounded() {
    let rig: Rig = Rig::new();
    let (handle, mut rig) = rig.split(4);
    for _ in 0..10_000 {
        handle.probe();
        handle.retry_now();
    }
    rig.told();
    // Neither makes sense while the first dial is under way, so each that was kept is counted.
    assert!(handle.stats().inapplicable <= 100, "{} were kept", handle.stats().inapplicable);
}

#[test]
fn a_flood_of_stops_and_starts_is_no_flood_of_dials() {
    let rig: Rig = Rig::new();
    let (handle, mut rig) = rig.split(4);
    for _ in 0..1_000 {
        handle.stop();
        handle.start();
    }
    rig.told();
    assert!(handle.stats().dials <= 10, "{} dials in one moment", handle.stats().dials);
    rig.pass(SECOND);
    assert_eq!(handle.state(), State::Connecting);
}

#[test]
fn the_last_of_several_requests_wins() {
    let (handle, mut rig, _peer) = open(4);
    handle.stop();
    handle.start();
    handle.stop();
    rig.pass(2 * SECOND);
    assert_eq!(handle.state(), State::Closed(ClosedReason::Stopped));
    assert!(rig.pass(60 * SECOND).is_empty());
}

#[test]
fn a_stop_and_a_start_in_one_breath_make_a_new_connection() {
    let (handle, mut rig, mut peer) = open(4);
    handle.stop();
    handle.start();
    rig.told();
    assert_eq!(heard(&mut peer), ["close 1000"]);
    drop(peer);
    assert_eq!(rig.told(), ["down: stopped"]);
    let _peer = rig.listen();
    assert_eq!(rig.pass(SECOND), ["dialing 0", "up again"]);
}

#[test]
fn events_and_messages_reach_the_driver() {
    let (_handle, mut rig, mut peer) = open(4);
    text(&mut peer, "a");
    text(&mut peer, "b");
    drop(peer);
    assert_eq!(rig.told(), ["message a", "message b", "down: connection ended without a Close"]);
}

#[test]
fn a_driver_goes_on_without_its_handles() {
    let (handle, mut rig, mut peer) = open(4);
    handle.try_send("last").unwrap();
    drop(handle);
    rig.told();
    assert_eq!(heard(&mut peer), ["last"]);
    drop(peer);
    rig.told();
    let _peer = rig.listen();
    assert_eq!(rig.pass(SECOND), ["dialing 1", "up again"]);
}

#[test]
fn a_driver_can_be_polled_from_task_to_task() {
    let (handle, mut rig, mut peer) = open(4);
    // Polled by one task, then by another: the latter is the one to wake.
    let mut first = Task::new(futures::future::poll_fn({
        let it = &mut rig.it;
        move |cx| futures::Stream::poll_next(std::pin::Pin::new(&mut *it), cx)
    }));
    first.waits();
    drop(first);
    rig.ask(|_| ());
    rig.told();
    handle.try_send("x").unwrap();
    assert!(rig.take_woken(), "the driver's new task was not woken");
    rig.ask(|_| ());
    rig.told();
    assert_eq!(heard(&mut peer), ["x"]);
    assert!(matches!(Task::new(handle.flush()).run(), Poll::Ready(Ok(()))));
}
