//! What is answered differently, and what is not.

use std::fmt::{self, Debug, Display};

use steadfast::trace::{Entry, Row};

use super::{
    timeline::seconds,
    wrap::{COLUMNS, wrapped},
};
use crate::console::{BOLD, DIM, GREEN, RED};

/// The first call in which the machine does not do what the recorded one did.
pub(super) struct Difference {
    /// The line of the file, from 1.
    pub(super) line: usize,
    pub(super) expected: Entry,
    pub(super) actual: Entry,
}

const PART: usize = 8;
const SIDE: usize = 8;
const INDENT: usize = 2 + PART + 2 + SIDE + 2;

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, expected, actual } = self;
        let [was, is] = [expected, actual].map(Row::from);
        writeln!(f, "{BOLD}line {line}{BOLD:#}, at {} s: {}\n", seconds(expected), is.event)?;
        let states = [expected, actual].map(|entry| exactly(&entry.state));
        part(f, "state", [was.state, is.state], states)?;
        let outcomes = [expected, actual].map(|entry| exactly(&entry.step.outcome));
        part(f, "outcome", outcomes.clone().map(|outcome| outcome.to_lowercase()), outcomes)?;
        let actions = [expected, actual]
            .map(|entry| entry.step.actions.iter().map(|action| exactly(&action)).collect());
        for number in 0..was.actions.len().max(is.actions.len()) {
            let of = |actions: &Vec<String>| {
                actions.get(number).map_or("nothing", String::as_str).to_owned()
            };
            let (texts, exact) = ([&was.actions, &is.actions].map(of), actions.each_ref().map(of));
            part(f, &format!("action {}", number + 1), texts, exact)?;
        }
        let wakes = [expected, actual].map(|entry| exactly(&entry.step.wake));
        part(f, "wake", [was.wake, is.wake], wakes)?;
        writeln!(f)
    }
}

fn exactly(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// Both sides of it, if they differ: in words, unless these round away what the difference is.
fn part(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    words: [String; 2],
    exact: [String; 2],
) -> fmt::Result {
    if exact[0] == exact[1] {
        return Ok(());
    }
    let texts = if words[0] == words[1] { exact } else { words };
    let [expected, actual] = texts;
    let sides = [(name, "expected", GREEN, expected), ("", "actual", RED, actual)];
    for (name, side, style, text) in sides {
        write!(f, "  {name:PART$}  {DIM}{side:SIDE$}{DIM:#}  ")?;
        for (number, line) in wrapped(&text, COLUMNS - INDENT).iter().enumerate() {
            if number > 0 {
                write!(f, "{:INDENT$}", "")?;
            }
            writeln!(f, "{style}{line}{style:#}")?;
        }
    }
    Ok(())
}
