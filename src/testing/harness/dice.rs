use std::time::Duration;

use crate::{
    Seed,
    rng::{SplitMix64, spread},
};

/// What a seed makes of a choice.
#[derive(Clone, Debug)]
pub(super) struct Dice(SplitMix64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(Seed::new(seed)))
    }

    /// One of 0 to `most`.
    pub(super) fn up_to(&mut self, most: u64) -> u64 {
        spread(0, most, self.0.next())
    }

    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.up_to(99) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        let last = options.len().saturating_sub(1) as u64;
        options[usize::try_from(self.up_to(last)).unwrap_or_default()]
    }

    /// A span of whole milliseconds.
    pub(super) fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.up_to(most))
    }
}
