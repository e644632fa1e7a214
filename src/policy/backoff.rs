use core::time::Duration;

use super::{Attempt, Bounds, Decision, Pace, Policy};
use crate::{
    ConfigError,
    error::{fits, positive},
    rng::spread,
    time::Nanos,
};

/// Capped exponential backoff with jitter: integers only, saturating, stateless.
///
/// The ceiling of the n-th retry is `base × factorⁿ⁻¹`, at most the cap; the delay is drawn at
/// random below it (see [`Jitter`]), never below the floor, and still at random *at* the cap. The
/// first retry after the loss of a connection is drawn below `first` instead (RFC 6455 §7.2.3 wants
/// it random, and more widely spread than the next). A server's `Retry-After` is obeyed up to its
/// cap, with the draw on top of it, so that clients that were told the same do not return as one.
///
/// It holds no state, so a fleet can share one: `&Backoff` is a policy, too.
///
/// Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Attempt, Backoff, FailureKind};
///
/// let backoff = Backoff::builder().with_max_retries(5).build()?;
/// let second = Attempt::new(2, FailureKind::Refused, 0);
/// assert_eq!(
///     backoff.range(&second),
///     (Duration::from_millis(100), Duration::from_secs(1))
/// );
/// # Ok::<(), steadfast::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "BackoffBuilder", into = "BackoffBuilder"))]
pub struct Backoff {
    bounds: Bounds,
    base: Nanos,
    first: Nanos,
    factor_percent: u32,
    jitter: Jitter,
    max_retries: Option<u32>,
    /// [`Nanos::FOREVER`] if there is no limit.
    max_elapsed: Nanos,
}

impl Backoff {
    /// A builder that holds the defaults.
    pub fn builder() -> BackoffBuilder {
        BackoffBuilder::default()
    }

    /// A builder that holds this policy.
    pub fn to_builder(&self) -> BackoffBuilder {
        BackoffBuilder {
            base: self.base.duration(),
            first: self.first.duration(),
            factor_percent: self.factor_percent,
            floor: self.bounds.floor(),
            cap: self.bounds.cap(),
            jitter: self.jitter,
            max_retries: self.max_retries,
            max_elapsed: (self.max_elapsed != Nanos::FOREVER).then(|| self.max_elapsed.duration()),
            retry_after_cap: self.bounds.retry_after_cap(),
        }
    }

    /// The shortest and the longest delay that can be drawn for `attempt`, `Retry-After` and
    /// limits aside.
    pub fn range(&self, attempt: &Attempt) -> (Duration, Duration) {
        let (low, high) = self.range_nanos(attempt);
        (low.duration(), high.duration())
    }

    #[inline]
    fn range_nanos(&self, attempt: &Attempt) -> (Nanos, Nanos) {
        let (floor, cap) = (self.bounds.floor, self.bounds.cap);
        let high = self.ceiling(attempt);
        let low = match self.jitter {
            Jitter::Full => floor,
            Jitter::Equal => Nanos(high.0 / 2),
            Jitter::Decorrelated => self.base,
            Jitter::None => high,
        };
        let (low, high) = match attempt.pace {
            Pace::Twice => (low.saturating_mul(2), high.saturating_mul(2)),
            Pace::Spread(over) => (low, high.max(Nanos::saturating_from(over))),
            Pace::Normal | Pace::StepsUp(_) => (low, high),
        };
        let high = high.min(cap).max(floor);
        (low.min(high).max(floor), high)
    }

    #[inline]
    fn ceiling(&self, attempt: &Attempt) -> Nanos {
        let steps = match attempt.pace {
            Pace::StepsUp(steps) => attempt.number.saturating_add(steps),
            _ => attempt.number,
        };
        if steps <= 1 && attempt.uptime.is_some() {
            return self.first;
        }
        if self.jitter == Jitter::Decorrelated {
            let previous = Nanos::saturating_from(attempt.previous_delay).max(self.base);
            let steps_up = steps.saturating_sub(attempt.number);
            return previous.saturating_mul(3).max(self.grown(steps_up));
        }
        self.grown(steps.saturating_sub(1))
    }

    /// `min(cap, base × factorⁿ)`.
    #[inline]
    fn grown(&self, n: u32) -> Nanos {
        let cap = self.bounds.cap;
        match self.factor_percent {
            100 => self.base,
            200 => match cap.0.checked_shr(n) {
                Some(most) if self.base.0 <= most => Nanos(self.base.0 << n),
                _ => cap,
            },
            _ => self.compounded(n),
        }
    }

    // Apart from the usual doubling, which would otherwise pay for saving registers across the
    // 128-bit division.
    #[inline(never)]
    fn compounded(&self, n: u32) -> Nanos {
        let mut grown = self.base;
        for _ in 0..n {
            let next = u128::from(grown.0) * u128::from(self.factor_percent) / 100;
            let next = Nanos(u64::try_from(next).unwrap_or(u64::MAX)).min(self.bounds.cap);
            // Rounding down may stall a growth of less than one nanosecond.
            if next == grown {
                break;
            }
            grown = next;
        }
        grown
    }

    #[inline]
    fn delay(&self, attempt: &Attempt) -> Nanos {
        let (low, high) = self.range_nanos(attempt);
        let drawn = Nanos(spread(low.0, high.0, attempt.entropy));
        self.bounds.asked_for(attempt.failure).saturating_add(drawn)
    }

