//! The machine's randomness: SplitMix64, seeded once by the driver.
//!
//! Jitter needs to be spread, not secret, so a small, fast, splittable generator with a full
//! 2^64 period is enough, and the same seed gives the same waits on every platform.
//! Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

use core::fmt;

use crate::Epoch;

/// The seed of a machine's random numbers.
///
/// There is no `Default`: clients with the same seed wait in step and come back together, which is
/// what jitter exists to prevent. Draw it from the operating system, once for each machine; fix it
/// only to repeat a run.
///
/// ```
/// use steadfast::Seed;
///
/// let repeatable = Seed::new(42);
/// assert_eq!(repeatable.get(), 42);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Seed(u64);

impl Seed {
    /// A seed with this value.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The value.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// 64 random bits for the choices of a dialer, the same whenever this seed meets this epoch. The
    /// machine's own draws are not among them.
    pub const fn entropy(self, epoch: Epoch) -> u64 {
        // A generator of its own, with another start for each epoch.
        let mut own = SplitMix64(SplitMix64(!self.0).next() ^ epoch.get());
        own.next()
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({:#018x})", self.0)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) const fn new(seed: Seed) -> Self {
        Self(seed.0)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A value in `low..=high`, spread evenly by `entropy`: 0 gives `low`, `u64::MAX` gives `high`.
///
/// Multiply-and-shift (Lemire, "Fast random integer generation in an interval", 2019) without its
/// rejection step: the bias is below span / 2^64, and one draw always suffices.
pub(crate) const fn spread(low: u64, high: u64, entropy: u64) -> u64 {
    let span = high.saturating_sub(low) as u128;
    let offset = (entropy as u128 * span + entropy as u128) >> 64;
    // `offset <= span < 2^64`, so it is exactly a `u64`, and `low + offset <= high` if low is.
    #[allow(clippy::cast_possible_truncation)]
    low.wrapping_add(offset as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_gives_the_published_sequence() {
        // Vigna's reference splitmix64.c started at 1234567.
        let mut rng = SplitMix64::new(Seed::new(1_234_567));
        let drawn = [rng.next(), rng.next(), rng.next(), rng.next(), rng.next()];
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn spread_reaches_both_ends_and_leaves_neither() {
        assert_eq!(spread(3, 9, 0), 3);
        assert_eq!(spread(3, 9, u64::MAX), 9);
        assert_eq!(spread(5, 5, u64::MAX), 5);
        assert_eq!(spread(9, 3, u64::MAX), 9);
        assert_eq!(spread(0, u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(spread(0, u64::MAX, 77), 77);
    }

    #[test]
    #[cfg_attr(miri, ignore = "a minute of draws")]
    fn spread_is_even() {
        let mut rng = SplitMix64::new(Seed::new(1));
        let mut seen = [0_u32; 10];
        for _ in 0..100_000 {
            seen[usize::try_from(spread(0, 9, rng.next())).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&n| (9_500..10_500).contains(&n)), "{seen:?}");
    }
}
