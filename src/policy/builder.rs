use core::time::Duration;

use super::{
    Bounds, Jitter,
    backoff::{Backoff, doublings},
};
use crate::{
    ConfigError,
    error::{fits, positive},
    time::Nanos,
};

/// Builds a [`Backoff`].
///
/// ```
/// use core::time::Duration;
/// use steadfast::Backoff;
///
/// let builder = Backoff::builder().with_cap(Duration::from_secs(10)).with_max_retries(5);
/// assert_eq!(builder.base, Duration::from_millis(500)); // the default
/// let backoff: Backoff = builder.build()?;
/// # Ok::<(), steadfast::ConfigError>(())
/// ```
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
    /// The minimum ceiling of the first retry after many clients were dropped together
    /// ([`Pace::Spread`](crate::Pace::Spread)); it grows like `base` with each retry. Zero keeps the
    /// normal pace. Default 5 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub spread: Duration,
    /// How much the ceiling grows with each retry, in percent: 200 doubles it, 100 keeps it.
    /// Default 200.
    pub factor_percent: u32,
    /// The shortest delay, at least 1 ms. Default 100 ms.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub floor: Duration,
    /// The longest delay. Default 30 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub cap: Duration,
    /// How the delay is drawn at random below the ceiling. Default [`Jitter::Full`].
    pub jitter: Jitter,
    /// Give up after this many retries in a row; `None` never does. Default `None`.
    pub max_retries: Option<u32>,
    /// Give up rather than schedule a retry for later than this after the start, or after the loss
    /// of the last stable connection; `None` is no limit. A retry that was scheduled, but is held up
    /// by a missing network, a suspended driver or a server that spreads its clients, is still
    /// dialed. Default `None`.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration::option"))]
    pub max_elapsed: Option<Duration>,
    /// The longest `Retry-After`, or request to spread clients, that is obeyed; a longer one is cut
    /// to this, and zero ignores both. Default 5 min.
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

    /// Sets [`spread`](Self::spread).
    #[must_use]
    pub fn with_spread(mut self, spread: Duration) -> Self {
        self.spread = spread;
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
    /// Names the first invalid field: a zero or overflowing duration, a floor below 1 ms or above
    /// the cap, a base or first outside them, a factor below 100 percent.
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
        let base = within("base", self.base)?;
        Ok(Backoff {
            base,
            first: within("first", self.first)?,
            spread: fits("spread", self.spread)?,
            factor_percent: self.factor_percent,
            doublings: match self.jitter {
                Jitter::Full | Jitter::Equal | Jitter::None if self.factor_percent == 200 => {
                    doublings(base, bounds.cap)
                }
                _ => 0,
            },
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
