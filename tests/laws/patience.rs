//! Policies that do not know when to stop or when to begin anew: limits, hot loops, repetition.

use std::{cell::Cell, collections::hash_map::RandomState, hash::BuildHasher, rc::Rc};

use core::time::Duration;

use steadfast::{Attempt, Bounds, Decision, Policy, testing::laws::Law};

use super::{Bounded, FLOOR, caught, ceiling, drawn};

/// Gives up when `limit` says so.
fn limited(limit: impl Fn(&Attempt) -> bool) -> impl FnMut(&Attempt) -> Decision {
    move |attempt| match limit(attempt) {
        true => Decision::GiveUp,
        false => Decision::RetryAfter(drawn(attempt, ceiling(attempt.number))),
    }
}

#[test]
fn a_policy_that_gives_up_only_once_is_caught() {
    let broken = caught(Law::Limit, || limited(|attempt| attempt.number == 5));
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(6));
    assert!(broken.expected().starts_with("to give up, as on retry 5"), "{broken}");
}

#[test]
#[allow(clippy::cast_possible_truncation, reason = "the mistake itself")]
fn a_limit_whose_counter_is_too_narrow_is_caught() {
    let broken = caught(Law::Limit, || limited(|attempt| attempt.number as u8 > 200));
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(256));
}

#[test]
fn a_closure_that_counts_for_itself_and_is_never_reset_is_caught() {
    let broken = caught(Law::Limit, || {
        let mut calls = 0;
        move |attempt: &Attempt| {
            calls += 1;
            Decision::RetryAfter(drawn(attempt, ceiling(calls)))
        }
    });
    assert!(broken.found().contains("although it was reset"), "{broken}");
}

/// Doubles with each failure of its own counting, and forgets it all when a link is lost.
struct WipedSlate {
    failures: u32,
}

impl Policy for WipedSlate {
    fn decide(&mut self, attempt: &Attempt) -> Decision {
        self.failures = if attempt.uptime.is_some() { 1 } else { self.failures + 1 };
        Decision::RetryAfter(drawn(attempt, ceiling(self.failures)))
    }

    fn reset(&mut self) {
        self.failures = 0;
    }
}

#[test]
fn a_count_that_any_connection_resets_is_caught() {
    let broken = caught(Law::NoHotLoop, || WipedSlate { failures: 0 });
    assert!(broken.found().contains("because the server accepts before it drops"), "{broken}");
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(4));
}

/// Waives its floor when a link is lost, to be back at once.
struct WaivedFloor {
    hurried: bool,
}

impl Policy for WaivedFloor {
    fn decide(&mut self, attempt: &Attempt) -> Decision {
        self.hurried = attempt.uptime.is_some();
        let delay = drawn(attempt, ceiling(attempt.number));
        Decision::RetryAfter(if self.hurried { delay / 8 } else { delay })
    }

    fn reset(&mut self) {
        self.hurried = false;
    }

    fn bounds(&self) -> Bounds {
        let floor = if self.hurried { 1 } else { FLOOR };
        Bounds::new(Duration::from_millis(floor), Duration::from_secs(30)).expect("a floor")
    }
}

#[test]
fn a_floor_that_is_waived_after_a_link_is_caught() {
    let broken = caught(Law::NoHotLoop, || WaivedFloor { hurried: false });
    assert!(broken.expected().contains("dials at least 100 ms apart"), "{broken}");
}

#[test]
fn jitter_from_the_policys_own_randomness_is_caught() {
    let broken = caught(Law::Repeats, || {
        Bounded(|attempt: &Attempt| {
            let mut attempt = *attempt;
            attempt.entropy = RandomState::new().hash_one(());
            drawn(&attempt, ceiling(attempt.number))
        })
    });
    assert_eq!(broken.script().lines().len(), 2);
}

#[test]
fn a_generator_that_policies_share_is_caught() {
    let shared = Rc::new(Cell::new(0_u64));
    let broken = caught(Law::Repeats, || {
        let shared = Rc::clone(&shared);
        Bounded(move |attempt: &Attempt| {
            // Knuth's multiplier; the upper bits are the random ones.
            let next = shared.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shared.set(next);
            let mut attempt = *attempt;
            attempt.entropy = next >> 24;
            drawn(&attempt, ceiling(attempt.number))
        })
    });
    assert!(broken.found().ends_with("of another policy made alike"), "{broken}");
}
