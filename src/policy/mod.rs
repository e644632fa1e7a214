//! When to try again: the trait, the built-in [`Backoff`], and the failure table.

mod backoff;
mod bounds;
mod builder;
mod classify;
mod jitter;

use core::time::Duration;

pub use backoff::Backoff;
pub use bounds::Bounds;
pub use builder::BackoffBuilder;
pub use classify::{Pace, Verdict, WithClassifier, classify};
pub use jitter::Jitter;

use crate::Failure;

/// Decides how long to wait before the next dial, or to give up.
///
/// The machine asks once for each failure, after [`classify`](Self::classify) has said that
/// another attempt makes sense. It keeps the answer within [`bounds`](Self::bounds) and adds to it
/// what a server asks for ([`Failure::retry_after`], [`Failure::spread_over`]), so a policy need not
/// look at that. It adds no jitter: use
/// [`Attempt::entropy`] for that, and [`Attempt::pace`] to go slower when the failure asks for it.
///
/// A closure is a policy:
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Attempt, Config, Decision, Instant, Machine, Seed};
///
/// let thrice_each_second = |attempt: &Attempt| match attempt.number {
///     1..=3 => Decision::RetryAfter(Duration::from_secs(1)),
///     _ => Decision::GiveUp,
/// };
/// let machine =
///     Machine::new(Config::default(), thrice_each_second, Seed::new(1), Instant::ORIGIN);
/// ```
pub trait Policy {
    /// What to do after the failure in `attempt`.
    fn decide(&mut self, attempt: &Attempt) -> Decision;

    /// The connection was stable, or the application has started it again: forget what was learnt
    /// from earlier failures.
    fn reset(&mut self) {}

    /// Whether another attempt makes sense after this failure. By default the table of
    /// [`classify()`].
    fn classify(&self, failure: Failure) -> Verdict {
        classify(failure)
    }

    /// The bounds to which the machine clamps the delays of [`decide`](Self::decide). By default
    /// [`Bounds::default`].
    fn bounds(&self) -> Bounds {
        Bounds::default()
    }

    /// This policy with another classifier, which may fall back on [`classify()`].
    ///
    /// ```
    /// use steadfast::{Backoff, CloseCode, FailureKind, Policy, Verdict, classify};
    ///
    /// // Our server says 4000 when the account is gone.
    /// let policy = Backoff::default().with_classifier(|failure| match failure.kind() {
    ///     FailureKind::Closed(code) if code == CloseCode::new(4000) => Verdict::Stop,
    ///     _ => classify(failure),
    /// });
    /// assert_eq!(policy.classify(FailureKind::Refused.into()), classify(FailureKind::Refused.into()));
    /// ```
    fn with_classifier<F>(self, classifier: F) -> WithClassifier<Self, F>
    where
        Self: Sized,
        F: Fn(Failure) -> Verdict,
    {
        WithClassifier::new(self, classifier)
    }
}

impl<F: FnMut(&Attempt) -> Decision> Policy for F {
    fn decide(&mut self, attempt: &Attempt) -> Decision {
        self(attempt)
    }
}

/// A policy's answer.
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Attempt, Decision};
///
/// let patient = |attempt: &Attempt| match attempt.number {
///     ..=10 => Decision::RetryAfter(Duration::from_secs(60)),
///     _ => Decision::GiveUp,
/// };
/// # let _ = patient;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Decision {
    /// Dial after this long, and as much later as a server's `Retry-After` asks for.
    RetryAfter(#[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))] Duration),
    /// Do not dial again.
    GiveUp,
}

/// What a policy knows when it is asked.
///
/// ```
/// use steadfast::{Attempt, Backoff, Decision, FailureKind, Policy};
///
/// let mut attempt = Attempt::new(3, FailureKind::Refused, 42);
/// attempt.pace = steadfast::Pace::Twice;
/// let (least, most) = Backoff::default().range(&attempt);
/// let decision = Backoff::default().decide(&attempt);
/// assert!(matches!(decision, Decision::RetryAfter(delay) if least <= delay && delay <= most));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Attempt {
    /// The number of the retry in question: 1 for the first since the link was last stable.
    /// Saturates.
    pub number: u32,
    /// The time since the start, or since the loss of the last stable connection.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub elapsed: Duration,
    /// What happened.
    pub failure: Failure,
    /// How much slower than usual to go: the highest pace that the classifier has asked for since
    /// the link was last stable.
    pub pace: Pace,
    /// The delay that was decided for the attempt that failed, a server's `Retry-After` aside; zero
    /// if there was none.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub previous_delay: Duration,
    /// How long the connection that was lost had been open; `None` if dialing failed.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration::option"))]
    pub uptime: Option<Duration>,
    /// 64 random bits, fresh for each attempt.
    pub entropy: u64,
}

impl Attempt {
    /// The `number`-th retry in a row at a normal pace, at once, after a dial that failed with
    /// `failure`; the other fields can be set.
    pub fn new(number: u32, failure: impl Into<Failure>, entropy: u64) -> Self {
        Self {
            number,
            elapsed: Duration::ZERO,
            failure: failure.into(),
            pace: Pace::Normal,
            previous_delay: Duration::ZERO,
            uptime: None,
            entropy,
        }
    }
}
