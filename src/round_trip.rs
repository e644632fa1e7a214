//! How long a peer takes to answer, smoothed as TCP does it (RFC 6298 §2).

use core::time::Duration;

use crate::time::Nanos;

/// How long the peer of the open link takes to answer a ping, smoothed (RFC 6298 §2), in whole
/// microseconds.
///
/// It begins anew with each link. The newest single round trip is that of the last
/// [`Notice::RoundTrip`](crate::Notice::RoundTrip). One that took less than a microsecond counts as
/// one; one of more than 536 s as so many.
///
/// ```
/// use core::time::Duration;
///
/// # use steadfast::{Backoff, Config, Instant, Machine, Seed};
/// # let mut machine = Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// # use steadfast::{Action, Command, Event, Signal};
/// # let at = Instant::from_millis;
/// # let _ = machine.handle(at(0), Command::Start.into());
/// # let _ = machine.handle(at(80), Event::Transport(machine.epoch(), Signal::Opened));
/// # let step = machine.handle(at(1_000), Command::Probe.into());
/// # let Some(Action::Ping { epoch, nonce }) = step.actions.iter().next() else { panic!("no ping") };
/// # let _ = machine.handle(at(1_040), Event::Transport(epoch, Signal::Pong(nonce)));
/// // After the first ping of a link, which took 40 ms:
/// let round_trip = machine.stats().round_trip.expect("a ping was answered");
/// assert_eq!(round_trip.smoothed, Duration::from_millis(40));
/// assert_eq!(round_trip.variation, Duration::from_millis(20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RoundTrip {
    /// The smoothed round trip, `SRTT`: each new one counts an eighth.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub smoothed: Duration,
    /// How far round trips stray from that, `RTTVAR`: each new one counts a quarter.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub variation: Duration,
}

impl RoundTrip {
    pub(crate) fn of(smoothed: Smoothed, variation: Variation) -> Option<Self> {
        let micros = |micros: u32| Duration::from_micros(u64::from(micros));
        (smoothed != Smoothed::NONE)
            .then(|| Self { smoothed: micros(smoothed.0 / 8), variation: micros(variation.0 / 4) })
    }
}

/// `SRTT` in eighths of a microsecond, so that what a division loses is made up for by the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Smoothed(u32);

/// `RTTVAR` in quarters of a microsecond. Without meaning before the first round trip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Variation(u32);

impl Smoothed {
    /// Before the first round trip.
    pub(crate) const NONE: Self = Self(0);

    /// The longest round trip that can be told, in microseconds.
    const LONGEST: u32 = u32::MAX / 8;

    /// Takes one more round trip into account.
    #[inline]
    pub(crate) fn take(&mut self, round_trip: Nanos, variation: &mut Variation) {
        #[allow(clippy::cast_possible_truncation, reason = "the longest fits")]
        let micros = (round_trip.0 / 1_000).clamp(1, u64::from(Self::LONGEST)) as u32;
        if *self == Self::NONE {
            *self = Self(micros * 8);
            *variation = Variation(micros * 2);
            return;
        }
        let smoothed = self.0 / 8;
        variation.0 = variation.0 - variation.0 / 4 + smoothed.abs_diff(micros);
        self.0 = self.0 - smoothed + micros;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smoothed(micros: &[u64]) -> Option<(u128, u128)> {
        let (mut smoothed, mut variation) = (Smoothed::NONE, Variation::default());
        for micros in micros {
            smoothed.take(Nanos(micros.saturating_mul(1_000)), &mut variation);
        }
        let round_trip = RoundTrip::of(smoothed, variation)?;
        Some((round_trip.smoothed.as_micros(), round_trip.variation.as_micros()))
    }

    #[test]
    fn the_first_round_trip_is_taken_as_it_is_and_half_of_it_as_the_variation() {
        assert_eq!(smoothed(&[]), None);
        assert_eq!(smoothed(&[100_000]), Some((100_000, 50_000)));
        assert_eq!(smoothed(&[7]), Some((7, 3)));
    }

    #[test]
    fn round_trips_are_smoothed_as_computed_by_hand() {
        // RTTVAR 3/4 × 50 + 1/4 × |100 - 180| = 57.5 ms, SRTT 7/8 × 100 + 1/8 × 180 = 110 ms
        assert_eq!(smoothed(&[100_000, 180_000]), Some((110_000, 57_500)));
        // RTTVAR 3/4 × 57.5 + 1/4 × |110 - 30| = 63.125 ms, SRTT 7/8 × 110 + 1/8 × 30 = 100 ms
        assert_eq!(smoothed(&[100_000, 180_000, 30_000]), Some((100_000, 63_125)));
    }

    #[test]
    fn a_steady_round_trip_is_found_to_the_microsecond_from_above_and_from_below() {
        for first in [1, 900, 4_000_000] {
            let steady = [[first].as_slice(), &[1_234; 300]].concat();
            assert_eq!(smoothed(&steady), Some((1_234, 0)), "{first}");
        }
    }

    #[test]
    fn round_trips_at_both_ends_saturate() {
        let longest = u64::from(Smoothed::LONGEST);
        assert_eq!(smoothed(&[0; 3]), smoothed(&[1; 3]));
        assert_eq!(smoothed(&[u64::MAX; 100]), Some((u128::from(longest), 0)));
        let swinging: [u64; 400] =
            core::array::from_fn(|at| if at % 2 == 0 { 0 } else { u64::MAX });
        let (mean, variation) = smoothed(&swinging).unwrap();
        assert!(mean <= u128::from(longest) && variation <= u128::from(longest));
    }

    /// The formulas of the RFC in 2⁻⁶⁴ of a microsecond, which lose next to nothing.
    struct Exact {
        smoothed: u128,
        variation: u128,
    }

    impl Exact {
        fn first(micros: u64) -> Self {
            let smoothed = u128::from(micros) << 64;
            Self { smoothed, variation: smoothed / 2 }
        }

        fn take(&mut self, micros: u64) {
            let micros = u128::from(micros) << 64;
            self.variation = self.variation / 4 * 3 + self.smoothed.abs_diff(micros) / 4;
            self.smoothed = self.smoothed / 8 * 7 + micros / 8;
        }
    }

    #[test]
    fn no_round_trip_is_smoothed_more_than_a_few_microseconds_away_from_the_formula() {
        let mut random = crate::rng::SplitMix64::new(crate::Seed::new(6_298));
        for _ in 0..if cfg!(miri) { 3 } else { 300 } {
            let scale = 1 + random.next() % 29;
            let (mut smoothed, mut variation) = (Smoothed::NONE, Variation::default());
            let mut exact: Option<Exact> = None;
            for _ in 0..100 {
                let micros = 1 + random.next() % (1 << scale);
                smoothed.take(Nanos(micros * 1_000), &mut variation);
                match &mut exact {
                    Some(exact) => exact.take(micros),
                    none => *none = Some(Exact::first(micros)),
                }
                let (Some(RoundTrip { smoothed, variation }), Some(exact)) =
                    (RoundTrip::of(smoothed, variation), &exact)
                else {
                    panic!("nothing is known after a round trip");
                };
                let (mean, swing) = (smoothed.as_micros(), variation.as_micros());
                assert!(mean.abs_diff(exact.smoothed >> 64) <= 1, "{mean}");
                assert!(swing.abs_diff(exact.variation >> 64) <= 3, "{swing}");
            }
        }
    }
}
