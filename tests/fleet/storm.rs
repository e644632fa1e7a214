//! A hundred thousand clients that lose their connections at once, with our own policies.

use core::time::Duration;

use steadfast::{
    Backoff, CloseCode, Failure, FailureKind, Seed,
    fleet::{Report, Scenario},
};

use crate::table::fleet_of;

const CLIENTS: u32 = 100_000;
const PER_100MS: u64 = 100;

pub(crate) fn told(code: CloseCode) -> Failure {
    FailureKind::Closed(code).into()
}

fn dropped(clients: u32, failure: Failure, seed: u64, policy: &Backoff) -> Report {
    let restart = Scenario::Restart { failure, down: Duration::ZERO };
    let fleet = fleet_of(clients).with_scenario(restart).with_seed(Seed::new(seed));
    fleet.build().unwrap().run("", policy)
}

#[test]
fn a_fleet_that_is_dropped_at_once_is_back_in_little_more_than_the_ideal_time() {
    let codes = [CloseCode::GOING_AWAY, CloseCode::SERVICE_RESTART, CloseCode::TRY_AGAIN_LATER];
    for (seed, code) in (1..).zip(codes) {
        let report = dropped(CLIENTS, told(code), seed, &Backoff::fleet());
        assert!(report.attempts_per_client <= 7.5, "{}", report.attempts_per_client);
        assert!(report.time_ratio.unwrap() <= 1.2, "{:?}", report.time_ratio);
        let busiest = report.peak_per_100ms as f64 / f64::from(CLIENTS);
        assert!(busiest <= 0.06, "{busiest}");
    }
}

#[test]
fn a_fleet_that_is_told_how_widely_to_spread_hardly_meets_a_full_queue() {
    let codes = [CloseCode::GOING_AWAY, CloseCode::SERVICE_RESTART, CloseCode::TRY_AGAIN_LATER];
    let policies = [Backoff::fleet(), Backoff::default(), Backoff::default()];
    for ((seed, code), policy) in (1..).zip(codes).zip(policies) {
        let hint = told(code).with_spread_over(Duration::from_secs(100));
        let report = dropped(CLIENTS, hint, seed, &policy);
        assert!(report.attempts_per_client <= 1.3, "{}", report.attempts_per_client);
        assert!(report.time_ratio.unwrap() <= 1.1, "{:?}", report.time_ratio);
        assert!(report.peak_per_100ms <= PER_100MS * 5 / 2, "{}", report.peak_per_100ms);
    }
}

#[test]
fn a_client_that_is_dropped_alone_is_back_at_once() {
    for seed in 1..=50 {
        let back = |failure| dropped(1, failure, seed, &Backoff::default()).time_to_last_s.unwrap();
        assert!(back(FailureKind::Reset.into()) <= 1.001);
        assert!(back(told(CloseCode::ABNORMAL)) <= 1.001);
        assert!(back(told(CloseCode::SERVICE_RESTART)) <= 5.001);
    }
}

#[test]
#[ignore = "a minute without optimisation"]
#[cfg(target_os = "linux")]
fn a_million_clients_fit_into_a_gibibyte() {
    let storm = fleet_of(1_000_000).with_capacity_per_second(10_000);
    let report = storm.build().unwrap().run("", &Backoff::default());
    assert_eq!(report.connected, 1_000_000);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kibibytes < 1 << 20, "{kibibytes} KiB");
}
