//! Promises 8, 11 and 12: what resets the count, what bounds the wait, what survives the end.

use core::time::Duration;

use proptest::{collection::vec, prelude::*};
use steadfast::{
    Action, Backoff, CloseCode, ClosedReason, Command, Config, Failure, FailureKind, Network, Next,
    Notice, Policy, State, Step, Timeout,
};

use crate::support::{NANO, World, any_failure, any_script, any_setup, millis, plain, secs};

fn next_of(step: &Step) -> Option<Next> {
    step.actions.iter().find_map(|action| match action {
        Action::Notify(Notice::Down { next, .. } | Notice::DialFailed { next, .. }) => Some(next),
        _ => None,
    })
}

/// The attempt number of the dial after a connection that was open for `uptime`, the first that
/// opened after `before` failures.
fn attempt_after(before: u32, uptime: Duration) -> u32 {
    let mut world = World::new();
    let _ = world.start();
    world.fail_dials(before, FailureKind::Refused);
    if before > 0 {
        let _ = world.wake();
    }
    // A slow dial does not count as time in the open.
    let _ = world.pass(secs(9)).opened();
    let _ = world.pass(uptime).lost(FailureKind::Reset);
    world.machine.failures()
}

proptest! {
    #[test]
    fn promise_08_stability_resets_and_connecting_does_not(
        uptimes in vec(0..20_000_u64, 1..30),
    ) {
        let mut world = World::new();
        let _ = world.start();
        let mut failures = 0;
        for uptime in uptimes {
            let _ = world.opened();
            let _ = world.pass(millis(uptime)).lost(FailureKind::Reset);
            failures = if uptime >= 10_000 { 1 } else { failures + 1 };
            prop_assert_eq!(world.machine.failures(), failures);
            let step = world.wake();
            let dial = step.actions.iter().next();
            let numbered = matches!(dial, Some(Action::Dial { attempt, .. }) if attempt == failures);
            prop_assert!(numbered, "{dial:?}");
        }
    }

    #[test]
    fn promise_11_every_dial_after_a_failure_waits_within_the_bounds(
        setup in any_setup(),
        script in any_script(),
    ) {
        let mut world = World::of(&setup);
        world.play_all(&script);
        let bounds = setup.backoff.bounds();
        let (floor, longest) = (bounds.floor(), bounds.retry_after_cap() + bounds.cap());
        for entry in &world.log {
            if let Some(Next::Retry { delay, .. }) = next_of(&entry.step) {
                prop_assert!((floor..=longest).contains(&delay), "{delay:?}");
            }
        }
    }

    #[test]
    fn promise_11_no_flood_of_hints_undercuts_floor_or_retry_after(
        failure in any_failure(),
        hints in vec((0..500_u64, 0..3_u8), 1..40),
    ) {
        let mut world = World::with(Config::default(), Backoff::default());
        let _ = world.start();
        let _ = world.lost(failure);
        let failed = world.now;
        for (pass, hint) in hints {
            if world.machine.state() == State::Connecting {
                let earliest = Backoff::default().bounds().earliest(failure);
                prop_assert!(world.now.saturating_duration_since(failed) >= earliest);
                break;
            }
            let _ = world.pass(millis(pass)).command(match hint {
                0 => Command::RetryNow,
                1 => Command::Network(Network::Online),
                _ => Command::Network(Network::Offline),
            });
        }
        prop_assert!(world.machine.stats().dials <= 2);
    }

    #[test]
    fn promise_12_the_last_error_survives(
        failures in vec(any_failure(), 1..12),
        most in 0..6_u32,
    ) {
        let policy = plain().to_builder().with_max_retries(most).build().unwrap();
        let mut world = World::with(Config::default(), policy);
        let _ = world.start();
        for failure in failures {
            let step = world.lost(failure);
            if let State::Closed(reason) = world.machine.state() {
                prop_assert!(
                    reason == ClosedReason::GaveUp(failure) || reason == ClosedReason::Fatal(failure)
                );
                prop_assert_eq!(next_of(&step), Some(Next::Closed));
                prop_assert_eq!(world.machine.last_failure(), Some(failure));
                break;
            }
            let _ = world.wake();
        }
        prop_assert!(world.machine.stats().dials <= u64::from(most) + 1);
    }
}

#[test]
fn promise_08_ten_seconds_in_the_open_are_stable_and_a_nanosecond_less_is_not() {
    assert_eq!(attempt_after(0, secs(10) - NANO), 1);
    assert_eq!(attempt_after(5, secs(10) - NANO), 6);
    assert_eq!(attempt_after(5, secs(10)), 1);
}

