//! How long something takes, or after how long it happens again.

use std::{fmt, str::FromStr, time::Duration};

/// From a millisecond to a day: neither a busy loop nor beyond what a clock can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(Duration);

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum NoSpan {
    #[error("{0}")]
    NotADuration(#[from] humantime::DurationError),
    #[error("it must be from 1ms to 24h")]
    OutOfRange,
}

impl Span {
    const SHORTEST: Duration = Duration::from_millis(1);
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    pub(crate) const fn get(self) -> Duration {
        self.0
    }
}

impl TryFrom<Duration> for Span {
    type Error = NoSpan;

    fn try_from(duration: Duration) -> Result<Self, NoSpan> {
        let is_in_range = (Self::SHORTEST..=Self::LONGEST).contains(&duration);
        is_in_range.then_some(Self(duration)).ok_or(NoSpan::OutOfRange)
    }
}

impl FromStr for Span {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Self, NoSpan> {
        crate::args::duration(text)?.try_into()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&humantime::format_duration(self.0).to_string().replace(' ', ""))
    }
}
