use core::time::Duration;

use crate::{
    ConfigError, Failure,
    error::{fits, positive},
    time::Nanos,
};

/// The bounds to which the machine clamps a policy's delays. The floor is at least 1 ms, so that no
/// policy can make a hot loop.
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Bounds, Failure, FailureKind};
///
/// let bounds = Bounds::new(Duration::from_millis(200), Duration::from_secs(10))?;
/// let busy = Failure::from(FailureKind::Http(503)).with_retry_after(Duration::from_secs(7));
/// assert_eq!(bounds.earliest(busy), Duration::from_secs(7));
/// assert_eq!(bounds.earliest(FailureKind::Refused.into()), Duration::from_millis(200));
/// # Ok::<(), steadfast::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    pub(crate) floor: Nanos,
    pub(crate) cap: Nanos,
    pub(crate) retry_after_cap: Nanos,
}

impl Bounds {
    /// The least floor there can be.
    pub const MIN_FLOOR: Duration = Duration::from_millis(1);

    /// Delays between `floor` and `cap`, and `Retry-After` obeyed up to 5 minutes.
    ///
    /// # Errors
    ///
    /// If `floor` is below [`MIN_FLOOR`](Self::MIN_FLOOR) or above `cap`, or one is zero or
    /// longer than 584 years.
    pub fn new(floor: Duration, cap: Duration) -> Result<Self, ConfigError> {
        let bounds = Self {
            floor: positive("floor", floor)?,
            cap: positive("cap", cap)?,
            ..Self::default()
        };
        if floor < Self::MIN_FLOOR {
            return Err(ConfigError::TooShort { field: "floor", minimum: Self::MIN_FLOOR });
        }
        if floor > cap {
            return Err(ConfigError::FloorAboveCap { floor, cap });
        }
        Ok(bounds)
    }

    /// With a server's `Retry-After`, or its wish to spread its clients, obeyed up to this long;
    /// zero ignores both.
    ///
    /// # Errors
    ///
    /// If it is longer than 584 years.
    pub fn with_retry_after_cap(mut self, cap: Duration) -> Result<Self, ConfigError> {
        self.retry_after_cap = fits("retry_after_cap", cap)?;
        Ok(self)
    }

    /// The least delay.
    pub const fn floor(self) -> Duration {
        self.floor.duration()
    }

    /// The greatest delay, when the server did not ask for more.
    pub const fn cap(self) -> Duration {
        self.cap.duration()
    }

    /// Up to how long a server's `Retry-After`, or its wish to spread its clients, is obeyed.
    pub const fn retry_after_cap(self) -> Duration {
        self.retry_after_cap.duration()
    }

    /// The soonest that a dial may follow `failure`: the floor or the server's wish, clamped.
    pub fn earliest(self, failure: Failure) -> Duration {
        self.earliest_nanos(failure).duration()
    }

    /// The longest that a dial may be put off after `failure`: the cap, or the server's wish,
    /// clamped, and the cap on top of it.
    pub fn latest(self, failure: Failure) -> Duration {
        self.latest_nanos(failure).duration()
    }

    #[inline]
    pub(crate) fn earliest_nanos(self, failure: Failure) -> Nanos {
        self.asked_for(failure).max(self.floor)
    }

    #[inline]
    pub(crate) fn latest_nanos(self, failure: Failure) -> Nanos {
        self.most_asked_for(failure).saturating_add(self.cap)
    }

    /// How long the server wants every client to stay away, clamped.
    #[inline]
    pub(crate) fn asked_for(self, failure: Failure) -> Nanos {
        self.clamped(failure.retry_after())
    }

    /// Over how long to spread because the server wants it, clamped. A sixteenth more than it said:
    /// clients that come exactly as fast as they can be served overflow the queue by chance.
    #[inline]
    pub(crate) fn spread_over(self, failure: Failure) -> Nanos {
        let wish = failure.spread_over();
        self.clamped(wish.map(|over| over.saturating_add(over / 16)))
    }

    /// By how much the server's wish may put a dial off.
    #[inline]
    pub(crate) fn most_asked_for(self, failure: Failure) -> Nanos {
        self.asked_for(failure).max(self.spread_over(failure))
    }

    #[inline]
    fn clamped(self, wish: Option<Duration>) -> Nanos {
        wish.map_or(Nanos(0), Nanos::saturating_from).min(self.retry_after_cap)
    }

    /// A policy's answer, kept between floor and cap.
    #[inline]
    pub(crate) fn keep(self, delay: Duration) -> Nanos {
        Nanos::saturating_from(delay).min(self.cap).max(self.floor)
    }
}

impl Default for Bounds {
    /// A floor of 100 ms, no cap, and `Retry-After` obeyed up to 5 minutes.
    fn default() -> Self {
        Self {
            floor: Nanos::from_millis(100),
            cap: Nanos::FOREVER,
            retry_after_cap: Nanos::from_millis(300_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureKind;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn bounds_that_no_delay_could_satisfy_are_refused_by_name() {
        let of = Bounds::new;
        assert_eq!(of(Duration::ZERO, SECOND), Err(ConfigError::Zero { field: "floor" }));
        assert_eq!(of(SECOND, Duration::ZERO), Err(ConfigError::Zero { field: "cap" }));
        assert_eq!(of(SECOND, Duration::MAX), Err(ConfigError::TooLong { field: "cap" }));
        assert_eq!(
            of(Duration::from_micros(999), SECOND),
            Err(ConfigError::TooShort { field: "floor", minimum: Duration::from_millis(1) })
        );
        assert_eq!(
            of(2 * SECOND, SECOND),
            Err(ConfigError::FloorAboveCap { floor: 2 * SECOND, cap: SECOND })
        );
        assert!(of(SECOND, SECOND).is_ok());
    }

    #[test]
    fn retry_after_is_obeyed_up_to_its_cap() {
        let bounds = Bounds::new(SECOND, 4 * SECOND).unwrap();
        let told = |wait| Failure::from(FailureKind::Http(503)).with_retry_after(wait);
        let applied = |delay, failure| {
            bounds.keep(delay).saturating_add(bounds.asked_for(failure)).duration()
        };
        assert_eq!(applied(Duration::ZERO, FailureKind::Http(503).into()), SECOND);
        assert_eq!(applied(9 * SECOND, FailureKind::Http(503).into()), 4 * SECOND);
        assert_eq!(applied(2 * SECOND, told(7 * SECOND)), 9 * SECOND);
        assert_eq!(applied(9 * SECOND, told(7 * SECOND)), 11 * SECOND);
        assert_eq!(applied(Duration::ZERO, told(7 * SECOND)), 8 * SECOND);
        assert_eq!(applied(SECOND, told(Duration::from_secs(3_600))), 301 * SECOND);
        let deaf = bounds.with_retry_after_cap(Duration::ZERO).unwrap();
        assert_eq!(deaf.earliest(told(7 * SECOND)), SECOND);
    }
}
