use core::time::Duration;

use super::{Attempt, BackoffBuilder, Bounds, Decision, Jitter, Pace, Policy};
use crate::{rng::spread, time::Nanos};

/// Capped exponential backoff with jitter: integers only, saturating, stateless.
///
/// The ceiling of the n-th retry is `base × factorⁿ⁻¹`, at most the cap. The delay is drawn at
/// random between the floor and the ceiling (see [`Jitter`]), also once the ceiling is at the cap.
/// For the first retry after the loss of a connection the ceiling is `first` (RFC 6455 §7.2.3 wants
/// it random, and more widely spread than the next). When many clients were dropped together
/// ([`Pace::Spread`]), the ceilings start at `spread`. After a server's `Retry-After`, the delay that
/// is added to it is spread over at least an eighth of it, so that clients that were told the same do
/// not return together.
///
/// It holds no state, so many clients can share one: `&Backoff` is a policy, too.
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
    pub(super) bounds: Bounds,
    pub(super) base: Nanos,
    pub(super) first: Nanos,
    pub(super) spread: Nanos,
    pub(super) factor_percent: u32,
    /// How many ceilings below the cap there are, each twice the one before; none if they grow
    /// in another way.
    pub(super) doublings: u32,
    pub(super) jitter: Jitter,
    pub(super) max_retries: Option<u32>,
    /// [`Nanos::FOREVER`] if there is no limit.
    pub(super) max_elapsed: Nanos,
}

impl Backoff {
    /// A builder that holds the defaults.
    pub fn builder() -> BackoffBuilder {
        BackoffBuilder::default()
    }

    /// For thousands of clients that one service drops at once: the defaults with a cap of 20 s, so
    /// that the last are back sooner, for about one more dial each. `docs/storm.md` has figures.
    pub fn fleet() -> Self {
        let default = Self::default();
        // As many doublings are below this cap as below the default one.
        let cap = Nanos::from_millis(20_000);
        Self { bounds: Bounds { cap, ..default.bounds }, ..default }
    }

    /// A builder that holds this policy.
    pub fn to_builder(&self) -> BackoffBuilder {
        BackoffBuilder {
            base: self.base.duration(),
            first: self.first.duration(),
            spread: self.spread.duration(),
            factor_percent: self.factor_percent,
            floor: self.bounds.floor(),
            cap: self.bounds.cap(),
            jitter: self.jitter,
            max_retries: self.max_retries,
            max_elapsed: (self.max_elapsed != Nanos::FOREVER).then(|| self.max_elapsed.duration()),
            retry_after_cap: self.bounds.retry_after_cap(),
        }
    }

    /// The shortest and the longest delay possible for `attempt`, regardless of `Retry-After` and
    /// limits.
    pub fn range(&self, attempt: &Attempt) -> (Duration, Duration) {
        let (low, high) = self.range_nanos(attempt);
        (low.duration(), high.duration())
    }

    /// The delay of the `number`-th retry in a row at a normal pace, after a dial that failed:
    /// what [`decide`](Policy::decide) answers to [`Attempt::new`], limits and `Retry-After`
    /// aside, in nanoseconds. For looking at how delays are spread.
    ///
    /// ```
    /// use steadfast::Backoff;
    ///
    /// let backoff = Backoff::default();
    /// assert_eq!(backoff.draw_nanos(3, 0), 100_000_000);
    /// assert_eq!(backoff.draw_nanos(3, u64::MAX), 2_000_000_000);
    /// ```
    #[inline]
    pub fn draw_nanos(&self, number: u32, entropy: u64) -> u64 {
        // Between the floor and the cap already, as `build` has checked base and first to be.
        let high = self.ceiling(number, Nanos(0));
        let low = self.low(high).max(self.bounds.floor);
        spread(low.0, high.0, entropy)
    }

    #[inline]
    fn range_nanos(&self, attempt: &Attempt) -> (Nanos, Nanos) {
        let (floor, cap) = (self.bounds.floor, self.bounds.cap);
        let steps = match attempt.pace {
            Pace::StepsUp(steps) => attempt.number.saturating_add(steps.into()),
            _ => attempt.number,
        };
        let ceiling = if steps <= 1 && attempt.uptime.is_some() {
            self.first
        } else {
            self.ceiling(steps, Nanos::saturating_from(attempt.previous_delay))
        };
        let (ceiling, floor) = match attempt.pace {
            Pace::Twice => (ceiling.saturating_mul(2), floor.saturating_mul(2)),
            Pace::StepsUp(steps) if self.jitter == Jitter::Decorrelated => {
                (ceiling.max(self.compounded(self.base, steps.into())), floor)
            }
            Pace::Normal | Pace::StepsUp(_) | Pace::Spread => (ceiling, floor),
        };
        let ceiling = ceiling.min(cap);
        let high = ceiling.max(self.least_ceiling(attempt).min(cap));
        (self.low(ceiling).max(floor).min(high), high)
    }

