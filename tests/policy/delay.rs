//! The delay that is drawn: bounded, spread, and raised by what the server or the failure asks.

use core::time::Duration;

use proptest::prelude::*;
use steadfast::{
    Attempt, Backoff, BackoffBuilder, Config, Decision, Failure, FailureKind, Jitter, Pace, Policy,
    Seed,
};

use crate::support::{NANO, World, any_setup, millis, plain, secs};

const REFUSED: FailureKind = FailureKind::Refused;

fn decided(mut policy: impl Policy, attempt: &Attempt) -> Duration {
    match policy.decide(attempt) {
        Decision::RetryAfter(delay) => delay,
        Decision::GiveUp => panic!("gave up"),
    }
}

fn drawn(backoff: &Backoff, number: u32, entropy: u64) -> Duration {
    decided(backoff, &Attempt::new(number, REFUSED, entropy))
}

fn built(set: impl FnOnce(BackoffBuilder) -> BackoffBuilder) -> Backoff {
    set(Backoff::builder()).build().unwrap()
}

fn after_a_link(number: u32) -> Attempt {
    let mut attempt = Attempt::new(number, FailureKind::Reset, u64::MAX);
    attempt.uptime = Some(secs(60));
    attempt
}

fn paced(pace: Pace, number: u32) -> Attempt {
    let mut attempt = Attempt::new(number, REFUSED, u64::MAX);
    attempt.pace = pace;
    attempt
}

fn any_attempt() -> impl Strategy<Value = Attempt> {
    let pace = prop_oneof![
        Just(Pace::Normal),
        Just(Pace::Twice),
        prop_oneof![0..10_u8, Just(u8::MAX)].prop_map(Pace::StepsUp),
        Just(Pace::Spread),
    ];
    let number = prop_oneof![1..100_u32, 1..=u32::MAX, Just(u32::MAX)];
    let uptime = prop::option::of(any::<Duration>());
    (number, pace, any::<u64>(), any::<Duration>(), uptime).prop_map(
        |(number, pace, entropy, previous_delay, uptime)| {
            let mut attempt = Attempt::new(number, REFUSED, entropy);
            attempt.pace = pace;
            attempt.previous_delay = previous_delay;
            attempt.uptime = uptime;
            attempt
        },
    )
}

proptest! {
    #[test]
    fn floor_and_cap_hold_after_jitter(setup in any_setup(), attempt in any_attempt()) {
        let backoff = setup.backoff.to_builder().with_max_retries(None).with_max_elapsed(None);
        let backoff = backoff.build().unwrap();
        let bounds = backoff.bounds();
        let delay = decided(&backoff, &attempt);
        prop_assert!((bounds.floor()..=bounds.cap()).contains(&delay), "{delay:?}");
        let (low, high) = backoff.range(&attempt);
        prop_assert!((low..=high).contains(&delay), "{delay:?} is outside {low:?}..={high:?}");
    }

    #[test]
    fn the_delay_grows_with_the_draw_and_reaches_both_ends(
        setup in any_setup(),
        attempt in any_attempt(),
        draws in (any::<u64>(), any::<u64>()),
    ) {
        let backoff = setup.backoff.to_builder().with_max_retries(None).with_max_elapsed(None);
        let backoff = backoff.build().unwrap();
        let with = |entropy| {
            let mut attempt = attempt;
            attempt.entropy = entropy;
            decided(&backoff, &attempt)
        };
        prop_assert!(with(draws.0.min(draws.1)) <= with(draws.0.max(draws.1)));
        prop_assert_eq!((with(0), with(u64::MAX)), backoff.range(&attempt));
    }

    #[test]
    fn a_draw_is_what_is_decided_after_a_plain_failure(
        setup in any_setup(),
        number in prop_oneof![0..100_u32, any::<u32>()],
        entropy in any::<u64>(),
    ) {
        let backoff = setup.backoff.to_builder().with_max_retries(None).with_max_elapsed(None);
        let backoff = backoff.build().unwrap();
        let nanos = backoff.draw_nanos(number, entropy);
        prop_assert_eq!(Duration::from_nanos(nanos), drawn(&backoff, number, entropy));
    }

    #[test]
    fn retry_after_only_widens_the_draw_and_by_an_eighth_of_it_at_most(
        setup in any_setup(),
        attempt in any_attempt(),
        wait in any::<Duration>(),
    ) {
        let backoff = setup.backoff.to_builder().with_max_retries(None).with_max_elapsed(None);
        let backoff = backoff.build().unwrap();
        let mut told = attempt;
        told.failure = Failure::from(FailureKind::Http(503)).with_retry_after(wait);
        let asked = told.failure.retry_after().unwrap_or_default();
        let asked = asked.min(backoff.bounds().retry_after_cap());
        let ((low, high), (told_low, told_high)) = (backoff.range(&attempt), backoff.range(&told));
        prop_assert_eq!(low, told_low);
        prop_assert_eq!(told_high, high.max((asked / 8).min(backoff.bounds().cap())));
    }
}