    #[inline]
    fn decision(&self, attempt: &Attempt) -> Decision {
        if self.max_retries.is_some_and(|most| attempt.number > most) {
            return Decision::GiveUp;
        }
        let delay = self.delay(attempt);
        if self.max_elapsed != Nanos::FOREVER
            && Nanos::saturating_from(attempt.elapsed).saturating_add(delay) > self.max_elapsed
        {
            return Decision::GiveUp;
        }
        Decision::RetryAfter(delay.duration())
    }
}

impl Policy for Backoff {
    #[inline]
    fn decide(&mut self, attempt: &Attempt) -> Decision {
        self.decision(attempt)
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }
}

impl Policy for &Backoff {
    #[inline]
    fn decide(&mut self, attempt: &Attempt) -> Decision {
        self.decision(attempt)
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            bounds: Bounds {
                floor: Nanos::from_millis(100),
                cap: Nanos::from_millis(30_000),
                ..Bounds::default()
            },
            base: Nanos::from_millis(500),
            first: Nanos::from_millis(1_000),
            factor_percent: 200,
            jitter: Jitter::Full,
            max_retries: None,
            max_elapsed: Nanos::FOREVER,
        }
    }
}

/// How the delay is drawn below the ceiling.
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
    /// The ceiling itself, unless the failure asks for a spread ([`Pace::Spread`]). Clients that
    /// fail together return together: for tests and for a client that is alone.
    None,
}

/// The settings of a [`Backoff`], not checked yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct BackoffBuilder {
    /// The ceiling of the first retry. Default 500 ms.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub base: Duration,
    /// The ceiling of the first retry after the loss of a connection. Default 1 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub first: Duration,
    /// How much the ceiling grows with each retry, in percent: 200 doubles it, 100 keeps it.
    /// Default 200.
    pub factor_percent: u32,
    /// The shortest delay, at least 1 ms. Default 100 ms.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub floor: Duration,
    /// The longest delay. Default 30 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub cap: Duration,
    /// How the delay is drawn below the ceiling. Default [`Jitter::Full`].
    pub jitter: Jitter,
    /// Give up after this many retries in a row; `None` never does. Default `None`.
    pub max_retries: Option<u32>,
    /// Decide for no retry that would be dialed later than this after the trouble began; `None`
    /// is no limit. A retry already decided for, but held up by a missing network or a suspended
    /// driver, still has its chance. Default `None`.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration::option"))]
    pub max_elapsed: Option<Duration>,
    /// Up to how long a server's `Retry-After` is obeyed; zero ignores it. Default 5 min.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub retry_after_cap: Duration,
}

impl BackoffBuilder {
    /// Sets [`base`](Self::base).
    #[must_use]
    pub fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets [`first`](Self::first).
    #[must_use]
    pub fn with_first(mut self, first: Duration) -> Self {
        self.first = first;
        self
    }

    /// Sets [`factor_percent`](Self::factor_percent).
    #[must_use]
    pub fn with_factor_percent(mut self, factor_percent: u32) -> Self {
        self.factor_percent = factor_percent;
        self
    }

    /// Sets [`floor`](Self::floor).
    #[must_use]
    pub fn with_floor(mut self, floor: Duration) -> Self {
        self.floor = floor;
        self
    }

    /// Sets [`cap`](Self::cap).
    #[must_use]
    pub fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets [`jitter`](Self::jitter).
    #[must_use]
    pub fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets [`max_retries`](Self::max_retries).
    #[must_use]
    pub fn with_max_retries(mut self, max_retries: impl Into<Option<u32>>) -> Self {
        self.max_retries = max_retries.into();
        self
    }

    /// Sets [`max_elapsed`](Self::max_elapsed).
    #[must_use]
    pub fn with_max_elapsed(mut self, max_elapsed: impl Into<Option<Duration>>) -> Self {
        self.max_elapsed = max_elapsed.into();
        self
    }

    /// Sets [`retry_after_cap`](Self::retry_after_cap).
    #[must_use]
    pub fn with_retry_after_cap(mut self, retry_after_cap: Duration) -> Self {
        self.retry_after_cap = retry_after_cap;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// Names the first field that cannot work: a zero or overflowing duration, a floor below 1 ms
    /// or above the cap, a base or first outside them, a factor below 100 percent.
    pub fn build(self) -> Result<Backoff, ConfigError> {
        let bounds = Bounds::new(self.floor, self.cap)?;
        let within = |field, duration| {
            let nanos = positive(field, duration)?;
            if (bounds.floor..=bounds.cap).contains(&nanos) {
                Ok(nanos)
            } else {
                Err(ConfigError::OutOfBounds { field, floor: self.floor, cap: self.cap })
            }
        };
        if self.factor_percent < 100 {
            return Err(ConfigError::FactorBelowOne { percent: self.factor_percent });
        }
        Ok(Backoff {
            base: within("base", self.base)?,
            first: within("first", self.first)?,
            factor_percent: self.factor_percent,
            jitter: self.jitter,
            max_retries: self.max_retries,
            max_elapsed: match self.max_elapsed {
                Some(limit) => fits("max_elapsed", limit)?,
                None => Nanos::FOREVER,
            },
            bounds: bounds.with_retry_after_cap(self.retry_after_cap)?,
        })
    }
}

impl Default for BackoffBuilder {
    fn default() -> Self {
        Backoff::default().to_builder()
    }
}

impl TryFrom<BackoffBuilder> for Backoff {
    type Error = ConfigError;

    fn try_from(builder: BackoffBuilder) -> Result<Self, ConfigError> {
        builder.build()
    }
}

impl From<Backoff> for BackoffBuilder {
    fn from(backoff: Backoff) -> Self {
        backoff.to_builder()
    }
}