    /// Over how long clients that failed alike should be spread. Those that were told the same
    /// `Retry-After` are many, the more so the longer it is.
    fn least_ceiling(&self, attempt: &Attempt) -> Nanos {
        let told = Nanos(self.bounds.asked_for(attempt.failure).0 / 8);
        match attempt.pace {
            Pace::Spread => {
                told.max(self.compounded(self.spread, attempt.number.saturating_sub(1)))
            }
            Pace::Normal | Pace::StepsUp(_) | Pace::Twice => told,
        }
    }

    /// The longest delay of the `number`-th retry in a row.
    #[inline]
    fn ceiling(&self, number: u32, previous_delay: Nanos) -> Nanos {
        let n = number.saturating_sub(1);
        if n < self.doublings {
            return Nanos(self.base.0 << n);
        }
        match (self.jitter, self.factor_percent) {
            (Jitter::Decorrelated, _) => {
                previous_delay.max(self.base).saturating_mul(3).min(self.bounds.cap)
            }
            (_, 200) => self.bounds.cap,
            _ => self.compounded(self.base, n),
        }
    }

    /// The shortest delay below a ceiling, the floor aside.
    #[inline]
    fn low(&self, ceiling: Nanos) -> Nanos {
        match self.jitter {
            Jitter::Full => self.bounds.floor,
            _ => self.unusual_low(ceiling),
        }
    }

    // Apart, so that the usual jitter costs one comparison and no jump table.
    #[inline(never)]
    fn unusual_low(&self, ceiling: Nanos) -> Nanos {
        match self.jitter {
            Jitter::Full => self.bounds.floor,
            Jitter::Equal => Nanos(ceiling.0 / 2),
            Jitter::Decorrelated if self.base < ceiling => self.base,
            Jitter::Decorrelated => self.bounds.floor,
            Jitter::None => ceiling,
        }
    }

    /// `min(cap, start × factorⁿ)`. Apart, so that the usual doubling need not pay for saving
    /// registers across the 128-bit division.
    #[inline(never)]
    fn compounded(&self, start: Nanos, n: u32) -> Nanos {
        let mut grown = start.min(self.bounds.cap);
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
        Nanos(spread(low.0, high.0, attempt.entropy))
    }

    #[inline]
    fn decision(&self, attempt: &Attempt) -> Decision {
        if self.max_retries.is_some_and(|most| attempt.number > most) {
            return Decision::GiveUp;
        }
        let delay = self.delay(attempt);
        if self.max_elapsed != Nanos::FOREVER {
            let wait = delay.saturating_add(self.bounds.asked_for(attempt.failure));
            if Nanos::saturating_from(attempt.elapsed).saturating_add(wait) > self.max_elapsed {
                return Decision::GiveUp;
            }
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
        let (base, cap) = (Nanos::from_millis(500), Nanos::from_millis(30_000));
        Self {
            bounds: Bounds { floor: Nanos::from_millis(100), cap, ..Bounds::default() },
            base,
            first: Nanos::from_millis(1_000),
            spread: Nanos::from_millis(5_000),
            factor_percent: 200,
            doublings: doublings(base, cap),
            jitter: Jitter::Full,
            max_retries: None,
            max_elapsed: Nanos::FOREVER,
        }
    }
}

/// How many of `base`, `2 × base`, `4 × base` and so on are at most `cap`.
pub(super) fn doublings(base: Nanos, cap: Nanos) -> u32 {
    let most = cap.0.checked_div(base.0).unwrap_or(0);
    u64::BITS.saturating_sub(most.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Quick to fail where the tests of many more retries would take for ever.
    #[test]
    fn a_ceiling_grows_by_the_factor_until_it_meets_the_cap() {
        let backoff = Backoff::builder().with_factor_percent(150).build().unwrap();
        let grown = |n| backoff.compounded(Nanos::from_millis(500), n);
        assert_eq!([0, 1, 2, 11].map(grown), [500, 750, 1_125, 30_000].map(Nanos::from_millis));
    }
}
