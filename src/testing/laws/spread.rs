//! The law that clients are spread.

use std::time::Duration;

use super::{
    Counterexample, Law,
    fleet::Fleet,
    outage::{dropped, outage, refusals},
    search::Finding,
    trial::{Premise, Trial},
};
use crate::{Policy, testing::strategies::Script};

/// How many retries in a row are looked at: the last of them are at the cap.
const RETRIES: usize = 16;

pub(super) fn spread<P: Policy>(make: &impl Fn() -> P) -> Finding {
    let natural = Premise::default();
    let link_lost = outage(&dropped(Duration::from_secs(60)), 1);
    is_spread(make, &link_lost, &natural, 1)?;
    let fleet = is_spread(make, &refusals(RETRIES), &natural, RETRIES)?;
    for failures in [63, 999_999, u32::MAX - 1] {
        let previous_delay = fleet.longest();
        let premise = Premise { failures, previous_delay, ..Premise::default() };
        is_spread(make, &refusals(1), &premise, 1)?;
    }
    let Some(twins) = fleet.twins() else { return Ok(()) };
    let [seed, other] = twins.seeds;
    let trial = Trial { seed, ..Trial::of(refusals(twins.delays)) };
    let run = trial.run(make);
    let last = run.answers.last().copied();
    let expected = "other delays for every seed".to_owned();
    let found = format!("the same {} delays for the seeds {seed} and {other}", twins.delays);
    let (call, asked) = (last.map_or(0, |last| last.call), last.map(|last| last.attempt));
    Err(run.breaks(Law::Spread, call, asked, expected, found))
}

fn is_spread<P: Policy>(
    make: &impl Fn() -> P,
    script: &Script,
    premise: &Premise,
    retries: usize,
) -> Result<Fleet, Counterexample> {
    let fleet = Fleet::of(make, script, premise);
    for nth in 0..retries {
        let Some(bunch) = fleet.bunch(nth) else { continue };
        let trial = Trial { seed: bunch.seed, premise: premise.clone(), script: script.clone() };
        let run = trial.run(make);
        let answer = run.answers.get(nth).copied();
        let (call, asked) = (answer.map_or(0, |one| one.call), answer.map(|one| one.attempt));
        return Err(run.breaks(Law::Spread, call, asked, bunch.expected(), bunch.found()));
    }
    Ok(fleet)
}
