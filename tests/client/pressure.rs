//! Peers that do not read, peers that do not stop, and an application that does not look.

use std::task::Poll;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use steadfast::{
    State,
    client::{Event, Frame, Message, SendError},
    testing::VirtualTime,
};

use crate::{
    rig::{Client, NANOSECOND, Rig, SECOND, heard, tell, text},
    task::Task,
    wire::{Wire, WireConn},
};

type WireRig = Rig<Client<WireConn>, WireConn>;

#[test]
fn a_peer_that_does_not_read_makes_send_wait_until_it_does() {
    let (rig, mut peer) = Rig::open();
    let Rig { it: mut connection, .. } = rig;
    let mut sending = Task::new(async {
        for n in 0..30 {
            connection.send(Message::text(n.to_string())).await.unwrap();
        }
    });
    sending.waits();
    let mut received = heard(&mut peer);
    assert!((16..30).contains(&received.len()), "{received:?}");
    sending.done();
    received.extend(heard(&mut peer));
    assert_eq!(received, (0..30).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn while_a_send_waits_for_room_what_comes_in_is_read_and_the_peer_stays_alive() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.room = 0);
    assert!(rig.poll_ready().is_pending());
    for n in 0..10 {
        rig.take_woken();
        wire.text(&n.to_string());
        assert!(rig.take_woken(), "the waiting send was not woken to read");
        assert!(rig.poll_ready().is_pending());
        assert!(wire.state().incoming.is_empty());
        rig.clock.advance(15 * SECOND);
        assert!(rig.poll_ready().is_pending());
    }
    assert_eq!(rig.it.state(), State::Open);
    let expected: Vec<_> = (0..10).map(|n| format!("message {n}")).collect();
    rig.ask(|_| ());
    assert_eq!(rig.told(), expected);
}

#[test]
fn while_a_send_waits_for_room_a_silent_peer_is_still_found_out() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.room = 0);
    for _ in 0..3 {
        assert!(rig.poll_ready().is_pending());
        let alarm = rig.clock.next_alarm().unwrap();
        rig.take_woken();
        rig.clock.advance_to(alarm);
        assert!(rig.take_woken());
    }
    assert!(rig.poll_ready().is_ready());
    assert!(rig.start_send("x").is_err());
    rig.ask(|_| ());
    assert_eq!(rig.told(), ["down: no answer to ping"]);
}

#[test]
fn a_ping_that_found_no_room_leaves_as_soon_as_there_is_some() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.room = 0);
    assert!(rig.pass(20 * SECOND).is_empty());
    assert!(wire.written().is_empty());
    wire.change(|state| state.room = 1);
    rig.told();
    assert_eq!(wire.written(), ["ping"]);
}

#[test]
fn two_full_directions_do_not_lock_each_other() {
    let (rig, mut peer) = Rig::open();
    let Rig { it: mut connection, .. } = rig;
    let mut time = VirtualTime::new();
    // An echo, which reads only when it has room to answer.
    time.spawn("echo", async move {
        while let Some(frame) = peer.recv().await {
            if !peer.send(frame).await {
                break;
            }
        }
    });
    let client = async {
        let mut to_send = (0..1_000).map(|n| Message::text(n.to_string())).peekable();
        let mut expected = 0;
        futures::future::poll_fn(|cx| {
            while to_send.peek().is_some() && connection.poll_ready_unpin(cx)?.is_ready() {
                connection.start_send_unpin(to_send.next().unwrap())?;
            }
            while let Poll::Ready(event) = connection.poll_next_unpin(cx) {
                let event = event.unwrap();
                assert_eq!(tell(&event), format!("message {expected}"));
                expected += 1;
            }
            if expected == 1_000 { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
        .map_err(|error: SendError| error)
        .unwrap();
    };
    time.run(client).unwrap();
}

/// An open connection of which only the sink is polled, with more to read than it may hold.
fn unread(messages: usize) -> (WireRig, Wire) {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.room = 0);
    (0..messages).for_each(|n| wire.text(&n.to_string()));
    for _ in 0..messages {
        assert!(rig.poll_ready().is_pending());
    }
    (rig, wire)
}

#[test]
fn what_is_read_ahead_while_only_the_sink_is_polled_is_bounded() {
    let (rig, wire) = unread(1_000);
    let read = wire.state().reads;
    assert!((1..=64).contains(&read), "{read} messages read ahead");
    assert_eq!(rig.it.state(), State::Open);
}

#[test]
fn a_peer_is_not_declared_dead_while_nothing_is_read() {
    let (mut rig, wire) = unread(100);
    for _ in 0..100 {
        let Some(alarm) = rig.clock.next_alarm() else { break };
        rig.clock.advance_to(alarm);
        assert!(rig.poll_ready().is_pending());
        assert_eq!(rig.it.state(), State::Open);
    }
    // Then the application looks again: nothing is missing, and silence counts from here on.
    rig.ask(|_| ());
    assert_eq!(rig.told(), (0..100).map(|n| format!("message {n}")).collect::<Vec<_>>());
    assert!(wire.state().incoming.is_empty());
    assert!(rig.pass(40 * SECOND - NANOSECOND).is_empty());
    assert_eq!(rig.pass(NANOSECOND), ["down: no answer to ping"]);
}

fn ping() -> Frame {
    Frame::Ping(Bytes::from_static(b"!"))
}

#[test]
fn a_flood_of_pings_gives_way_to_others_every_so_often() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.flood = Some(ping()));
    for _ in 0..10 {
        wire.state().reads = 0;
        rig.take_woken();
        assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_pending());
        assert!(rig.take_woken(), "it must come back by itself");
        let reads = wire.state().reads;
        assert!((1..=256).contains(&reads), "{reads} frames in one poll");
    }
}

