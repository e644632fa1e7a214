//! Policies that are harmless alone and a storm together: spread, `Retry-After`.

use core::time::Duration;

use steadfast::{Attempt, Bounds, Decision, Policy, testing::laws::Law};

use super::{Bounded, CAP, FLOOR, caught, ceiling, drawn};

#[test]
fn jitter_that_is_the_same_in_each_client_is_caught() {
    let broken = caught(Law::Spread, || {
        Bounded(|attempt: &Attempt| {
            let hash = u64::from(attempt.number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8;
            let ceiling = ceiling(attempt.number);
            Duration::from_millis(ceiling - hash % (ceiling / 8))
        })
    });
    assert!(broken.found().starts_with("1000 clients"), "{broken}");
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(1));
}

#[test]
fn jitter_that_ends_at_the_cap_is_caught_there() {
    let broken = caught(Law::Spread, || {
        Bounded(|attempt: &Attempt| match ceiling(attempt.number) {
            CAP => Duration::from_millis(CAP),
            ceiling => drawn(attempt, ceiling),
        })
    });
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(7));
    assert!(broken.found().contains("answered 30 s"), "{broken}");
}

#[test]
fn five_percent_more_or_less_is_no_spread() {
    let broken = caught(Law::Spread, || {
        Bounded(|attempt: &Attempt| {
            let ceiling = ceiling(attempt.number);
            Duration::from_millis(ceiling * 9 / 10 + attempt.entropy % (ceiling / 10))
        })
    });
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(1));
}

#[test]
fn a_draw_that_each_client_keeps_for_ever_is_caught() {
    /// Each client has its place in the crowd, one of a hundred, and keeps it.
    struct Placed(Option<u64>);
    impl Policy for Placed {
        fn decide(&mut self, attempt: &Attempt) -> Decision {
            let place = *self.0.get_or_insert(attempt.entropy % 100);
            let wide = ceiling(attempt.number) - FLOOR;
            Decision::RetryAfter(Duration::from_millis(FLOOR + wide * place / 100))
        }
        fn reset(&mut self) {
            self.0 = None;
        }
    }
    let broken = caught(Law::Spread, || Placed(None));
    assert!(broken.found().starts_with("the same 16 delays for the seeds"), "{broken}");
}

#[test]
fn a_retry_after_that_is_answered_as_it_is_is_caught() {
    let broken = caught(Law::RetryAfter, || {
        |attempt: &Attempt| {
            let drawn = drawn(attempt, ceiling(attempt.number));
            Decision::RetryAfter(attempt.failure.retry_after().unwrap_or(drawn))
        }
    });
    assert!(broken.found().contains("1000 clients that are answered 60 s"), "{broken}");
}

#[test]
fn no_jitter_because_the_machine_waits_anyway_is_caught() {
    let broken = caught(Law::RetryAfter, || {
        Bounded(|attempt: &Attempt| match attempt.failure.retry_after() {
            Some(_) => Duration::from_millis(FLOOR),
            None => drawn(attempt, ceiling(attempt.number)),
        })
    });
    assert_eq!(broken.attempt().map(|attempt| attempt.number), Some(1));
}

#[test]
fn a_policy_that_stops_listening_is_caught() {
    /// Declares bounds that suit the last answer, and forgets about servers when it does.
    struct Narrowing(Option<Duration>);
    impl Policy for Narrowing {
        fn decide(&mut self, attempt: &Attempt) -> Decision {
            let delay = drawn(attempt, ceiling(attempt.number));
            self.0 = Some(delay);
            Decision::RetryAfter(delay)
        }
        fn reset(&mut self) {
            self.0 = None;
        }
        fn bounds(&self) -> Bounds {
            let [floor, cap] = [FLOOR, CAP].map(Duration::from_millis);
            match self.0 {
                None => Bounds::new(floor, cap),
                Some(last) => Bounds::new(floor, last.max(floor))
                    .and_then(|bounds| bounds.with_retry_after_cap(Duration::ZERO)),
            }
            .expect("a floor below the cap")
        }
    }
    let broken = caught(Law::RetryAfter, || Narrowing(None));
    assert!(broken.expected().starts_with("a wait from 1 s to 31 s"), "{broken}");
}
