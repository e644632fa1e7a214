//! Retries that hammer, that never begin, that never end, or that cannot begin again.

use core::time::Duration;

use steadfast::{
    Action, Backoff, CloseCode, ClosedReason, Config, FailureKind, Next, Notice, State, Step, Wake,
};

use crate::{
    REFUSED, RESET,
    support::{World, at, plain, secs},
};

fn retrying(most: u32) -> Backoff {
    plain().to_builder().with_max_retries(most).build().unwrap()
}

/// What each step said that will follow.
fn next_of(step: &Step) -> Option<Next> {
    step.actions.iter().find_map(|action| match action {
        Action::Notify(Notice::Down { next, .. } | Notice::DialFailed { next, .. }) => Some(next),
        _ => None,
    })
}

/// Refuses every dial until the machine gives up; answers what was announced each time.
fn refuse_all(world: &mut World) -> Vec<Next> {
    let mut announced = Vec::new();
    loop {
        let step = match world.machine.state() {
            State::Connecting => world.lost(REFUSED),
            State::Backoff => world.wake(),
            _ => return announced,
        };
        announced.extend(next_of(&step));
    }
}

// apollographql/subscriptions-transport-ws#135: accepted and dropped, it dialed for ever.
#[test]
fn a_mere_connect_does_not_reset_the_retry_counter() {
    type Drop = fn(&mut World) -> Vec<Step>;
    let ways: [Drop; 2] = [
        |world| vec![world.lost(RESET)],
        |world| vec![world.close_received(CloseCode::NORMAL), world.lost(RESET)],
    ];
    let dials_in_an_hour = ways.map(|end| {
        let mut world = World::new();
        let _ = world.start();
        loop {
            let _ = world.opened();
            let _ = end(&mut world);
            if world.machine.wake().instant() > Some(at(secs(3_600))) {
                return world.machine.stats().dials;
            }
            let _ = world.wake();
        }
    });
    // After 32 s it is one in 30 s.
    assert_eq!(dials_in_an_hour, [125, 125]);
}

// pladaria/reconnecting-websocket#125: after the last retry a lock stayed shut.
#[test]
fn giving_up_locks_nothing() {
    let mut world = World::with(Config::default(), retrying(2));
    let _ = world.start();
    let first = refuse_all(&mut world);
    for _ in 0..3 {
        assert_eq!(world.machine.state(), State::Closed(ClosedReason::GaveUp(REFUSED.into())));
        let _ = world.start();
        assert_eq!(refuse_all(&mut world), first, "as many retries as the first time");
    }
    let _ = world.start();
    let _ = (world.wake(), world.opened());
    assert_eq!(world.machine.state(), State::Open);
}

// joewalnes/reconnecting-websocket#82: one more socket after the last attempt, then nothing.
#[test]
fn no_wait_is_announced_after_the_final_attempt() {
    for most in 0..4 {
        let mut world = World::with(Config::default(), retrying(most));
        let _ = world.start();
        let announced = refuse_all(&mut world);
        let closed = announced.iter().position(|next| *next == Next::Closed);
        assert_eq!(closed, Some(announced.len() - 1), "{announced:?}");
        assert_eq!(announced.len(), most as usize + 1);
        assert_eq!(world.machine.wake(), Wake::Idle);
        assert_eq!(world.pass(secs(86_400)).tick().actions.len(), 0);
        assert_eq!(world.machine.stats().dials, u64::from(most) + 1);
    }
}

// SignalR/SignalR#1962: a lost connection was retried, the first one was not.
#[test]
fn the_first_connect_is_retried_as_a_reconnect_is() {
    let waits = |world: &mut World| -> Vec<Duration> {
        (0..10)
            .map(|_| {
                let _ = world.lost(FailureKind::Refused);
                let wait = world.wait();
                let _ = world.wake();
                wait
            })
            .collect()
    };
    let mut fresh = World::new();
    let _ = fresh.start();
    let mut known = World::new();
    known.open();
    let _ = known.pass(secs(15)).received();
    let (first, again) = (waits(&mut fresh), waits(&mut known));
    // Only the first wait after a link is drawn from a range of its own.
    assert_eq!(first[1..], again[1..]);
    assert_eq!(fresh.machine.state(), State::Connecting);
}