/// Polls until the stream ends or so often in vain.
fn poll_through(rig: &mut WireRig, polls: usize) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..polls {
        match rig.poll(|mut it, cx| it.poll_next_unpin(cx)) {
            Poll::Ready(Some(event)) => told.push(tell(&event)),
            Poll::Ready(None) => break,
            Poll::Pending => {}
        }
    }
    told.retain(|told| !told.starts_with("message"));
    told
}

#[test]
fn a_flood_cannot_starve_a_stop() {
    for frame in [ping(), Frame::Message(Message::text("more"))] {
        let (mut rig, wire) = Wire::open();
        wire.change(|state| state.flood = Some(frame));
        poll_through(&mut rig, 3);
        rig.ask(Client::stop);
        assert!(poll_through(&mut rig, 3).is_empty());
        rig.clock.advance(2 * SECOND);
        assert_eq!(poll_through(&mut rig, 100), ["down: stopped", "closed: stopped"]);
    }
}

#[test]
fn a_flood_of_pings_cannot_keep_the_close_from_leaving() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.flood = Some(ping()));
    rig.ask(Client::stop);
    poll_through(&mut rig, 10);
    assert_eq!(wire.written(), ["close 1000"]);
}

#[test]
fn a_flood_of_messages_cannot_keep_the_close_from_leaving() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.flood = Some(Frame::Message(Message::text("more"))));
    rig.ask(Client::stop);
    poll_through(&mut rig, 1_000);
    assert_eq!(wire.written(), ["close 1000"]);
}

#[test]
fn a_flood_of_messages_cannot_keep_a_probe_from_leaving() {
    let (mut rig, wire) = Wire::open();
    wire.change(|state| state.flood = Some(Frame::Message(Message::text("more"))));
    rig.ask(Client::probe);
    poll_through(&mut rig, 1_000);
    assert_eq!(wire.written(), ["ping"]);
}

#[test]
fn a_flood_of_messages_cannot_keep_what_handles_send_from_leaving() {
    let (rig, wire) = Wire::open();
    let (handle, mut rig) = rig.split(8);
    rig.told();
    handle.try_send("let me in").unwrap();
    wire.change(|state| state.flood = Some(Frame::Message(Message::text("more"))));
    for _ in 0..1_000 {
        let polled = rig.poll(|mut it, cx| it.poll_next_unpin(cx));
        assert!(!matches!(polled, Poll::Ready(Some(Event::Down(_)) | None)));
    }
    assert_eq!(wire.written(), ["let me in"]);
}

#[test]
fn reading_is_what_makes_room_for_a_peer() {
    let (mut rig, mut peer) = Rig::open();
    let mut sent = 0;
    while futures::FutureExt::now_or_never(peer.send_message("x")) == Some(true) {
        sent += 1;
        assert!(sent < 1_000, "there is no back-pressure on the peer");
    }
    let told = rig.told();
    assert!(told.len() >= sent, "{told:?}");
    text(&mut peer, "room again");
    assert_eq!(rig.told(), ["message room again"]);
}
