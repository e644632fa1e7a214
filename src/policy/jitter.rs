/// How the delay is drawn below the ceiling.
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Attempt, Backoff, FailureKind, Jitter};
///
/// let equal = Backoff::builder().with_jitter(Jitter::Equal).build()?;
/// let third = Attempt::new(3, FailureKind::Refused, 0);
/// assert_eq!(equal.range(&third), (Duration::from_secs(1), Duration::from_secs(2)));
/// # Ok::<(), steadfast::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Jitter {
    /// Anywhere between the floor and the ceiling. The default: it spreads a fleet best.
    #[default]
    Full,
    /// Between half the ceiling and the ceiling.
    Equal,
    /// Between the base and three times the previous delay, at most the cap. The factor plays a
    /// part only when the failure asks for a slower pace.
    Decorrelated,
    /// The ceiling itself, unless the failure asks for a spread ([`Pace::Spread`](crate::Pace::Spread)). Clients that
    /// fail together return together: for tests and for a client that is alone.
    None,
}