#[test]
fn each_jitter_draws_from_its_own_range() {
    let range = |jitter, number| {
        let backoff = built(|b| b.with_jitter(jitter));
        (drawn(&backoff, number, 0), drawn(&backoff, number, u64::MAX))
    };
    assert_eq!(range(Jitter::Full, 3), (millis(100), secs(2)));
    assert_eq!(range(Jitter::Equal, 3), (secs(1), secs(2)));
    assert_eq!(range(Jitter::None, 3), (secs(2), secs(2)));
    assert_eq!(range(Jitter::Decorrelated, 3), (millis(500), millis(1_500)));
}

#[test]
fn decorrelated_jitter_goes_from_the_base_to_three_times_the_last_delay() {
    let backoff = built(|b| b.with_jitter(Jitter::Decorrelated));
    let mut attempt = Attempt::new(3, REFUSED, 0);
    attempt.previous_delay = secs(2);
    assert_eq!(backoff.range(&attempt), (millis(500), secs(6)));
    attempt.previous_delay = Duration::MAX;
    assert_eq!(backoff.range(&attempt), (millis(500), secs(30)));
}

#[test]
fn a_fleet_at_the_cap_is_still_spread() {
    for (jitter, low) in [(Jitter::Full, millis(100)), (Jitter::Equal, secs(15))] {
        let backoff = built(|b| b.with_jitter(jitter));
        for number in [7, 64, u32::MAX] {
            assert_eq!(backoff.range(&Attempt::new(number, REFUSED, 0)), (low, secs(30)));
        }
    }
}

#[test]
fn the_mean_of_full_jitter_is_the_middle() {
    let backoff = Backoff::default();
    let count: u32 = 10_000;
    let step = u64::MAX / u64::from(count);
    let sum: Duration = (0..count).map(|n| drawn(&backoff, 10, u64::from(n) * step)).sum();
    let (mean, middle) = (sum / count, (millis(100) + secs(30)) / 2);
    assert!(mean.abs_diff(middle) < middle / 50, "{mean:?}");
}

#[test]
fn a_thousand_clients_cut_at_once_do_not_come_back_as_one() {
    let mut waits: Vec<Duration> = (0..1_000)
        .map(|seed| {
            let config = Config::default();
            let mut world = World::seeded(config, Backoff::default(), Seed::new(seed));
            world.open();
            let _ = world.pass(secs(60)).lost(FailureKind::Reset);
            world.wait()
        })
        .collect();
    waits.sort_unstable();
    assert!(waits[0] >= millis(100) && waits[999] <= secs(1));
    // The window is 900 ms wide: 1 % of it is 9 ms, in which at most 5 % may return.
    for pair in waits.windows(51) {
        assert!(pair[50] - pair[0] > millis(9), "{pair:?}");
    }
}

#[test]
fn each_retry_has_a_draw_of_its_own() {
    let policy = built(|b| b.with_factor_percent(100).with_base(secs(10)));
    let mut world = World::with(Config::default(), policy);
    let _ = world.start();
    let mut waits = Vec::new();
    for _ in 0..20 {
        let _ = world.lost(REFUSED);
        waits.push(world.wait());
        let _ = world.wake();
    }
    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 20);
}

#[test]
fn the_first_retry_after_a_link_is_spread_more_widely() {
    let backoff = Backoff::default();
    assert_eq!(backoff.range(&after_a_link(1)), (millis(100), secs(1)));
    assert_eq!(backoff.range(&Attempt::new(1, REFUSED, 0)), (millis(100), millis(500)));
    assert_eq!(backoff.range(&after_a_link(2)), (millis(100), secs(1)));
    assert_eq!(backoff.range(&after_a_link(3)), (millis(100), secs(2)));
    let wide = built(|b| b.with_first(secs(9)));
    assert_eq!([1, 2].map(|number| wide.range(&after_a_link(number)).1), [secs(9), secs(1)]);
}

#[test]
fn a_slower_pace_is_slower_by_as_much_as_it_says() {
    let backoff = Backoff::default();
    let high = |pace, number| backoff.range(&paced(pace, number)).1;
    assert_eq!(high(Pace::Normal, 2), secs(1));
    assert_eq!(high(Pace::Twice, 2), secs(2));
    assert_eq!(high(Pace::Twice, 9), secs(30));
    assert_eq!(high(Pace::StepsUp(4), 1), secs(8));
    assert_eq!(high(Pace::StepsUp(u8::MAX), u32::MAX), secs(30));
}

