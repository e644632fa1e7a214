//! The evidence that a policy breaks a law, for people to read.

use std::{error::Error, fmt, time::Duration};

use super::{
    Law,
    trial::{Premise, Trial},
};
use crate::{
    Attempt, Pace, Seed,
    testing::strategies::Script,
    trace::{Entry, Timeline},
};

/// A policy that breaks a [`Law`], and the shortest way found to see it: what was expected, what
/// was found, and the calls of a machine with that policy up to the point where it goes wrong.
///
/// `Debug` says the same as `Display`, so that `.unwrap()` in a test reads well.
///
/// ```
/// use steadfast::{Attempt, Decision, testing::check_policy};
///
/// let eager = || |_: &Attempt| Decision::RetryAfter(std::time::Duration::from_secs(1));
/// let counterexample = check_policy(eager).unwrap_err();
/// assert!(!counterexample.expected().is_empty());
/// println!("{counterexample}"); // with the timeline that shows it
/// ```
#[derive(Clone, PartialEq)]
pub struct Counterexample(Box<Evidence>);

#[derive(Clone, PartialEq)]
struct Evidence {
    law: Law,
    trial: Trial,
    entries: Vec<Entry>,
    asked: Option<Attempt>,
    expected: String,
    found: String,
}

/// A longer table has its middle left out.
const LONGEST_TABLE: usize = 24;

impl Counterexample {
    pub(super) fn new(
        law: Law,
        trial: Trial,
        entries: Vec<Entry>,
        asked: Option<Attempt>,
        expected: String,
        found: String,
    ) -> Self {
        Self(Box::new(Evidence { law, trial, entries, asked, expected, found }))
    }

    /// The law that is broken.
    pub fn law(&self) -> Law {
        self.0.law
    }

    /// What the law demands here, with units.
    pub fn expected(&self) -> &str {
        &self.0.expected
    }

    /// What the policy did instead, with units.
    pub fn found(&self) -> &str {
        &self.0.found
    }

    /// The question that was answered wrong, if it is one that the policy decides.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.0.asked.as_ref()
    }

    /// The seed of the machine.
    pub fn seed(&self) -> Seed {
        Seed::new(self.0.trial.seed)
    }

    /// What happened to the machine, to be played again.
    pub fn script(&self) -> &Script {
        &self.0.trial.script
    }

    /// The calls of the machine, up to the one that goes wrong; a call in which the policy panicked
    /// has no entry.
    pub fn entries(&self) -> &[Entry] {
        &self.0.entries
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Evidence { law, trial, entries, asked, expected, found } = &*self.0;
        writeln!(f, "the policy breaks the law {law:?}")?;
        writeln!(f, "  law       {law}")?;
        writeln!(f, "  expected  {expected}")?;
        writeln!(f, "  found     {found}")?;
        if let Some(attempt) = asked {
            writeln!(f, "  asked     {}", Question(attempt))?;
        }
        if trial.premise != Premise::default() {
            writeln!(f, "  told      {}", Told(&trial.premise))?;
        }
        writeln!(f, "  seed      {}", trial.seed)?;
        write_table(f, entries)
    }
}

impl fmt::Debug for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Counterexample {}

fn write_table(f: &mut fmt::Formatter<'_>, entries: &[Entry]) -> fmt::Result {
    let table = Timeline(entries).to_string();
    let left_out = entries.len().saturating_sub(LONGEST_TABLE);
    // The heading is the first line.
    let first = 1 + LONGEST_TABLE / 2;
    for (number, line) in table.lines().enumerate() {
        if left_out > 0 && number == first {
            write!(f, "\n… {left_out} more calls …")?;
        }
        if left_out == 0 || number < first || number >= first + left_out {
            write!(f, "\n{line}")?;
        }
    }
    Ok(())
}

/// A question to a policy, in words.
struct Question<'a>(&'a Attempt);

impl fmt::Display for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Attempt { number, elapsed, failure, pace, previous_delay, uptime, entropy } = *self.0;
        write!(f, "retry {number} ({failure})")?;
        write!(f, ", {} after the trouble began", Exact(elapsed))?;
        if !previous_delay.is_zero() {
            write!(f, ", previous delay {}", Exact(previous_delay))?;
        }
        if let Some(uptime) = uptime {
            write!(f, ", uptime {}", Exact(uptime))?;
        }
        if pace != Pace::Normal {
            write!(f, ", pace {pace:?}")?;
        }
        write!(f, ", entropy {entropy:#x}")
    }
}

/// What the policy was told in place of what the machine saw.
struct Told<'a>(&'a Premise);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Premise { failures, elapsed, previous_delay, uptime, pace, entropy } = self.0;
        let mut told = Vec::new();
        if *failures > 0 {
            told.push(format!("{failures} more failures before"));
        }
        if !elapsed.is_zero() {
            told.push(format!("{} more since the trouble began", Exact(*elapsed)));
        }
        told.extend(previous_delay.map(|delay| format!("a previous delay of {}", Exact(delay))));
        told.extend(uptime.map(|uptime| format!("an uptime of {}", Exact(uptime))));
        told.extend(pace.map(|pace| format!("the pace {pace:?}")));
        told.extend(entropy.map(|entropy| format!("the entropy {entropy:#x}")));
        write!(f, "{}, in place of what the machine saw", told.join(", "))
    }
}

/// A duration to the nanosecond, in a unit that suits it.
pub(super) struct Exact(pub(super) Duration);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:?}", self.0);
        let unit = text.find(char::is_alphabetic).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit);
        write!(f, "{number} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_told_to_the_nanosecond() {
        let told = |nanos| Exact(Duration::from_nanos(nanos)).to_string();
        assert_eq!(told(0), "0 ns");
        assert_eq!(told(1_500), "1.5 µs");
        assert_eq!(told(99_999_999), "99.999999 ms");
        assert_eq!(told(1_450_200_000_000), "1450.2 s");
        assert_eq!(Exact(Duration::MAX).to_string(), "18446744073709551615.999999999 s");
    }
}
