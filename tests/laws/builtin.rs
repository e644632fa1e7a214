//! The built-in policy keeps the laws, whatever its settings, as long as they leave room to spread.

use core::time::Duration;

use proptest::{
    option,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use steadfast::{
    Backoff, FailureKind, Jitter, Pace, Policy, Verdict, classify,
    testing::{
        check_policy,
        laws::{Law, Laws},
    },
};

const EACH: [Jitter; 4] = [Jitter::Full, Jitter::Equal, Jitter::Decorrelated, Jitter::None];

/// A floor of up to a quarter of the base, and a cap of at least twice the base.
fn roomy(jitter: Jitter) -> impl Strategy<Value = Backoff> {
    let spans = (1..200_u64, 4..40_u64, 2..2_000_u64, 0..=100_u64, 0..20_000_u64);
    let limits = (option::of(0..40_u32), option::of(0..3_000_000_u64), 0..400_000_u64);
    (spans, 100..500_u32, limits).prop_map(move |(spans, factor, limits)| {
        let (floor, base, cap, first, spread) = spans;
        let (base, cap) = (floor * base, floor * base * cap);
        let millis = Duration::from_millis;
        Backoff::builder()
            .with_floor(millis(floor))
            .with_base(millis(base))
            .with_first(millis(base + (cap - base) * first / 100))
            .with_cap(millis(cap))
            .with_spread(millis(spread))
            .with_factor_percent(factor)
            .with_jitter(jitter)
            .with_max_retries(limits.0)
            .with_max_elapsed(limits.1.map(millis))
            .with_retry_after_cap(millis(limits.2))
            .build()
            .expect("settings that fit")
    })
}

fn laws_of(jitter: Jitter) -> Laws {
    match jitter {
        Jitter::None => Laws::all().except(Law::Spread),
        _ => Laws::all(),
    }
}

#[test]
fn every_built_in_policy_keeps_the_laws_whatever_its_settings() {
    for jitter in EACH {
        let config = Config { cases: 4, failure_persistence: None, ..Config::default() };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let kept = TestRunner::new_with_rng(config, rng).run(&roomy(jitter), |backoff| {
            let kept = laws_of(jitter).check(|| &backoff);
            kept.map_err(|broken| TestCaseError::fail(broken.to_string()))
        });
        kept.unwrap_or_else(|broken| panic!("{jitter:?}: {broken}"));
    }
}

#[test]
fn the_defaults_keep_the_laws_with_each_jitter() {
    for jitter in EACH {
        let backoff = Backoff::builder().with_jitter(jitter).build().unwrap();
        laws_of(jitter).check(|| &backoff).unwrap();
    }
    check_policy(Backoff::fleet).unwrap();
}

#[test]
fn a_backoff_without_jitter_breaks_nothing_but_spread() {
    let backoff = Backoff::builder().with_jitter(Jitter::None).build().unwrap();
    let broken = check_policy(|| &backoff).unwrap_err();
    assert_eq!(broken.law(), Law::Spread);
    assert_eq!(broken.found(), "1000 clients that are answered 1 s");
}

#[test]
fn a_policy_with_another_classifier_keeps_the_laws() {
    let picky = || {
        Backoff::default().with_classifier(|failure| match failure.kind() {
            FailureKind::Http(503) => Verdict::Stop,
            FailureKind::Reset => Verdict::Retry(Pace::Twice),
            FailureKind::Refused => Verdict::Refresh,
            _ => classify(failure),
        })
    };
    check_policy(picky).unwrap();
}
