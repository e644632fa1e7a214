use std::{fmt, io};

use super::{Entry, Timeline};

/// Why a file is not a trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// It cannot be read.
    #[error("the trace cannot be read: {0}")]
    Read(io::Error),
    /// There is nothing in it.
    #[error("the trace is empty")]
    Empty,
    /// The first line does not say how the machine was made.
    #[error("line 1 is not the head of a trace: {}", InLine(.0))]
    Header(serde_json::Error),
    /// It is written in another version of the format.
    #[error("the trace has version {found}, and only version {known} is understood")]
    Version {
        /// The version of the trace.
        found: u32,
        /// The version that is understood.
        known: u32,
    },
    /// A line is not a call of a machine.
    #[error("line {line} is not a call of a machine: {}", InLine(error))]
    Entry {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A line is longer than any that a recorder writes.
    #[error("line {line} is longer than {most} bytes")]
    TooLong {
        /// Its number, from 1.
        line: usize,
        /// How long it may be.
        most: u64,
    },
}

/// What is wrong with a line that was parsed by itself: of its position only the column counts.
struct InLine<'a>(&'a serde_json::Error);

impl fmt::Display for InLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, column) = (self.0.to_string(), self.0.column());
        match text.strip_suffix(&format!(" at line {} column {column}", self.0.line())) {
            Some(what) => write!(f, "{what}, at column {column}"),
            None => f.write_str(&text),
        }
    }
}

/// Why a trace could not be replayed to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The policy was not recorded.
    #[error("the trace has no policy: replay it with the one that was recorded")]
    NoPolicy,
    /// The recorded policy is another one.
    #[error("the policy of the trace is another one: {0}")]
    Policy(serde_json::Error),
    /// The machine does not do what the recorded one did.
    #[error(transparent)]
    Difference(Box<Difference>),
}

/// The first call in which a machine does not do what the recorded one did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct Difference {
    /// The line of the trace, from 1.
    pub line: usize,
    /// The calls before.
    pub before: Vec<Entry>,
    /// The recorded call.
    pub expected: Entry,
    /// What the machine makes of it.
    pub actual: Entry,
}

/// How many of the calls before are worth showing.
const SHOWN: usize = 5;

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, before, expected, actual } = self;
        writeln!(f, "line {line} is answered differently")?;
        let shown = &before[before.len().saturating_sub(SHOWN)..];
        write!(f, "{}", Timeline(shown))?;
        let (mut recorded, mut replayed) = (expected.to_string(), actual.to_string());
        // A table for people rounds, and what it rounds away may be the difference.
        if recorded == replayed {
            (recorded, replayed) = (format!("{expected:?}"), format!("{actual:?}"));
        }
        writeln!(f, "expected: {recorded}")?;
        write!(f, "actual:   {replayed}")
    }
}
