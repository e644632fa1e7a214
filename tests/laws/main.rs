//! The laws of policies: the built-in policy keeps them, and each catches the policies that people
//! write when they do not think of it.
#![cfg(feature = "testing")]

mod builtin;
mod counterexample;
mod crowd;
mod outage;
mod patience;

use core::time::Duration;

use steadfast::{
    Attempt, Bounds, Decision, Policy,
    testing::{
        check_policy,
        laws::{Counterexample, Law, Laws},
    },
};

/// What is said of a policy that breaks `law` and no other.
fn caught<P: Policy>(law: Law, make: impl Fn() -> P) -> Counterexample {
    let broken = check_policy(&make).expect_err("the policy breaks a law");
    assert_eq!(broken.law(), law, "{broken}");
    if let Err(another) = Laws::all().except(law).check(&make) {
        panic!("more than {law:?}: {another}");
    }
    broken
}

const FLOOR: u64 = 100;
const CAP: u64 = 30_000;

/// The ceiling of a retry as it should be, in milliseconds: 500, 1,000, 2,000 and so on.
fn ceiling(number: u32) -> u64 {
    (250_u64 << number.min(16)).min(CAP)
}

/// A delay between the floor and this many milliseconds, as the entropy has it.
fn drawn(attempt: &Attempt, ceiling: u64) -> Duration {
    Duration::from_millis(FLOOR + attempt.entropy % (ceiling - FLOOR + 1))
}

/// A function that decides within a floor of 100 ms and a cap of 30 s.
struct Bounded<F>(F);

impl<F: FnMut(&Attempt) -> Duration> Policy for Bounded<F> {
    fn decide(&mut self, attempt: &Attempt) -> Decision {
        Decision::RetryAfter((self.0)(attempt))
    }

    fn bounds(&self) -> Bounds {
        let [floor, cap] = [FLOOR, CAP].map(Duration::from_millis);
        Bounds::new(floor, cap).expect("a floor below the cap")
    }
}

#[test]
fn the_policy_that_the_mutants_are_made_of_keeps_every_law() {
    check_policy(|| Bounded(|attempt: &Attempt| drawn(attempt, ceiling(attempt.number)))).unwrap();
}
