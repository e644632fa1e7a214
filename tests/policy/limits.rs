//! When a backoff gives up, and which backoff cannot be built.

use core::time::Duration;

use steadfast::{
    Attempt, Backoff, BackoffBuilder, ClosedReason, Config, ConfigError, Decision, FailureKind,
    Jitter, Policy, State,
};

use crate::support::{NANO, World, millis, plain, secs};

const REFUSED: FailureKind = FailureKind::Refused;

fn gives_up(mut backoff: &Backoff, number: u32, elapsed: Duration) -> bool {
    let mut attempt = Attempt::new(number, REFUSED, 0);
    attempt.elapsed = elapsed;
    backoff.decide(&attempt) == Decision::GiveUp
}

#[test]
fn the_limit_of_retries_is_exact() {
    let limited = |most| Backoff::builder().with_max_retries(most).build().unwrap();
    for most in [1, 2, 7, u32::MAX - 1] {
        assert!(!gives_up(&limited(most), most, Duration::ZERO), "{most}");
        assert!(gives_up(&limited(most), most + 1, Duration::ZERO), "{most}");
    }
    assert!(gives_up(&limited(0), 1, Duration::ZERO));
    assert!(!gives_up(&limited(u32::MAX), u32::MAX, Duration::ZERO));
    assert!(!gives_up(&Backoff::default(), u32::MAX, Duration::MAX));
}

#[test]
fn as_many_dials_are_made_as_the_limit_says_and_one() {
    for most in 0..5 {
        let policy = plain().to_builder().with_max_retries(most).build().unwrap();
        let mut world = World::with(Config::default(), policy);
        let _ = world.start();
        for _ in 0..=most {
            let _ = world.lost(REFUSED);
            if world.machine.state() == State::Backoff {
                let _ = world.wake();
            }
        }
        assert_eq!(world.machine.stats().dials, u64::from(most) + 1);
        let gave_up = ClosedReason::GaveUp(REFUSED.into());
        assert_eq!(world.machine.state(), State::Closed(gave_up));
    }
}

#[test]
fn the_limit_of_time_is_exact_for_the_dial_it_would_allow() {
    let backoff = plain().to_builder().with_max_elapsed(secs(60)).build().unwrap();
    // The third retry waits for two seconds.
    assert!(!gives_up(&backoff, 3, secs(58)));
    assert!(gives_up(&backoff, 3, secs(58) + NANO));
    assert!(gives_up(&backoff, 1, Duration::MAX));
    let none = plain().to_builder().with_max_elapsed(Duration::ZERO).build().unwrap();
    assert!(gives_up(&none, 1, Duration::ZERO));
}

#[test]
fn no_dial_is_later_than_the_limit_of_time_after_the_start() {
    let policy = plain().to_builder().with_max_elapsed(secs(10)).build().unwrap();
    let mut world = World::with(Config::default(), policy);
    let _ = world.pass(secs(1_000)).start();
    let mut last_dial = world.now;
    let began = world.now;
    for _ in 0..5 {
        let _ = world.lost(REFUSED);
        if world.machine.state() == State::Backoff {
            let _ = world.wake();
            last_dial = world.now;
        }
    }
    // 500 ms + 1 s + 2 s + 4 s; another 8 s would be too much.
    assert_eq!(last_dial.saturating_duration_since(began), millis(7_500));
}

#[test]
fn the_limit_of_time_begins_anew_with_the_loss_of_a_stable_link() {
    let policy = plain().to_builder().with_max_elapsed(secs(10)).build().unwrap();
    let mut world = World::with(Config::default(), policy);
    world.open();
    let _ = world.pass(secs(15)).received();
    let _ = world.pass(secs(15)).lost(FailureKind::Reset);
    assert_eq!((world.machine.state(), world.wait()), (State::Backoff, secs(1)));
}

#[test]
fn a_year_offline_and_the_last_attempt_number_are_ordinary() {
    let year = secs(365 * 86_400);
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated, Jitter::None] {
        for factor in [100, 150, 200, 300, u32::MAX] {
            let backoff = Backoff::builder().with_jitter(jitter).with_factor_percent(factor);
            let mut backoff = backoff.build().unwrap();
            for elapsed in [year, Duration::MAX] {
                let mut attempt = Attempt::new(u32::MAX, REFUSED, u64::MAX);
                attempt.elapsed = elapsed;
                attempt.previous_delay = elapsed;
                let Decision::RetryAfter(delay) = backoff.decide(&attempt) else {
                    panic!("gave up")
                };
                assert!((millis(100)..=secs(30)).contains(&delay), "{delay:?}");
            }
        }
    }
}

