//! One try: a machine with the policy in it, driven through a script, and all that was asked and
//! answered.

use std::{
    any::Any,
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    time::Duration,
};

use super::{Counterexample, Law};
use crate::{
    Attempt, Bounds, Config, Decision, Failure, Instant, Machine, Pace, Policy, Seed, Verdict,
    testing::strategies::{Line, Player, Script},
    trace::Entry,
};

/// What the policy is told in place of what the machine has seen: most of what may happen to it
/// would take a machine years.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Premise {
    /// How many more dials have failed before.
    pub(super) failures: u32,
    /// How much longer it has been since the trouble began.
    pub(super) elapsed: Duration,
    pub(super) previous_delay: Option<Duration>,
    pub(super) uptime: Option<Duration>,
    pub(super) pace: Option<Pace>,
    pub(super) entropy: Option<u64>,
}

impl Premise {
    pub(super) fn of_entropy(entropy: u64) -> Self {
        Self { entropy: Some(entropy), ..Self::default() }
    }

    fn applied_to(&self, seen: &Attempt) -> Attempt {
        Attempt {
            number: seen.number.saturating_add(self.failures),
            elapsed: seen.elapsed.saturating_add(self.elapsed),
            previous_delay: self.previous_delay.unwrap_or(seen.previous_delay),
            uptime: self.uptime.or(seen.uptime),
            entropy: self.entropy.unwrap_or(seen.entropy),
            ..*seen
        }
    }
}

/// What a machine is made of and what happens to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trial {
    pub(super) seed: u64,
    pub(super) premise: Premise,
    pub(super) script: Script,
}

/// What the policy was asked, and what it answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) attempt: Attempt,
    pub(super) decision: Decision,
    /// As the policy declares them after it has answered.
    pub(super) bounds: Bounds,
    /// In which call of the machine.
    pub(super) call: usize,
}

impl Answer {
    pub(super) fn delay(&self) -> Option<Duration> {
        match self.decision {
            Decision::RetryAfter(delay) => Some(delay),
            Decision::GiveUp => None,
        }
    }
}

/// What a trial came to.
pub(super) struct Run<'a, P> {
    trial: &'a Trial,
    pub(super) entries: Vec<Entry>,
    pub(super) answers: Vec<Answer>,
    pub(super) panic: Option<Panic>,
    /// The policy, as all this has left it.
    pub(super) policy: Rc<RefCell<P>>,
}

/// The end of a run whose policy could not take it.
pub(super) struct Panic {
    pub(super) message: String,
    /// What the policy was asked, unless it was not asked for a decision.
    pub(super) attempt: Option<Attempt>,
}

impl Trial {
    pub(super) fn of(script: Script) -> Self {
        Self { script, ..Self::default() }
    }

    pub(super) fn run<P: Policy>(&self, make: &impl Fn() -> P) -> Run<'_, P> {
        let policy = Rc::new(RefCell::new(make()));
        let notes = Rc::new(RefCell::new(Notes::default()));
        let witness = Witness {
            policy: Rc::clone(&policy),
            premise: &self.premise,
            notes: Rc::clone(&notes),
        };
        let seed = Seed::new(self.seed);
        let mut machine = Machine::new(Config::default(), witness, seed, Instant::ORIGIN);
        let mut player = Player::default();
        let mut entries = Vec::with_capacity(self.script.lines().len());
        let mut panic = None;
        for line in self.script.lines() {
            notes.borrow_mut().call = entries.len();
            match catch(|| player.play(&mut machine, *line)) {
                Ok(entry) => entries.push(entry),
                Err(message) => {
                    panic = Some(Panic { message, attempt: notes.borrow().asked });
                    break;
                }
            }
        }
        let answers = std::mem::take(&mut notes.borrow_mut().answers);
        Run { trial: self, entries, answers, panic, policy }
    }
}

impl<P> Run<'_, P> {
    /// The delays in order, until the policy gave up.
    pub(super) fn delays(&self) -> impl Iterator<Item = Duration> + '_ {
        self.answers.iter().map_while(Answer::delay)
    }

    /// What was answered in this call, if anything was asked.
    pub(super) fn answer_in(&self, call: usize) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.call == call)
    }

    /// This run, up to and with `call`, as the evidence that `law` is broken.
    pub(super) fn breaks(
        mut self,
        law: Law,
        call: usize,
        asked: Option<Attempt>,
        expected: String,
        found: String,
    ) -> Counterexample {
        self.entries.truncate(call.saturating_add(1));
        let lines: Vec<Line> = self.trial.script.lines().to_vec();
        let played = self.entries.len() + usize::from(self.panic.is_some());
        let trial = Trial {
            script: lines.into_iter().take(played).collect(),
            premise: self.trial.premise.clone(),
            seed: self.trial.seed,
        };
        Counterexample::new(law, trial, self.entries, asked, expected, found)
    }
}

/// Answers what `act` does, or the message of its panic.
pub(super) fn catch<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|payload: Box<dyn Any + Send>| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        text.unwrap_or_else(|| "a panic without a message".to_owned())
    })
}

/// What is written down while the machine asks.
#[derive(Default)]
struct Notes {
    answers: Vec<Answer>,
    call: usize,
    /// A question that is not answered yet.
    asked: Option<Attempt>,
}

/// The policy under trial, looked over the shoulder.
struct Witness<'a, P> {
    policy: Rc<RefCell<P>>,
    premise: &'a Premise,
    notes: Rc<RefCell<Notes>>,
}

impl<P: Policy> Policy for Witness<'_, P> {
    fn decide(&mut self, seen: &Attempt) -> Decision {
        let attempt = self.premise.applied_to(seen);
        self.notes.borrow_mut().asked = Some(attempt);
        let mut policy = self.policy.borrow_mut();
        let decision = policy.decide(&attempt);
        let bounds = policy.bounds();
        let mut notes = self.notes.borrow_mut();
        notes.asked = None;
        let call = notes.call;
        notes.answers.push(Answer { attempt, decision, bounds, call });
        decision
    }

    fn reset(&mut self) {
        self.policy.borrow_mut().reset();
    }

    fn classify(&self, failure: Failure) -> Verdict {
        match (self.policy.borrow().classify(failure), self.premise.pace) {
            (Verdict::Retry(_), Some(pace)) => Verdict::Retry(pace),
            (verdict, _) => verdict,
        }
    }

    fn bounds(&self) -> Bounds {
        self.policy.borrow().bounds()
    }
}
