//! What is wrong with chaos as it was written, and where.

use std::{fmt, ops::Range};

use super::span::NoSpan;

/// What is wrong, and where. It shows the text with the part underlined.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChaosError {
    text: String,
    /// In bytes.
    part: Range<usize>,
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("a fault is missing; there are drop, rst, stall, mute, close, refuse")]
    NoFault,
    #[error("there is no such fault; there are drop, rst, stall, mute, close, refuse")]
    UnknownFault,
    #[error("it needs a value, as in {0}")]
    NoValue(&'static str),
    #[error("it must be told when to happen: {0}@1% at each message, {0}@30s after each 30 s")]
    NoWhen(String),
    #[error("this is neither a chance, such as 5%, nor a duration, such as 30s")]
    When,
    #[error("this is not a chance: from 0% to 100%, with at most four decimals")]
    Chance,
    #[error("this is not a duration such as 500ms or 2s: {0}")]
    Duration(NoSpan),
    #[error("this code cannot be sent; those that can are 1000-1003, 1007-1014 and 3000-4999")]
    CloseCode,
    #[error("this is not an HTTP status that refuses, from 300 to 599")]
    Status,
    #[error("this is not the name of an HTTP header")]
    HeaderName,
    #[error("this header is the server's own")]
    OwnHeader,
    #[error("a header needs a value, as in retry-after=7")]
    NoHeaderValue,
    #[error("this is not the value of an HTTP header")]
    HeaderValue,
    #[error("the second quotation mark is missing")]
    OpenQuote,
    #[error("a comma or the end was expected here")]
    Unexpected,
}

impl ChaosError {
    pub(super) fn new(text: &str, part: Range<usize>, problem: Problem) -> Self {
        Self { text: text.to_owned(), part, problem }
    }

    #[cfg(test)]
    pub(super) fn part(&self) -> (&str, &Problem) {
        (&self.text[self.part.clone()], &self.problem)
    }
}

impl std::error::Error for ChaosError {}

impl fmt::Display for ChaosError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, part, problem } = self;
        let before = text[..part.start].chars().count();
        let marked = text[part.clone()].chars().count().max(1);
        write!(f, "{problem}\n\n  {text}\n  {:before$}{:^<marked$}", "", "")
    }
}
