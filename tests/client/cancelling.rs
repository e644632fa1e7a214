//! Dropping a future at any of its await points loses nothing.

use std::cell::RefCell;

use futures::{SinkExt, StreamExt};
use steadfast::{
    FailureKind,
    client::{CloseFrame, Event, Frame, Handle, Message, Outbox, Overflow},
    testing::{ManualClock, MemoryPeer},
};

use crate::{
    rig::{Client, Rig, SECOND, heard, say, tell, text},
    task::Task,
    wire::Wire,
};

/// What an application saw, and how far it has come.
#[derive(Default)]
struct Log {
    told: Vec<String>,
    sent: usize,
    refused: usize,
}

/// An application that sends ten messages after each `Up` and reads whatever comes.
async fn application(connection: &mut Client, log: &RefCell<Log>, owed: &RefCell<usize>) {
    loop {
        while *owed.borrow() > 0 {
            let message = Message::text(format!("no. {}", log.borrow().sent));
            let sent = connection.send(message).await;
            *owed.borrow_mut() -= 1;
            match sent {
                Ok(()) => log.borrow_mut().sent += 1,
                Err(_) => log.borrow_mut().refused += 1,
            }
        }
        let Some(event) = connection.next().await else { return };
        log.borrow_mut().told.push(tell(&event));
        if let Event::Up { .. } = event {
            *owed.borrow_mut() += 10;
        }
    }
}

/// What the world does, one step after the other, with the peers as they come and go.
fn world(step: usize, rig: &Rig<()>, peer: &mut Option<MemoryPeer>) {
    match step {
        0 => *peer = Some(rig.listen()),
        1 | 15 | 16 => rig.clock.advance(10 * SECOND),
        2..=6 | 17..=21 => text(peer.as_mut().unwrap(), &format!("step {step}")),
        7 => say(peer.as_mut().unwrap(), Frame::Ping(bytes::Bytes::new())),
        8..=10 => rig.clock.advance(7 * SECOND),
        11 => {
            let peer = peer.as_mut().unwrap();
            say(peer, CloseFrame::new(steadfast::CloseCode::GOING_AWAY, "").into());
        }
        12 => drop(peer.take()),
        13 => rig.refuse(FailureKind::Refused),
        14 => *peer = Some(rig.listen()),
        22 => drop(peer.take()),
        _ => rig.clock.advance(10 * SECOND),
    }
}

/// Runs the application through the world. Answers what it saw, what the peers heard, and how
/// often it waited; at the `drop_at`-th wait its future is dropped and made anew.
fn run(drop_at: Option<usize>) -> (Log, Vec<String>, usize) {
    let rig: Rig = Rig::new();
    let Rig { it: mut connection, clock, dials, .. } = rig;
    let (log, owed, mut waits, mut peer) = (RefCell::default(), RefCell::new(0), 0, None);
    let mut received = Vec::new();
    let mut task = Task::new(application(&mut connection, &log, &owed));
    let mut steps = 0..27;
    loop {
        assert!(task.run().is_pending());
        waits += 1;
        if drop_at == Some(waits - 1) {
            drop(task);
            task = Task::new(application(&mut connection, &log, &owed));
        }
        let Some(step) = steps.next() else { break };
        world(step, &Rig::outside(clock.clone(), dials.clone()), &mut peer);
        received.extend(peer.as_mut().map(heard).unwrap_or_default());
    }
    drop(task);
    (log.into_inner(), received, waits)
}

#[test]
fn dropping_a_future_at_any_await_point_changes_nothing() {
    let (undisturbed, received, waits) = run(None);
    assert_eq!(undisturbed.told.iter().filter(|told| told.starts_with("up")).count(), 2);
    assert!(undisturbed.told.len() >= 16, "{:?}", undisturbed.told);
    assert!(waits >= 20 && received.len() >= 20, "{received:?}");
    for drop_at in 0..waits {
        let (disturbed, heard, _) = run(Some(drop_at));
        assert_eq!(disturbed.told, undisturbed.told, "dropped at {drop_at}");
        assert_eq!((disturbed.sent, disturbed.refused), (undisturbed.sent, undisturbed.refused));
        assert_eq!(heard, received, "dropped at {drop_at}");
    }
}

