//! What each scenario does, seen in the curve.

use core::{ops::Range, time::Duration};

use steadfast::{
    Attempt, Backoff, CloseCode, Config, Decision, FailureKind,
    fleet::{Fleet, FleetBuilder, Report, Scenario, Textbook},
};

use crate::storm::told;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// 4,000 clients, 200 connections a second.
fn small(scenario: Scenario) -> FleetBuilder {
    Fleet::builder().with_clients(4_000).with_capacity_per_second(200).with_scenario(scenario)
}

fn run(fleet: FleetBuilder) -> Report {
    fleet.build().unwrap().run("fleet", &Backoff::fleet())
}

/// The sum over the buckets of 100 ms that begin within these seconds.
fn during(report: &Report, counts: &[u64], seconds: Range<f64>) -> u64 {
    assert_eq!(report.curve.bucket_ms, 100, "too long for buckets of 100 ms");
    let within = |at: usize| seconds.contains(&report.curve.begins_s(at));
    counts.iter().enumerate().filter(|(at, _)| within(*at)).map(|(_, count)| count).sum()
}

fn assert_all_back(report: &Report) {
    assert_eq!(report.connected, report.clients);
    assert!(report.time_ratio.unwrap() >= 1.0, "{:?}", report.time_ratio);
    assert_eq!(report.downtime.unwrap().max_ms > 0, report.connections > 0);
}

#[test]
fn a_cold_start_over_a_while_dials_each_client_within_it() {
    let report = run(small(Scenario::ColdStart { over: secs(40) }));
    assert_eq!((report.attempts, report.losses, report.connected), (4_000, 0, 4_000));
    assert!(report.time_to_last_s.unwrap() < 41.0);
    let (early, late) = (
        during(&report, &report.curve.attempts, 0.0..20.0),
        during(&report, &report.curve.attempts, 20.0..40.0),
    );
    assert!(early.abs_diff(late) < 200, "{early} and {late}");
}

#[test]
fn nobody_is_back_while_the_server_is_down() {
    let restart = Scenario::Restart { failure: told(CloseCode::SERVICE_RESTART), down: secs(30) };
    let report = run(small(restart));
    assert_eq!(report.losses, 4_000);
    assert_eq!(during(&report, &report.curve.connections, 0.0..30.0), 0);
    assert!(during(&report, &report.curve.connections, 30.0..31.0) > 150);
    assert!((report.ideal_s - 50.0).abs() < 1e-9, "{}", report.ideal_s);
    assert_all_back(&report);
}

#[test]
fn a_rolling_restart_hits_some_clients_more_than_once_and_never_all_at_once() {
    let rolling = Scenario::RollingRestart {
        failure: told(CloseCode::SERVICE_RESTART),
        instances: 5,
        interval: secs(20),
        down: secs(10),
    };
    let report = run(small(rolling));
    assert_all_back(&report);
    // Each instance has had a fifth, and a fourth of each fifth that went before.
    let expected = 800.0 * (0..5).map(|n| 1.25_f64.powi(n)).sum::<f64>();
    let ratio = report.losses as f64 / expected;
    assert!((0.97..=1.01).contains(&ratio), "{} of {expected}", report.losses);
    for restart in 0..5 {
        let at = f64::from(restart) * 20.0;
        assert!(during(&report, &report.curve.losses, at..at + 0.1) >= 700);
        assert_eq!(during(&report, &report.curve.losses, at + 0.1..at + 20.0), 0);
        let made = during(&report, &report.curve.connections, at..at + 10.0);
        assert!(made <= 1_600, "{made} with four fifths of the capacity");
    }
    let fewest = report.curve.connected.iter().min().unwrap();
    assert!(*fewest > 4_000 / 2, "{fewest}");
}

#[test]
fn a_drain_is_noticed_by_nobody_but_those_it_moves() {
    let report = run(small(Scenario::drain()));
    assert_eq!((report.losses, report.connections), (4_000, 4_000), "nobody is drained twice");
    assert_eq!(report.attempts, 4_000, "a batch is small enough for the queue");
    for second in 0..60 {
        let at = f64::from(second);
        let moved = during(&report, &report.curve.losses, at..at + 0.95);
        assert!((66..=67).contains(&moved), "{moved}");
    }
    // Five batches at a time are within their five seconds, of which one is spread over the last.
    let away = report.curve.connected.iter().map(|connected| 4_000 - connected).max().unwrap();
    assert!(away <= 5 * 67, "{away}");
    assert!(report.peak_per_100ms <= 30, "{}", report.peak_per_100ms);
    assert!(report.time_to_last_s.unwrap() <= 59.0 + 5.1);
    assert_all_back(&report);
}