#[test]
fn promise_08_a_server_that_accepts_and_drops_is_kept_waiting_like_one_that_refuses() {
    let mut drops = World::new();
    let mut refuses = World::new();
    let _ = (drops.start(), refuses.start());
    for attempt in 1..12 {
        let _ = drops.opened();
        let _ = drops.lost(FailureKind::Reset);
        let _ = refuses.lost(FailureKind::Refused);
        if attempt > 1 {
            assert_eq!(drops.wait(), refuses.wait(), "attempt {attempt}");
        }
        let _ = (drops.wake(), refuses.wake());
    }
    let _ = drops.lost(FailureKind::Refused);
    assert_eq!(drops.wait(), secs(30));
}

#[test]
fn promise_08_a_stable_link_makes_the_next_trouble_the_first_again() {
    let mut world = World::new();
    let _ = world.start();
    world.fail_dials(6, FailureKind::Refused);
    let _ = world.wake();
    let _ = world.opened();
    assert_eq!(world.machine.failures(), 6);
    let _ = world.pass(secs(10)).received();
    assert_eq!((world.machine.failures(), world.machine.last_failure()), (0, None));
    let _ = world.lost(FailureKind::Reset);
    assert_eq!((world.machine.failures(), world.wait()), (1, secs(1)));
}

#[test]
fn promise_08_the_wait_for_a_close_to_end_is_no_time_in_the_open() {
    let mut world = World::new();
    let _ = world.start();
    world.fail_dials(3, FailureKind::Refused);
    let _ = world.wake();
    let _ = world.opened();
    let _ = world.pass(secs(9)).close_received(CloseCode::GOING_AWAY);
    let _ = world.wake();
    assert_eq!(world.now.saturating_duration_since(world.machine.since()), Duration::ZERO);
    assert_eq!(world.machine.failures(), 4);
}

#[test]
fn promise_11_waits_at_the_cap_are_still_spread() {
    let mut waits = Vec::new();
    for seed in 0..200 {
        let policy = Backoff::default();
        let mut world = World::seeded(Config::default(), policy, steadfast::Seed::new(seed));
        let _ = world.start();
        world.fail_dials(20, FailureKind::Refused);
        waits.push(world.wait());
    }
    waits.sort_unstable();
    assert!(waits[0] >= millis(100) && waits[199] <= secs(30), "{waits:?}");
    assert!(waits[10] < secs(5) && waits[189] > secs(25), "{waits:?}");
    waits.dedup();
    assert!(waits.len() > 190, "{waits:?}");
}

#[test]
fn promise_11_retry_after_is_obeyed_clamped_and_no_amplifier() {
    let told = |wait: Duration| {
        let mut world = World::new();
        let _ = world.start();
        let _ = world.lost(Failure::from(FailureKind::Http(503)).with_retry_after(wait));
        world.wait()
    };
    assert_eq!(told(Duration::ZERO), millis(500));
    assert_eq!(told(secs(2)), secs(2) + millis(500));
    // An eighth of what was asked is spread on top of it, but no more than the cap.
    assert!((secs(7) + millis(500)..=secs(7) + millis(875)).contains(&told(secs(7))));
    assert!((secs(300)..=secs(330)).contains(&told(secs(300))));
    assert!((secs(300)..=secs(330)).contains(&told(secs(86_400))));
}

#[test]
fn promise_11_retry_after_is_forgotten_with_its_failure() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.lost(Failure::from(FailureKind::Http(503)).with_retry_after(secs(60)));
    let _ = world.wake();
    let _ = world.lost(FailureKind::Refused);
    assert_eq!(world.wait(), secs(1));
}

#[test]
fn promise_12_no_wait_is_announced_after_the_final_attempt() {
    let policy = plain().to_builder().with_max_retries(2).build().unwrap();
    let mut world = World::with(Config::default(), policy);
    let _ = world.start();
    let _ = world.lost(FailureKind::Refused);
    let _ = world.wake();
    let second = world.lost(FailureKind::Reset);
    assert_eq!(next_of(&second), Some(Next::Retry { attempt: 2, delay: secs(1) }));
    let _ = world.wake();
    let timeout = Failure::from(FailureKind::Timeout(Timeout::Connect));
    let last = world.wake();
    assert_eq!(next_of(&last), Some(Next::Closed));
    assert_eq!(
        last.actions.iter().last(),
        Some(Action::Notify(Notice::Closed { reason: ClosedReason::GaveUp(timeout) }))
    );
    assert_eq!(world.machine.stats().dials, 3);
}

#[test]
fn promise_12_a_fatal_failure_ends_it_after_any_number_of_others() {
    let mut world = World::new();
    let _ = world.start();
    world.fail_dials(4, FailureKind::Refused);
    let _ = world.wake();
    let fatal = Failure::from(FailureKind::Certificate);
    let step = world.lost(fatal);
    assert_eq!(next_of(&step), Some(Next::Closed));
    assert_eq!(world.machine.state(), State::Closed(ClosedReason::Fatal(fatal)));
    assert_eq!(world.machine.last_failure(), Some(fatal));
}