#[test]
fn each_setting_that_cannot_work_is_named() {
    type Set = fn(BackoffBuilder, Duration) -> BackoffBuilder;
    let fields: [(&str, Set); 4] = [
        ("floor", |b, d| b.with_floor(d)),
        ("cap", |b, d| b.with_cap(d)),
        ("base", |b, d| b.with_base(d)),
        ("first", |b, d| b.with_first(d)),
    ];
    for (field, set) in fields {
        let built = |duration| set(Backoff::builder(), duration).build();
        assert_eq!(built(Duration::ZERO), Err(ConfigError::Zero { field }));
        assert_eq!(built(Duration::MAX), Err(ConfigError::TooLong { field }));
    }
    let may_be_zero: [(&str, Set); 2] = [
        ("max_elapsed", |b, d| b.with_max_elapsed(d)),
        ("retry_after_cap", |b, d| b.with_retry_after_cap(d)),
    ];
    for (field, set) in may_be_zero {
        let built = |duration| set(Backoff::builder(), duration).build();
        assert!(built(Duration::ZERO).is_ok(), "{field}");
        assert_eq!(built(Duration::MAX), Err(ConfigError::TooLong { field }));
    }
}

#[test]
fn settings_that_contradict_each_other_are_named() {
    let (floor, cap) = (millis(100), secs(30));
    let build = |builder: BackoffBuilder| builder.build().unwrap_err();
    let of = Backoff::builder;
    let below = floor - NANO;
    let above = cap + NANO;
    for (field, wrong) in [
        ("base", of().with_base(below)),
        ("base", of().with_base(above)),
        ("first", of().with_first(below)),
        ("first", of().with_first(above)),
    ] {
        assert_eq!(build(wrong), ConfigError::OutOfBounds { field, floor, cap });
    }
    assert!(of().with_base(floor).with_first(cap).build().is_ok());
    assert_eq!(build(of().with_floor(above)), ConfigError::FloorAboveCap { floor: above, cap });
    let minimum = millis(1);
    assert_eq!(
        build(of().with_floor(minimum - NANO)),
        ConfigError::TooShort { field: "floor", minimum }
    );
    assert_eq!(build(of().with_factor_percent(99)), ConfigError::FactorBelowOne { percent: 99 });
    assert!(of().with_factor_percent(100).build().is_ok());
}

#[test]
fn a_backoff_is_rebuilt_from_its_own_settings() {
    let backoff = Backoff::builder()
        .with_floor(millis(2))
        .with_base(millis(3))
        .with_first(millis(4))
        .with_cap(millis(5))
        .with_factor_percent(170)
        .with_jitter(Jitter::Equal)
        .with_max_retries(6)
        .with_max_elapsed(millis(7))
        .with_retry_after_cap(millis(8))
        .build()
        .unwrap();
    let builder = backoff.to_builder();
    assert_eq!(
        (builder.floor, builder.base, builder.first, builder.cap),
        (millis(2), millis(3), millis(4), millis(5))
    );
    assert_eq!((builder.factor_percent, builder.jitter), (170, Jitter::Equal));
    assert_eq!((builder.max_retries, builder.max_elapsed), (Some(6), Some(millis(7))));
    assert_eq!(builder.retry_after_cap, millis(8));
    assert_eq!(builder.build(), Ok(backoff));
    assert_eq!(Backoff::builder().build(), Ok(Backoff::default()));
}

#[test]
fn a_backoff_and_its_settings_convert_into_each_other() {
    let settings = Backoff::builder().with_base(secs(2)).with_max_retries(3);
    let backoff = settings.clone().build().unwrap();
    assert_eq!(Backoff::try_from(settings.clone()), Ok(backoff.clone()));
    assert_eq!(BackoffBuilder::from(backoff), settings);
    let wrong = Backoff::builder().with_factor_percent(99);
    assert_eq!(Backoff::try_from(wrong), Err(ConfigError::FactorBelowOne { percent: 99 }));
}