#[test]
fn a_send_that_is_dropped_while_it_waits_for_room_sends_nothing_and_loses_no_event() {
    let (mut rig, mut peer) = Rig::open();
    rig.fill();
    for n in 0..5 {
        let mut sending = Task::new(rig.it.send(Message::text("dropped")));
        sending.waits();
        text(&mut peer, &n.to_string());
        sending.waits();
    }
    rig.ask(|_| ());
    assert_eq!(rig.told(), (0..5).map(|n| format!("message {n}")).collect::<Vec<_>>());
    assert!(!heard(&mut peer).contains(&"dropped".to_owned()));
}

#[test]
fn a_clock_and_a_connection_that_are_dropped_leave_no_peer_waiting() {
    let (rig, mut peer) = Rig::open();
    let clock: ManualClock = rig.clock.clone();
    drop(rig);
    clock.advance(3_600 * SECOND);
    assert!(matches!(futures::FutureExt::now_or_never(peer.recv()), Some(None)));
}

/// How far an application with a handle has come.
#[derive(Default)]
struct Progress {
    accepted: usize,
    flushed: usize,
    over: bool,
}

const MESSAGES: usize = 12;

/// An application that sends twelve messages through a queue of two, flushes after every third, and
/// stops.
async fn sender(handle: &Handle, progress: &RefCell<Progress>) {
    while progress.borrow().accepted < MESSAGES {
        let accepted = progress.borrow().accepted;
        if accepted % 3 == 0 && progress.borrow().flushed < accepted {
            handle.flush().await.unwrap();
            progress.borrow_mut().flushed = accepted;
        }
        handle.send(accepted.to_string()).await.unwrap();
        progress.borrow_mut().accepted += 1;
    }
    handle.flush().await.unwrap();
    handle.stop();
    handle.closed().await;
    progress.borrow_mut().over = true;
}

/// Runs it on a connection that has room for one message a step and that breaks down once. Answers
/// what was written, and how often the application waited.
fn run_sender(drop_at: Option<usize>) -> (Vec<String>, usize) {
    let (rig, mut wire) = Wire::open();
    let outbox = Outbox::default().with_max_messages(2).with_overflow(Overflow::Wait);
    let (handle, mut rig) = rig.split_with_outbox(outbox);
    wire.change(|state| state.room = 0);
    let (progress, mut waits, mut written) = (RefCell::default(), 0, Vec::new());
    let mut task = Task::new(sender(&handle, &progress));
    for step in 0..100 {
        if task.run().is_ready() {
            break;
        }
        waits += 1;
        if drop_at == Some(waits - 1) {
            drop(task);
            task = Task::new(sender(&handle, &progress));
            task.waits();
        }
        match step {
            20 => wire.change(|state| state.ended = true),
            22 => {
                wire = Wire::new();
                wire.change(|state| state.room = 0);
                rig.accept(wire.conn());
                rig.clock.advance(SECOND);
            }
            _ if progress.borrow().accepted == MESSAGES => wire.change(|state| {
                state.room += 1;
                state.ended = step > 60;
            }),
            _ => wire.change(|state| state.room += usize::from(step % 2 == 0)),
        }
        rig.told();
        written.extend(wire.written());
    }
    drop(task);
    assert!(progress.borrow().over, "after {waits} waits: {written:?}");
    (written, waits)
}

#[test]
fn dropping_a_future_of_a_handle_at_any_await_point_changes_nothing() {
    let (undisturbed, waits) = run_sender(None);
    let mut expected: Vec<_> = (0..MESSAGES).map(|n| n.to_string()).collect();
    expected.push("close 1000".to_owned());
    assert_eq!(undisturbed, expected);
    assert!(waits > 20, "{waits}");
    for drop_at in 0..waits {
        assert_eq!(run_sender(Some(drop_at)).0, expected, "dropped at {drop_at}");
    }
}
