//! Policies that go wrong in long outages: endurance, bounds, growth.

use core::time::Duration;

use steadfast::{Attempt, Decision, testing::laws::Law};

use super::{Bounded, CAP, FLOOR, caught, ceiling, drawn};

/// A delay between the floor and `grown`, or the cap.
fn drawn_within(attempt: &Attempt, grown: Duration) -> Duration {
    let millis = u64::try_from(grown.as_millis()).unwrap_or(CAP);
    drawn(attempt, millis.min(CAP))
}

#[test]
fn a_float_that_is_too_long_for_a_duration_is_caught() {
    let broken = caught(Law::Endurance, || {
        Bounded(|attempt: &Attempt| {
            let exponent = i32::try_from(attempt.number).unwrap_or(i32::MAX);
            let grown = Duration::from_secs_f64(0.25 * 2_f64.powi(exponent));
            drawn_within(attempt, grown)
        })
    });
    assert!(broken.found().contains("cannot convert float seconds to Duration"), "{broken}");
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(66));
}

#[test]
fn a_sum_with_the_elapsed_time_that_overflows_is_caught() {
    let broken = caught(Law::Endurance, || {
        |attempt: &Attempt| {
            let delay = drawn(attempt, ceiling(attempt.number));
            match attempt.elapsed + delay > Duration::from_secs(600 * 365 * 86_400) {
                true => Decision::GiveUp,
                false => Decision::RetryAfter(delay),
            }
        }
    });
    assert!(broken.found().contains("overflow when adding durations"), "{broken}");
    assert_eq!(broken.attempt().map(|attempt| attempt.elapsed), Some(Duration::MAX));
}

// Elsewhere the power wraps around instead.
#[cfg(debug_assertions)]
#[test]
fn a_power_that_overflows_is_caught_at_the_first_number_that_does() {
    let broken = caught(Law::Endurance, || {
        Bounded(|attempt: &Attempt| {
            let grown = Duration::from_millis(250).saturating_mul(2_u32.pow(attempt.number));
            drawn_within(attempt, grown)
        })
    });
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(32));
    assert_eq!(broken.script().lines().len(), 64);
}

#[test]
fn a_limit_far_beyond_any_machine_is_found_to_the_exact_attempt() {
    let broken = caught(Law::Endurance, || {
        Bounded(|attempt: &Attempt| {
            assert!(attempt.number < 123_456, "who would wait that long?");
            drawn(attempt, ceiling(attempt.number))
        })
    });
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(123_456));
    assert!(broken.found().contains("who would wait that long?"), "{broken}");
}

#[test]
fn a_cap_that_is_forgotten_is_caught() {
    let broken = caught(Law::Bounds, || {
        Bounded(|attempt: &Attempt| drawn(attempt, 250 << attempt.number.min(32)))
    });
    assert!(broken.expected().starts_with("a delay from 100 ms to 30 s"), "{broken}");
}

#[test]
fn a_cap_that_is_applied_before_the_jitter_is_caught() {
    let broken = caught(Law::Bounds, || {
        Bounded(|attempt: &Attempt| {
            let middle = ceiling(attempt.number);
            Duration::from_millis(middle / 2 + attempt.entropy % middle)
        })
    });
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(7));
}

#[test]
fn jitter_down_to_zero_is_caught_at_the_first_retry() {
    let broken = caught(Law::Bounds, || {
        Bounded(|attempt: &Attempt| {
            Duration::from_millis(attempt.entropy % ceiling(attempt.number))
        })
    });
    assert!(broken.expected().starts_with("a delay from 100 ms"), "{broken}");
    assert_eq!(broken.script().lines().len(), 2);
}

#[test]
fn a_delay_that_begins_anew_after_a_modulo_is_caught() {
    let broken = caught(Law::Growth, || {
        Bounded(|attempt: &Attempt| drawn(attempt, ceiling(1 + (attempt.number - 1) % 10)))
    });
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(11));
}

#[test]
fn a_shift_that_runs_out_of_bits_is_caught() {
    let broken = caught(Law::Growth, || {
        Bounded(|attempt: &Attempt| {
            let grown = 250_u64.wrapping_shl(attempt.number);
            drawn(attempt, grown.clamp(5 * FLOOR, CAP))
        })
    });
    // 250 is twice 125, so that its last bit leaves a u64 with the 63rd shift.
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(63));
}
