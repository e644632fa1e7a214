//! An application that was away: what came in meanwhile counts before what it asks for now.

use std::task::Poll;

use futures::{Sink, StreamExt};
use steadfast::{
    CloseCode, Network, State,
    client::{CloseFrame, Frame, Handle},
    testing::MemoryPeer,
};

use crate::{
    rig::{Client, NANOSECOND, Rig, SECOND, heard, text},
    wire::Wire,
};

/// A connection that has pinged twice, and whose peer answers in time, though nobody looks.
fn overdue() -> (Rig, MemoryPeer) {
    let (mut rig, mut peer) = Rig::open();
    assert!(rig.pass(40 * SECOND - NANOSECOND).is_empty());
    assert_eq!(heard(&mut peer), ["ping", "ping"]);
    text(&mut peer, "in time");
    rig.clock.advance(NANOSECOND);
    (rig, peer)
}

#[test]
fn a_command_does_not_give_up_a_link_on_which_something_came_in() {
    let commands: [fn(&mut Client); 4] =
        [Client::probe, Client::retry_now, Client::start, |it| it.set_network(Network::Online)];
    for command in commands {
        let (mut rig, _peer) = overdue();
        rig.ask(command);
        assert_eq!(rig.told(), ["message in time"]);
        assert_eq!(rig.it.state(), State::Open);
    }
}

#[test]
fn a_request_of_a_handle_does_not_give_up_a_link_on_which_something_came_in() {
    let requests: [fn(&Handle); 4] =
        [Handle::probe, Handle::retry_now, Handle::start, |it| it.set_network(Network::Online)];
    for request in requests {
        let (rig, _peer) = overdue();
        let (handle, mut rig) = rig.split(4);
        request(&handle);
        assert_eq!(rig.told(), ["message in time"]);
        assert_eq!(handle.state(), State::Open);
    }
}

#[test]
fn a_probe_of_an_application_that_was_away_is_sent_once_what_came_in_was_read() {
    let (mut rig, mut peer) = overdue();
    rig.ask(Client::probe);
    rig.told();
    assert_eq!(heard(&mut peer), ["ping"]);
}

#[test]
fn a_command_ends_a_link_on_which_nothing_came_in() {
    let (mut rig, _peer) = Rig::open();
    rig.pass(40 * SECOND - NANOSECOND);
    rig.clock.advance(NANOSECOND);
    rig.ask(Client::probe);
    assert_eq!(rig.told(), ["down: no answer to ping"]);
}

#[test]
fn a_stop_of_an_application_that_was_away_says_goodbye_to_a_link_that_lives() {
    let (mut rig, mut peer) = overdue();
    rig.ask(|it| it.stop_with(CloseFrame::new(CloseCode::new(4000), "enough")));
    assert!(!rig.it.is_open(), "it was stopped");
    assert!(rig.start_send("late").is_err());
    assert_eq!(rig.told(), ["message in time"]);
    assert_eq!(
        (heard(&mut peer), rig.it.state()),
        (vec!["close 4000 enough".to_owned()], State::Closing)
    );
    drop(peer);
    assert_eq!(rig.told(), ["down: stopped", "closed: stopped"]);
}

#[test]
fn the_sink_of_an_application_that_was_away_closes_a_link_that_lives() {
    let (mut rig, mut peer) = overdue();
    assert!(rig.poll(|it, cx| it.poll_close(cx)).is_pending());
    assert_eq!(heard(&mut peer), ["close 1000"]);
    drop(peer);
    assert!(matches!(rig.poll(|it, cx| it.poll_close(cx)), Poll::Ready(Ok(()))));
    rig.ask(|_| ());
    assert_eq!(rig.told(), ["message in time", "down: stopped", "closed: stopped"]);
}

#[test]
fn a_stop_is_not_put_off_by_a_peer_that_floods() {
    let (mut rig, wire) = Wire::open();
    rig.pass(40 * SECOND - NANOSECOND);
    wire.text("in time");
    wire.state().flood = Some(Frame::Message("more".into()));
    rig.clock.advance(NANOSECOND);
    rig.ask(Client::stop);
    for _ in 0..3 {
        assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_ready());
    }
    assert!(wire.written().contains(&"close 1000".to_owned()));
}

#[test]
fn commands_of_an_application_that_was_away_are_obeyed_in_their_order() {
    let (mut rig, mut peer) = overdue();
    rig.ask(Client::stop);
    rig.ask(Client::start);
    rig.told();
    assert_eq!(heard(&mut peer), ["close 1000"]);
    drop(peer);
    assert_eq!(rig.told(), ["down: stopped"]);
    let _peer = rig.listen();
    assert_eq!(rig.pass(SECOND), ["dialing 0", "up again"]);
}

#[test]
fn a_flood_of_commands_while_the_application_was_away_is_bounded() {
    let (mut rig, _peer) = Rig::open();
    rig.pass(40 * SECOND - NANOSECOND);
    rig.clock.advance(NANOSECOND);
    for _ in 0..10_000 {
        rig.it.retry_now();
        rig.it.start();
    }
    rig.ask(|_| ());
    rig.told();
    assert!(rig.it.stats().inapplicable <= 10, "{} were kept", rig.it.stats().inapplicable);
}

#[test]
fn a_dial_that_has_succeeded_is_not_given_up_by_a_command() {
    let mut rig: Rig = Rig::new();
    let _peer = rig.listen();
    rig.clock.advance(10 * SECOND);
    rig.ask(Client::probe);
    assert_eq!(rig.told(), ["dialing 0", "up"]);
}

#[test]
fn a_stop_ends_a_dial_at_once_however_late_it_comes() {
    let mut rig: Rig = Rig::new();
    let _peer = rig.listen();
    rig.clock.advance(10 * SECOND);
    rig.it.start();
    rig.ask(Client::stop);
    assert!(matches!(rig.it.state(), State::Closed(_)));
    let told = rig.told();
    assert_eq!(told, ["dialing 0", "dial failed: connecting timed out", "closed: stopped"]);

    let rig: Rig = Rig::new();
    let (handle, mut rig) = rig.split(4);
    let _peer = rig.listen();
    rig.clock.advance(10 * SECOND);
    handle.stop();
    assert_eq!(rig.told(), told);
}