#[test]
fn clients_that_were_dropped_together_climb_from_a_wider_first_ceiling() {
    let high = |backoff: &Backoff, number| backoff.range(&paced(Pace::Spread, number)).1;
    let backoff = Backoff::default();
    let climb: Vec<_> = (1..=4).map(|number| high(&backoff, number)).collect();
    assert_eq!(climb, [secs(5), secs(10), secs(20), secs(30)]);
    assert_eq!(high(&backoff, u32::MAX), secs(30));
    assert_eq!(backoff.range(&paced(Pace::Spread, 3)).0, millis(100));
    let unspread = built(|b| b.with_spread(Duration::ZERO));
    assert_eq!(high(&unspread, 2), secs(1));
    let wide = built(|b| b.with_spread(secs(50)));
    assert_eq!(high(&wide, 1), secs(30));
    let narrow = built(|b| b.with_spread(millis(200)));
    assert_eq!(high(&narrow, 3), secs(2));
    let tripling = built(|b| b.with_factor_percent(300));
    assert_eq!(high(&tripling, 2), secs(15));
    for jitter in [Jitter::Equal, Jitter::Decorrelated, Jitter::None] {
        let backoff = built(|b| b.with_jitter(jitter));
        assert_eq!(high(&backoff, 2), secs(10), "{jitter:?}");
    }
}

#[test]
fn twice_the_delay_is_twice_at_both_ends() {
    let equal = built(|b| b.with_jitter(Jitter::Equal));
    assert_eq!(equal.range(&paced(Pace::Twice, 2)), (secs(1), secs(2)));
    assert_eq!(Backoff::default().range(&paced(Pace::Twice, 2)), (millis(200), secs(2)));
    assert_eq!(decided(plain(), &paced(Pace::Twice, 1)), secs(1));
}

#[test]
fn what_comes_first_after_a_link_plays_no_part_after_a_dial() {
    let range = |backoff: &Backoff| backoff.range(&Attempt::new(2, REFUSED, 0));
    for first in [millis(200), secs(9)] {
        let tripling = built(|b| b.with_factor_percent(300).with_first(first));
        assert_eq!(range(&tripling), (millis(100), millis(1_500)));
        let decorrelated = built(|b| b.with_jitter(Jitter::Decorrelated).with_first(first));
        assert_eq!(range(&decorrelated), (millis(500), millis(1_500)));
    }
}

#[test]
fn steps_up_also_lift_the_first_retry_after_a_link() {
    let mut attempt = after_a_link(1);
    attempt.pace = Pace::StepsUp(4);
    assert_eq!(Backoff::default().range(&attempt).1, secs(8));
}

#[test]
fn decorrelated_jitter_goes_steps_up_from_the_base_whatever_the_last_delay_was() {
    let backoff = built(|b| b.with_jitter(Jitter::Decorrelated));
    assert_eq!(backoff.range(&paced(Pace::StepsUp(4), 1)), (millis(500), secs(8)));
    let mut attempt = paced(Pace::StepsUp(1), 1);
    attempt.previous_delay = secs(5);
    assert_eq!(backoff.range(&attempt), (millis(500), secs(15)));
}

#[test]
fn no_steps_up_change_nothing() {
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::None] {
        let backoff = built(|b| b.with_jitter(jitter).with_first(millis(200)));
        for normal in [after_a_link(1), after_a_link(2), Attempt::new(1, REFUSED, 0)] {
            let mut attempt = normal;
            attempt.pace = Pace::StepsUp(0);
            assert_eq!(backoff.range(&attempt), backoff.range(&normal), "{jitter:?}");
        }
    }
}

#[test]
fn clients_that_were_told_the_same_retry_after_are_spread_the_wider_the_longer_it_is() {
    let told = |backoff: &Backoff, wait| {
        let failure = Failure::from(FailureKind::Http(429)).with_retry_after(wait);
        backoff.range(&Attempt::new(1, failure, 0))
    };
    let backoff = Backoff::default();
    assert_eq!(told(&backoff, NANO), (millis(100), millis(500)));
    assert_eq!(told(&backoff, secs(120)), (millis(100), secs(15)));
    assert_eq!(told(&backoff, Duration::MAX), (millis(100), secs(30)));
    let deaf = built(|b| b.with_retry_after_cap(Duration::ZERO));
    assert_eq!(told(&deaf, secs(60)), (millis(100), millis(500)));
    let none = built(|b| b.with_jitter(Jitter::None));
    assert_eq!(told(&none, secs(120)), (millis(500), secs(15)));
}

#[test]
fn every_jitter_but_none_still_draws_at_the_cap_and_after_a_link_at_any_pace() {
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
        let backoff = built(|b| b.with_jitter(jitter).with_base(secs(1)));
        for pace in [Pace::Normal, Pace::Twice, Pace::StepsUp(9), Pace::Spread] {
            for number in [1, 2, 9, u32::MAX] {
                let mut attempt = after_a_link(number);
                attempt.pace = pace;
                attempt.previous_delay = secs(30);
                let (low, high) = backoff.range(&attempt);
                assert!(low < high, "{jitter:?}, {pace:?}, retry {number}: {low:?}");
            }
        }
    }
}

#[test]
fn the_preset_for_a_fleet_is_the_default_with_a_lower_cap() {
    assert_eq!(Backoff::fleet(), built(|b| b.with_cap(secs(20))));
}
