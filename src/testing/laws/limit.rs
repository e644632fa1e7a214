//! The law of giving up and beginning anew.

use std::time::Duration;

use super::{
    Law,
    counterexample::Exact,
    outage::{YEAR, refusals, suspended},
    search::Finding,
    trial::{Answer, Premise, Run, Trial, catch},
};
use crate::{
    Action, Attempt, ClosedReason, Command, Decision, Event, Notice, Policy,
    testing::strategies::{Line, Script, When},
    trace::Entry,
};

/// Enough failures in a row to reach a limit that is not reached sooner.
const FAILURES: usize = 300;

const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn limit<P: Policy>(make: &impl Fn() -> P) -> Finding {
    let premises = [Premise::default(), Premise::of_entropy(0), Premise::of_entropy(u64::MAX)];
    for script in [refusals(FAILURES), suspended(DAY, FAILURES)] {
        for premise in premises.clone() {
            goes_on_giving_up(make, &Trial { premise, ..Trial::of(script.clone()) })?;
        }
    }
    for failures in [1, 2, 3, 5, 10, 20, 40, 80, 160] {
        for entropy in [u64::MAX, 0, u64::MAX / 3] {
            begins_anew(make, failures, entropy)?;
        }
    }
    Ok(())
}

/// Nothing but a start follows giving up.
pub(super) fn limit_in<P: Policy>(make: &impl Fn() -> P, trial: &Trial) -> Finding {
    let run = trial.run(make);
    let Some(call) = dial_after_giving_up(&run.entries) else { return Ok(()) };
    let expected = "no dial between giving up and the next start".to_owned();
    Err(run.breaks(Law::Limit, call, None, expected, "a dial".to_owned()))
}

/// The policy that has given up is asked again, for later retries.
fn goes_on_giving_up<P: Policy>(make: &impl Fn() -> P, trial: &Trial) -> Finding {
    let run = trial.run(make);
    let gave_up = run.answers.iter().find(|answer| answer.decision == Decision::GiveUp);
    let Some(&Answer { attempt: last, call, .. }) = gave_up else { return Ok(()) };
    for attempt in later(&run, &last) {
        let answer = catch(|| run.policy.borrow_mut().decide(&attempt));
        // A panic is a matter for endurance.
        let Ok(answer) = answer else { break };
        if let Decision::RetryAfter(delay) = answer {
            let expected = format!(
                "to give up, as on retry {} after {}, because there was no reset since",
                last.number,
                Exact(last.elapsed)
            );
            let found = format!("a delay of {} when asked again", Exact(delay));
            return Err(run.breaks(Law::Limit, call, Some(attempt), expected, found));
        }
    }
    Ok(())
}

/// Questions so much later than the `last` that no draw explains another answer.
fn later<'a, P: Policy>(
    run: &Run<'_, P>,
    last: &'a Attempt,
) -> impl Iterator<Item = Attempt> + use<'a, P> {
    let delay = run.policy.borrow().bounds().cap().min(YEAR);
    let next = (1..=70).map(|more| last.number.saturating_add(more));
    let beyond = [127, 128, 255, 256, 257, 1_000, 65_535, 65_536, 1 << 31, u32::MAX];
    let numbers = next.chain(beyond.into_iter().filter(|number| *number > last.number));
    let spans = [Duration::ZERO, DAY, YEAR, Duration::MAX];
    let elapsed = spans.map(|span| last.elapsed.saturating_add(delay).saturating_add(span));
    let questions = numbers.flat_map(move |number| elapsed.map(|elapsed| (number, elapsed)));
    questions.flat_map(|(number, elapsed)| {
        [last.entropy, 0, u64::MAX].map(|entropy| Attempt { number, elapsed, entropy, ..*last })
    })
}

/// A machine that has failed, and was stopped and started again, asks as a new one does.
fn begins_anew<P: Policy>(make: &impl Fn() -> P, failures: usize, entropy: u64) -> Finding {
    const RETRIES: usize = 12;
    let premise = Premise::of_entropy(entropy);
    let fresh = Trial { premise: premise.clone(), ..Trial::of(refusals(RETRIES)) };
    // The floor is over, so the start dials at once.
    let floor = make().bounds().floor();
    let restart = [Command::Stop, Command::Start].map(|act| Line::new(When::After(floor), act));
    let before = refusals(failures);
    let restarted_at = before.lines().len() + 1;
    let used = before.lines().iter().copied().chain(restart);
    let script: Script = used.chain(refusals(RETRIES).lines().iter().copied().skip(1)).collect();
    let used = Trial { premise, ..Trial::of(script) };

    let (fresh, again, used) = (fresh.run(make), fresh.run(make), used.run(make));
    let answers = |run: &Run<'_, P>, from: usize| -> Vec<Answer> {
        run.answers.iter().filter(|answer| answer.call >= from).copied().collect()
    };
    let (fresh, again) = (answers(&fresh, 0), answers(&again, 0));
    if fresh != again {
        // Answers that do not repeat cannot be compared.
        return Ok(());
    }
    let answered = answers(&used, restarted_at);
    let pairs = fresh.iter().zip(&answered);
    let other = pairs.into_iter().find(|(new, old)| new.decision != old.decision);
    let Some((new, old)) = other else { return Ok(()) };
    let (new, old) = (*new, *old);
    let told = |answer: Answer| match answer.decision {
        Decision::RetryAfter(delay) => format!("a delay of {}", Exact(delay)),
        Decision::GiveUp => "to give up".to_owned(),
    };
    let expected = format!("{}, as a new policy answers", told(new));
    let found = format!("{}, although it was reset at the last start", told(old));
    Err(used.breaks(Law::Limit, old.call, Some(old.attempt), expected, found))
}

fn dial_after_giving_up(entries: &[Entry]) -> Option<usize> {
    let mut gave_up = false;
    entries.iter().position(|entry| {
        let started = entry.event == Event::Command(Command::Start);
        for action in entry.step.actions {
            match action {
                Action::Dial { .. } if gave_up && !started => return true,
                Action::Notify(Notice::Closed { reason: ClosedReason::GaveUp(_) }) => {
                    gave_up = true;
                }
                _ => {}
            }
        }
        gave_up &= !started;
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dial_after_giving_up_is_seen_unless_it_was_started() {
        let trial = Trial::of(refusals(1));
        let mut entries = trial.run(&|| |_: &Attempt| Decision::GiveUp).entries;
        assert_eq!(dial_after_giving_up(&entries), None);
        let dial = entries[0];
        entries.push(dial);
        assert_eq!(dial_after_giving_up(&entries), None);
        entries[2].event = Event::Tick;
        assert_eq!(dial_after_giving_up(&entries), Some(2));
    }
}