#[test]
fn a_flapping_server_makes_no_hot_loop() {
    let flap = Scenario::flap();
    let report = run(small(flap));
    assert_all_back(&report);
    assert!(report.losses > 4_000 && report.losses < 4_000 + 4 * 5 * 210, "{}", report.losses);
    for cycle in 0..5 {
        let down = f64::from(cycle) * 15.0;
        assert_eq!(during(&report, &report.curve.connections, down..down + 10.0), 0);
        assert_eq!(during(&report, &report.curve.losses, down + 0.1..down + 15.0), 0);
    }
    // The rounds begin again only for those who were connected for long, which nobody was: 70 s are
    // worth about ten dials to a client that started with one of a second.
    assert!(report.attempts_per_client < 14.0, "{}", report.attempts_per_client);
    let calm = during(&report, &report.curve.attempts, 30.0..70.0) / 400;
    assert!(calm < 4_000 / 50, "{calm} attempts in 100 ms");
}

#[test]
fn everybody_is_back_after_an_outage_and_no_stage_is_overrun() {
    let outage = Scenario::Outage {
        failure: FailureKind::Unreachable.into(),
        dark: secs(60),
        stages: 4,
        stage: secs(10),
    };
    let report = run(small(outage));
    assert_all_back(&report);
    assert_eq!(report.losses, 4_000);
    assert_eq!(during(&report, &report.curve.connections, 0.0..60.0), 0);
    for stage in 0..4_u32 {
        let (from, capacity) = (60.0 + 10.0 * f64::from(stage), 50 * (stage + 1));
        let made = during(&report, &report.curve.connections, from..from + 10.0);
        // What is left for the last stage is half of what it could serve.
        let most = u64::from(10 * capacity);
        assert!((most.min(1_000) * 8 / 10..=most).contains(&made), "{made} in stage {stage}");
    }
    // 10 s at 50, 100 and 150 a second, and the other 1,000 at 200 a second.
    assert!((report.ideal_s - 95.0).abs() < 1e-9, "{}", report.ideal_s);
}

#[test]
fn an_outage_fails_attempts_as_it_failed_connections() {
    let outage = Scenario::Outage {
        failure: FailureKind::Certificate.into(),
        dark: secs(60),
        stages: 1,
        stage: secs(10),
    };
    let report = run(small(outage));
    assert_eq!((report.gave_up, report.connected, report.attempts), (4_000, 0, 0));
    assert_eq!((report.time_to_last_s, report.time_ratio, report.downtime), (None, None, None));
}

#[test]
fn a_refusal_with_retry_after_keeps_everybody_away_for_so_long() {
    let busy = steadfast::Failure::from(FailureKind::Http(503)).with_retry_after(secs(8));
    let report = run(small(Scenario::cold_start()).with_refusal(busy));
    assert_eq!(during(&report, &report.curve.attempts, 0.0..0.1), 4_000);
    assert_eq!(during(&report, &report.curve.attempts, 0.1..8.0), 0);
    assert!(during(&report, &report.curve.attempts, 8.0..10.0) > 1_000);
    assert_all_back(&report);
}

#[test]
fn a_queue_that_outlasts_the_connect_timeout_serves_clients_that_have_left() {
    let crowd = |backlog| {
        let config = Config::builder().with_connect_timeout(secs(5)).build().unwrap();
        let storm = small(Scenario::cold_start()).with_config(config).with_backlog(backlog);
        storm.with_horizon(secs(60)).build().unwrap().run("", Textbook::Full)
    };
    let (short, long) = (crowd(128), crowd(1_000_000));
    assert_eq!(short.connected, 4_000);
    // 200 a second for the first 5 s; the work that follows is for those who have hung up.
    assert!((999..=1_001).contains(&long.connected), "{}", long.connected);
    let again = during(&long, &long.curve.attempts, 5.0..5.2);
    assert!((2_999..=3_001).contains(&again), "{again} give up after 5 s and queue again");
}

#[test]
fn clients_in_the_queue_of_a_server_that_goes_down_are_not_connected() {
    let flap = Scenario::Flap {
        failure: FailureKind::Reset.into(),
        up: Duration::from_millis(1),
        down: secs(5),
        cycles: 2,
    };
    let report = run(small(flap));
    assert_eq!(during(&report, &report.curve.connections, 0.0..10.0), 0, "1 ms is too short");
    assert_eq!(report.losses, 4_000, "who was in the queue was not connected");
    assert_all_back(&report);
}

#[test]
fn clients_whose_policy_gives_up_are_counted() {
    let policy = Backoff::builder().with_max_retries(2).build().unwrap();
    let report = small(Scenario::cold_start()).build().unwrap().run("", &policy);
    assert!(report.gave_up > 0);
    assert_eq!(report.connected + report.gave_up, 4_000);
    assert_eq!(report.time_to_last_s, None);
}

#[test]
fn each_client_has_a_policy_of_its_own() {
    // Counts in its own copy: the n-th wait of each client is n seconds.
    let mut waits = 0;
    let patient = move |_: &Attempt| {
        waits += 1;
        Decision::RetryAfter(secs(waits))
    };
    let fleet = Fleet::builder().with_clients(9).with_capacity_per_second(1).with_backlog(3);
    let fleet = fleet.with_scenario(Scenario::cold_start());
    let report = fleet.build().unwrap().run("", patient);
    // Three of nine at once, one after 1 s, two after 3 s and three after 6 s.
    assert_eq!(report.attempts, 9 + 6 + 5 + 3);
    assert_eq!(report.time_to_last_s, Some(9.0));
}
