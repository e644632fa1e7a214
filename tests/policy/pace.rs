//! A pace that a failure asks for, and how long it lasts.

use core::time::Duration;

use proptest::prelude::*;
use steadfast::{
    Backoff, CloseCode, Config, Failure, FailureKind, Pace, Policy, Seed, Verdict, classify,
};

use crate::support::{World, millis, secs};

const REFUSED: FailureKind = FailureKind::Refused;

/// An open link that has lasted for a minute, and a policy whose draws are its ceilings.
fn world(seed: u64) -> World {
    let mut world = World::seeded(Config::default(), Backoff::default(), Seed::new(seed));
    world.open().pass(secs(60));
    world
}

/// The longest of the waits that many seeds give after `failures` in a row.
fn longest_wait(failures: &[Failure]) -> u128 {
    let wait = |seed| {
        let mut world = world(seed);
        for (nth, failure) in failures.iter().enumerate() {
            if nth > 0 {
                let _ = world.wake();
            }
            let _ = world.lost(*failure);
        }
        world.wait().as_millis()
    };
    (0..400).map(wait).max().unwrap()
}

fn closed(code: u16) -> Failure {
    FailureKind::Closed(CloseCode::new(code)).into()
}

#[test]
fn a_refused_dial_after_a_restart_is_not_hurried() {
    for code in [1001, 1012, 1013] {
        let mut failures = vec![closed(code)];
        for ceiling in [5_000, 10_000, 20_000, 30_000, 30_000] {
            let longest = longest_wait(&failures);
            let range = ceiling * 97 / 100..=ceiling;
            assert!(range.contains(&longest), "{code}, retry {}: {longest}", failures.len());
            failures.push(REFUSED.into());
        }
    }
}

#[test]
fn a_lone_drop_stays_fast() {
    let longest = longest_wait(&[FailureKind::Reset.into()]);
    assert!((970..=1_000).contains(&longest), "{longest}");
    let longest = longest_wait(&[FailureKind::Reset.into(), REFUSED.into()]);
    assert!((970..=1_000).contains(&longest), "{longest}");
}

#[test]
fn the_highest_pace_lasts_until_the_link_is_stable_again() {
    use std::{cell::RefCell, rc::Rc};

    use steadfast::{Attempt, Decision};

    let paces = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&paces);
    let policy = move |attempt: &Attempt| {
        log.borrow_mut().push(attempt.pace);
        Decision::RetryAfter(secs(1))
    };
    let policy = policy.with_classifier(|failure| match failure.kind() {
        FailureKind::Http(502) => Verdict::Retry(Pace::StepsUp(1)),
        FailureKind::Http(503) => Verdict::Retry(Pace::StepsUp(2)),
        _ => classify(failure),
    });
    let mut world = World::with(Config::default(), policy);
    let _ = world.start();
    for kind in [
        REFUSED,
        FailureKind::Http(503),
        FailureKind::Http(502),
        REFUSED,
        FailureKind::Closed(CloseCode::POLICY_VIOLATION),
    ] {
        let _ = world.lost(kind);
        let _ = world.wake();
    }
    // Each is asked for three times: the world has a twin and a replay.
    let expected = [Pace::Normal, Pace::StepsUp(2), Pace::StepsUp(2), Pace::StepsUp(2)];
    assert_eq!(paces.borrow()[..12], expected.map(|pace| [pace; 3]).concat());
    let _ = world.opened();
    let _ = world.pass(secs(10)).lost(FailureKind::Reset);
    assert_eq!(paces.borrow().last(), Some(&Pace::Normal));
}

#[test]
fn a_later_pace_outranks_an_earlier_one() {
    let paces = [Pace::Normal, Pace::Twice, Pace::StepsUp(1), Pace::StepsUp(2), Pace::Spread];
    assert!(paces.is_sorted());
}

#[test]
fn clients_that_are_told_to_spread_return_over_that_long_and_a_sixteenth_more() {
    let told = closed(1012).with_spread_over(secs(96));
    let waits: Vec<_> = (0..2_000)
        .map(|seed| {
            let mut world = world(seed);
            let _ = world.lost(told);
            world.wait()
        })
        .collect();
    // The first second is the draw of the policy itself.
    assert!(waits.iter().all(|wait| *wait >= millis(100) && *wait <= secs(103)));
    for tenth in 0..10 {
        let from = millis(tenth * 10_200);
        let share = waits.iter().filter(|wait| **wait >= from && **wait < from + millis(10_200));
        let share = share.count();
        assert!((150..=250).contains(&share), "{share} of 2,000 in the tenth from {from:?}");
    }
}

#[test]
fn a_client_that_was_told_to_spread_and_is_refused_then_is_not_hurried() {
    let told = closed(1012).with_spread_over(secs(1));
    let longest = longest_wait(&[told]);
    assert!((1_950..=2_063).contains(&longest), "not spread twice: {longest}");
    let longest = longest_wait(&[told, REFUSED.into()]);
    assert!((9_700..=10_000).contains(&longest), "{longest}");
}

#[test]
fn a_wish_that_is_ignored_makes_no_difference() {
    let deaf = Backoff::builder().with_retry_after_cap(Duration::ZERO).build().unwrap();
    let wait = |failure| {
        let mut world = World::seeded(Config::default(), deaf.clone(), Seed::new(3));
        let _ = world.open().pass(secs(60)).lost(failure);
        world.wait()
    };
    assert_eq!(wait(closed(1012).with_spread_over(secs(100))), wait(closed(1012)));
}

#[test]
fn a_wish_to_spread_is_granted_up_to_five_minutes() {
    let told = closed(1012).with_spread_over(secs(100_000));
    let longest = longest_wait(&[told]);
    assert!((285_000..=301_000).contains(&longest), "{longest}");
}

#[test]
fn no_wish_to_spread_makes_a_client_give_up() {
    let policy = Backoff::builder().with_max_elapsed(secs(60)).build().unwrap();
    let mut world = World::with(Config::default(), policy);
    let _ = world.open().pass(secs(60)).lost(closed(1012).with_spread_over(secs(65_535)));
    assert_eq!(world.machine.state(), steadfast::State::Backoff);
}

proptest! {
    #[test]
    fn a_wish_to_spread_never_shortens_a_wait_below_the_floor(seed: u64, over in 1_u64..1_000_000) {
        let mut world = world(seed);
        let _ = world.lost(closed(1012).with_spread_over(millis(over)));
        prop_assert!(world.wait() >= millis(100));
        prop_assert!(world.wait() <= millis(over + over / 16 + 1_000).min(secs(301)));
    }
}
