//! The ceiling of a delay, against an oracle that has room to spare.

use core::time::Duration;

use proptest::prelude::*;
use steadfast::{Attempt, Backoff, FailureKind, Jitter};

use crate::support::{millis, secs};

/// Factors whose growth is exact in whole nanoseconds.
const EXACT: [u32; 3] = [100, 200, 300];

fn ceiling_of(backoff: &Backoff, number: u32) -> Duration {
    backoff.range(&Attempt::new(number, FailureKind::Refused, 0)).1
}

/// `min(cap, base × factorⁿ)`, multiplied out in 128 bits.
fn oracle(base: Duration, factor_percent: u32, cap: Duration, n: u32) -> Duration {
    let (mut grown, cap) = (base.as_nanos(), cap.as_nanos());
    for _ in 0..n {
        let next = (grown * u128::from(factor_percent) / 100).min(cap);
        if next == grown {
            break;
        }
        grown = next;
    }
    Duration::from_nanos(u64::try_from(grown).unwrap())
}

fn growing(base: Duration, factor_percent: u32, cap: Duration) -> Backoff {
    Backoff::builder()
        .with_floor(millis(1))
        .with_base(base)
        .with_first(base)
        .with_cap(cap)
        .with_factor_percent(factor_percent)
        .build()
        .unwrap()
}

const BOUNDARIES: [u32; 20] = [
    0,
    1,
    2,
    3,
    5,
    10,
    30,
    31,
    32,
    33,
    61,
    62,
    63,
    64,
    65,
    127,
    128,
    1_000_000,
    u32::MAX - 1,
    u32::MAX,
];

#[test]
fn the_ceiling_is_that_of_the_oracle_at_every_boundary() {
    let longest = Duration::from_nanos(u64::MAX - 1);
    for cap in [secs(30), secs(86_400), longest] {
        for base in [millis(1), Duration::from_nanos(1_000_001), millis(500), secs(30)] {
            for factor in [100, 101, 150, 200, 300, 1_000, u32::MAX] {
                let backoff = growing(base, factor, cap);
                for number in BOUNDARIES {
                    assert_eq!(
                        ceiling_of(&backoff, number),
                        oracle(base, factor, cap, number.saturating_sub(1)),
                        "retry {number}: {base:?} × {factor} %, at most {cap:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn doubling_and_tripling_are_exact_powers() {
    let longest = Duration::from_nanos(u64::MAX - 1);
    for factor in EXACT {
        let backoff = growing(millis(1), factor, longest);
        let power = u128::from(factor / 100);
        let mut exact: u128 = 1_000_000;
        for number in 1..=100 {
            let expected = u64::try_from(exact.min(u128::from(u64::MAX - 1))).unwrap();
            assert_eq!(ceiling_of(&backoff, number), Duration::from_nanos(expected), "{number}");
            exact = (exact * power).min(u128::from(u64::MAX - 1) * 2);
        }
    }
}

#[test]
fn the_default_ceilings_are_those_of_the_guide() {
    let ceilings: Vec<Duration> =
        (1..=8).map(|number| ceiling_of(&Backoff::default(), number)).collect();
    let expected = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].map(millis);
    assert_eq!(ceilings, expected);
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::None] {
        let backoff = Backoff::builder().with_jitter(jitter).build().unwrap();
        assert_eq!(ceiling_of(&backoff, 4), secs(4), "{jitter:?}");
    }
}

proptest! {
    #[test]
    fn the_ceiling_never_falls_as_attempts_fail(
        base in 1..10_000_u64,
        factor in 100..1_000_u32,
        number in 1..200_u32,
    ) {
        let backoff = growing(millis(base), factor, secs(86_400));
        prop_assert!(ceiling_of(&backoff, number) <= ceiling_of(&backoff, number + 1));
        prop_assert!(ceiling_of(&backoff, number) >= millis(base));
    }

    #[test]
    fn the_ceiling_is_that_of_the_oracle_for_any_base_and_factor(
        base in 1_000_000..u64::MAX - 1,
        factor in 100..u32::MAX,
        n in prop_oneof![0..200_u32, 0..u32::MAX],
    ) {
        let (base, cap) = (Duration::from_nanos(base), Duration::from_nanos(u64::MAX - 1));
        let backoff = growing(base, factor, cap);
        prop_assert_eq!(ceiling_of(&backoff, n + 1), oracle(base, factor, cap, n));
    }
}
