//! The strategies of the textbooks, to compare a policy with.

use core::fmt;

use crate::{Attempt, Bounds, Decision, Policy, rng::spread, time::Nanos};

const BASE: Nanos = Nanos::from_millis(100);
const CAP: Nanos = Nanos::from_millis(30_000);

/// A strategy of the textbooks, with `ceiling(n) = min(30 s, 100 ms · 2ⁿ)` for the wait after the
/// n-th refusal in a row, counted from zero.
///
/// They know no floor but the 1 ms that every policy has, no pace and no first wait of its own:
/// clients that use one and lose their connections together are back within 100 ms.
///
/// Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Attempt, Decision, FailureKind, Policy, fleet::Textbook};
///
/// let third = Attempt::new(3, FailureKind::Refused, 0);
/// let wait = |mut strategy: Textbook| strategy.decide(&third);
/// assert_eq!(wait(Textbook::None), Decision::RetryAfter(Duration::from_millis(400)));
/// assert_eq!(wait(Textbook::Equal), Decision::RetryAfter(Duration::from_millis(200)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Textbook {
    /// The ceiling itself: clients that fail together return together.
    None,
    /// Anywhere below the ceiling: U\[0, ceiling).
    Full,
    /// At least half the ceiling: ceiling / 2 + U\[0, ceiling / 2).
    Equal,
    /// From the wait before, d: min(30 s, U\[100 ms, 3 · d)), and d = 100 ms to begin with.
    Decorrelated,
}

impl Textbook {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Full, Self::Equal, Self::Decorrelated];

    /// The name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Full => "full",
            Self::Equal => "equal",
            Self::Decorrelated => "decorrelated",
        }
    }

    fn delay(self, attempt: &Attempt) -> Nanos {
        let doublings = attempt.number.saturating_sub(1).min(u64::BITS / 2);
        let ceiling = BASE.saturating_mul(1 << doublings).min(CAP);
        let below = |low: Nanos, high: Nanos| {
            Nanos(spread(low.0, high.0.saturating_sub(1), attempt.entropy))
        };
        match self {
            Self::None => ceiling,
            Self::Full => below(Nanos(0), ceiling),
            Self::Equal => below(Nanos(ceiling.0 / 2), ceiling),
            Self::Decorrelated => {
                let previous = Nanos::saturating_from(attempt.previous_delay).max(BASE);
                below(BASE, previous.saturating_mul(3)).min(CAP)
            }
        }
    }
}

impl Policy for Textbook {
    fn decide(&mut self, attempt: &Attempt) -> Decision {
        Decision::RetryAfter(self.delay(attempt).duration())
    }

    fn bounds(&self) -> Bounds {
        Bounds { floor: Nanos::saturating_from(Bounds::MIN_FLOOR), cap: CAP, ..Bounds::default() }
    }
}

impl fmt::Display for Textbook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::FailureKind;

    /// The shortest and the longest wait after the `number`-th failure, in nanoseconds.
    fn range(strategy: Textbook, number: u32, previous: Duration) -> (u64, u64) {
        let wait = |entropy| {
            let mut attempt = Attempt::new(number, FailureKind::Refused, entropy);
            attempt.previous_delay = previous;
            strategy.delay(&attempt).0
        };
        (wait(0), wait(u64::MAX))
    }

    #[test]
    fn each_strategy_draws_from_its_textbook_interval() {
        let millis = |n: u64| n * 1_000_000;
        for (number, ceiling) in [(1, 100), (2, 200), (3, 400), (9, 25_600), (10, 30_000)] {
            let ceiling = millis(ceiling);
            let of = |strategy| range(strategy, number, Duration::ZERO);
            assert_eq!(of(Textbook::None), (ceiling, ceiling));
            assert_eq!(of(Textbook::Full), (0, ceiling - 1));
            assert_eq!(of(Textbook::Equal), (ceiling / 2, ceiling - 1));
        }
        let of = |previous| range(Textbook::Decorrelated, 7, Duration::from_millis(previous));
        assert_eq!(of(0), (millis(100), millis(300) - 1));
        assert_eq!(of(1_000), (millis(100), millis(3_000) - 1));
        assert_eq!(of(29_000), (millis(100), millis(30_000)));
    }

    #[test]
    fn a_client_that_has_failed_for_years_still_waits_no_longer_than_the_cap() {
        for strategy in Textbook::ALL {
            let (_, longest) = range(strategy, u32::MAX, Duration::MAX);
            assert!(longest <= 30_000_000_000, "{strategy}: {longest}");
        }
    }
}
