//! The laws about single answers: endurance, bounds, and that answers repeat.

use std::time::Duration;

use super::{
    Law,
    counterexample::Exact,
    outage::{REFUSED, dropped, lost, outage},
    search::Finding,
    trial::{Run, Trial},
};
use crate::{Decision, Policy};

pub(super) fn endurance<P: Policy>(make: &impl Fn() -> P, trial: &Trial) -> Finding {
    let run = trial.run(make);
    let Some(panic) = &run.panic else { return Ok(()) };
    let found = format!("the policy panicked: {}", panic.message);
    let (call, asked) = (run.entries.len(), panic.attempt);
    Err(run.breaks(Law::Endurance, call, asked, "an answer".to_owned(), found))
}

pub(super) fn bounds<P: Policy>(make: &impl Fn() -> P, trial: &Trial) -> Finding {
    let run = trial.run(make);
    let outside = run.answers.iter().find_map(|answer| {
        let bounds = answer.bounds;
        let delay = answer.delay()?;
        let within = (bounds.floor()..=bounds.cap()).contains(&delay);
        (!within).then_some((*answer, delay))
    });
    let Some((answer, delay)) = outside else { return Ok(()) };
    let (floor, cap) = (Exact(answer.bounds.floor()), Exact(answer.bounds.cap()));
    let expected = format!("a delay from {floor} to {cap}, as the policy declares");
    let found = format!("a delay of {}", Exact(delay));
    Err(run.breaks(Law::Bounds, answer.call, Some(answer.attempt), expected, found))
}

pub(super) fn repeats<P: Policy>(make: &impl Fn() -> P) -> Finding {
    for trouble in [&[lost(REFUSED)][..], &dropped(Duration::from_secs(1))] {
        for seed in 0..4 {
            repeats_in(make, &Trial { seed, ..Trial::of(outage(trouble, 24)) })?;
        }
    }
    Ok(())
}

pub(super) fn repeats_in<P: Policy>(make: &impl Fn() -> P, trial: &Trial) -> Finding {
    let (first, second) = (trial.run(make), trial.run(make));
    let calls = first.entries.len().min(second.entries.len());
    let same = |call: &usize| {
        first.entries[*call] == second.entries[*call]
            && first.answer_in(*call) == second.answer_in(*call)
    };
    let Some(call) = (0..calls).find(|call| !same(call)) else { return Ok(()) };
    let answered = |run: &Run<'_, P>| match run.answer_in(call).map(|answer| answer.decision) {
        Some(Decision::RetryAfter(delay)) => format!("a delay of {}", Exact(delay)),
        Some(Decision::GiveUp) => "to give up".to_owned(),
        None => "no question that it decides".to_owned(),
    };
    let asked = second.answer_in(call).map(|answer| answer.attempt);
    let expected = format!("{}, as the first policy answered", answered(&first));
    let found = format!("{}, of another policy made alike", answered(&second));
    Err(second.breaks(Law::Repeats, call, asked, expected, found))
}
