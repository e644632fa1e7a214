//! Looking for a trial that breaks a law, and for the simplest of them.

use std::cell::RefCell;

use proptest::{
    prelude::any,
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

use super::{
    Counterexample, Law,
    outage::hardships,
    trial::{Premise, Trial},
};
use crate::testing::strategies::scripts;

/// What a trial says about a law.
pub(super) type Finding = Result<(), Counterexample>;

/// How many random scripts are played.
const SCRIPTS: u32 = 96;

/// How many simpler scripts are tried to find the simplest that still breaks the law.
const SIMPLER_SCRIPTS: u32 = 2_000;

/// Puts a policy through every hardship.
pub(super) fn in_hardships(judge: impl Fn(&Trial) -> Finding) -> Finding {
    let mut passed = Vec::new();
    for trial in hardships() {
        if let Err(found) = judge(&trial) {
            return Err(with_fewest_failures(found, &trial, &passed, judge));
        }
        passed.push(trial.premise.failures);
    }
    Ok(())
}

/// Between a number of failures that the policy can take and `trial`, which it cannot: the fewest
/// that it cannot.
fn with_fewest_failures(
    mut found: Counterexample,
    trial: &Trial,
    passed: &[u32],
    judge: impl Fn(&Trial) -> Finding,
) -> Counterexample {
    let mut worst = trial.premise.failures;
    let mut best = passed.iter().copied().filter(|failures| *failures < worst).max().unwrap_or(0);
    while worst - best > 1 {
        let failures = best + (worst - best) / 2;
        let premise = Premise { failures, ..trial.premise.clone() };
        match judge(&Trial { premise, ..trial.clone() }) {
            Ok(()) => best = failures,
            Err(simpler) => (found, worst) = (simpler, failures),
        }
    }
    found
}

/// Plays random scripts, always the same, and answers the simplest that breaks the first law that
/// any of them breaks.
pub(super) fn in_random_scripts(laws: &[Law], judge: impl Fn(Law, &Trial) -> Finding) -> Finding {
    let config = Config {
        cases: SCRIPTS,
        failure_persistence: None,
        max_shrink_iters: SIMPLER_SCRIPTS,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let trials =
        (scripts(), any::<u64>()).prop_map(|(script, seed)| Trial { seed, ..Trial::of(script) });
    // Kept aside, because a policy with its own randomness may not do it again.
    let simplest: RefCell<Option<Counterexample>> = RefCell::new(None);
    let _ = runner.run(&trials, |trial| {
        let known = simplest.borrow().as_ref().map(Counterexample::law);
        let mut suspects = laws.iter().filter(|law| known.is_none_or(|known| known == **law));
        suspects.try_for_each(|law| judge(*law, &trial)).map_err(|found| {
            *simplest.borrow_mut() = Some(found);
            TestCaseError::fail("breaks a law")
        })
    });
    simplest.into_inner().map_or(Ok(()), Err)
}
