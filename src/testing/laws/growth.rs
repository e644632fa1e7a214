//! The law that delays do not shrink, and what it shares with that against hot loops: the longest
//! delay that may be drawn.

use std::time::Duration;

use super::{
    Law,
    counterexample::Exact,
    outage::{FAILURES, refusals},
    search::Finding,
    trial::{Premise, Trial},
};
use crate::{Policy, testing::strategies::Script};

/// How many machines draw at random, beside two that draw the least and the most.
const SEEDS: u64 = 128;

/// The longest delay answered at each retry of an outage, over many draws.
pub(super) struct Envelope {
    /// The delay, and the trial that drew it.
    pub(super) longest: Vec<(Duration, Trial)>,
}

impl Envelope {
    /// As far as the policy answers with a delay whatever is drawn.
    pub(super) fn of<P: Policy>(make: &impl Fn() -> P, script: &Script, seeds: u64) -> Self {
        let ends = [0, u64::MAX].map(Premise::of_entropy);
        let ends = ends.map(|premise| Trial { premise, ..Trial::of(script.clone()) });
        let drawn = (0..seeds).map(|seed| Trial { seed, ..Trial::of(script.clone()) });
        let mut longest: Option<Vec<(Duration, usize)>> = None;
        let trials: Vec<Trial> = ends.into_iter().chain(drawn).collect();
        for (nth, trial) in trials.iter().enumerate() {
            let run = trial.run(make);
            let delays = run.delays().map(|delay| (delay, nth));
            longest = Some(match longest {
                None => delays.collect(),
                Some(longest) => {
                    let pairs = longest.into_iter().zip(delays);
                    pairs.map(|(old, new)| if new.0 > old.0 { new } else { old }).collect()
                }
            });
        }
        let longest = longest.unwrap_or_default();
        let longest = longest.into_iter().map(|(delay, nth)| (delay, trials[nth].clone()));
        Self { longest: longest.collect() }
    }
}

pub(super) fn growth<P: Policy>(make: &impl Fn() -> P) -> Finding {
    let envelope = Envelope::of(make, &refusals(FAILURES), SEEDS);
    let mut record: Option<(usize, Duration, &Trial)> = None;
    for (nth, (longest, trial)) in envelope.longest.iter().enumerate() {
        match record {
            Some((before, most, longest_trial)) if *longest < most - most / 5 => {
                let run = longest_trial.run(make);
                let asked = run.answers.get(nth).copied();
                let call = asked.map_or(0, |answer| answer.call);
                let expected = format!(
                    "a longest draw for retry {} of at least {}: four fifths of that for retry {}",
                    nth + 1,
                    Exact(most - most / 5),
                    before + 1
                );
                let draws = SEEDS + 2;
                let found = format!("a longest of {draws} draws of {}", Exact(*longest));
                let asked = asked.map(|answer| answer.attempt);
                return Err(run.breaks(Law::Growth, call, asked, expected, found));
            }
            Some((_, most, _)) if *longest <= most => {}
            _ => record = Some((nth, *longest, trial)),
        }
    }
    Ok(())
}
