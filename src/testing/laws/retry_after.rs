//! The law that a server's `Retry-After` is obeyed.

use std::time::Duration;

use super::{
    Law,
    counterexample::Exact,
    fleet::Fleet,
    outage::{REFUSED, lost, refusals},
    search::Finding,
    trial::{Premise, Trial},
};
use crate::{
    Action, Failure, FailureKind, Next, Notice, Policy, testing::strategies::Script, trace::Entry,
};

pub(super) fn retry_after<P: Policy>(make: &impl Fn() -> P) -> Finding {
    let busy = |wish| Failure::from(FailureKind::Http(503)).with_retry_after(wish);
    let wishes = [1, 60, 299, 3_600, 30 * 86_400].map(Duration::from_secs);
    let before = [0, 1, 4, 19];
    for wish in wishes {
        for failures in before {
            is_waited_for(make, busy(wish), failures)?;
        }
    }
    for wish in [Duration::from_secs(60), Duration::from_secs(30 * 86_400)] {
        for failures in [0, 4] {
            is_spread(make, busy(wish), failures)?;
        }
    }
    Ok(())
}

/// A start, so many refusals, and then `last`.
fn refused_and_then(failures: usize, last: Failure) -> Script {
    let before = refusals(failures + 1);
    let kept = before.lines().len() - 1;
    before.lines().iter().copied().take(kept).chain([lost(last)]).collect()
}

fn is_waited_for<P: Policy>(make: &impl Fn() -> P, failure: Failure, failures: usize) -> Finding {
    let bounds = make().bounds();
    let asked_for = failure.retry_after().unwrap_or_default().min(bounds.retry_after_cap());
    let most = asked_for.saturating_add(bounds.cap());
    let script = refused_and_then(failures, failure);
    for seed in 0..32 {
        let trial = Trial { seed, ..Trial::of(script.clone()) };
        let run = trial.run(make);
        let call = script.lines().len() - 1;
        let Some(wait) = run.entries.get(call).and_then(announced) else { continue };
        if (asked_for..=most).contains(&wait) {
            continue;
        }
        let expected = format!(
            "a wait from {} to {}: what was asked for, at most {}, and the policy's cap on top",
            Exact(asked_for),
            Exact(most),
            Exact(bounds.retry_after_cap())
        );
        let found = format!("a wait of {}", Exact(wait));
        let asked = run.answer_in(call).map(|answer| answer.attempt);
        return Err(run.breaks(Law::RetryAfter, call, asked, expected, found));
    }
    Ok(())
}

fn is_spread<P: Policy>(make: &impl Fn() -> P, failure: Failure, failures: usize) -> Finding {
    if make().bounds().retry_after_cap().is_zero() {
        return Ok(());
    }
    let natural = Premise::default();
    let untold = Fleet::of(make, &refused_and_then(failures, REFUSED.into()), &natural);
    if untold.bunch(failures).is_some() {
        return Ok(());
    }
    let script = refused_and_then(failures, failure);
    let told = Fleet::of(make, &script, &natural);
    let Some(bunch) = told.bunch(failures) else { return Ok(()) };
    let trial = Trial { seed: bunch.seed, ..Trial::of(script) };
    let run = trial.run(make);
    let answer = run.answers.get(failures).copied();
    let (call, asked) = (answer.map_or(0, |one| one.call), answer.map(|one| one.attempt));
    let expected = format!("{}, as when nothing is asked for", bunch.expected());
    Err(run.breaks(Law::RetryAfter, call, asked, expected, bunch.found()))
}

/// How long the machine says that it will wait.
fn announced(entry: &Entry) -> Option<Duration> {
    entry.step.actions.iter().find_map(|action| match action {
        Action::Notify(Notice::DialFailed { next: Next::Retry { delay, .. }, .. }) => Some(delay),
        _ => None,
    })
}
