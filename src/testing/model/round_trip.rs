use std::time::Duration;

use crate::{RoundTrip, time::Nanos};

/// The longest round trip that a machine tells.
const LONGEST: Nanos = Nanos((u32::MAX / 8) as u64 * 1_000);

/// Round trips smoothed by the formulas of RFC 6298 §2 as they stand there, in 2⁻³² of a
/// nanosecond: next to nothing is lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Smoothed {
    mean: u128,
    variation: u128,
}

impl Smoothed {
    pub(super) fn new(round_trip: Nanos) -> Self {
        let first = exact(round_trip);
        Self { mean: first, variation: first / 2 }
    }

    pub(super) fn take(&mut self, round_trip: Nanos) {
        let next = exact(round_trip);
        self.variation = self.variation / 4 * 3 + self.mean.abs_diff(next) / 4;
        self.mean = self.mean / 8 * 7 + next / 8;
    }

    /// Whether `told` is the same but for what whole microseconds lose.
    pub(super) fn is(self, told: RoundTrip) -> bool {
        let micros = |most: u64| Duration::from_micros(most);
        shown(self.mean).abs_diff(told.smoothed) <= micros(3)
            && shown(self.variation).abs_diff(told.variation) <= micros(6)
    }
}

fn exact(round_trip: Nanos) -> u128 {
    u128::from(round_trip.min(LONGEST).0) << 32
}

fn shown(exact: u128) -> Duration {
    Duration::from_nanos(u64::try_from(exact >> 32).unwrap_or(u64::MAX))
}
