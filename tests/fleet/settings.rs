//! Simulations that make no sense are refused by name.

use core::time::Duration;

use steadfast::{
    Backoff, Config, FailureKind, Heartbeat,
    fleet::{Fleet, FleetBuilder, FleetError, Scenario},
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn refused(change: impl FnOnce(FleetBuilder) -> FleetBuilder) -> FleetError {
    change(Fleet::builder()).build().unwrap_err()
}

fn refused_scenario(scenario: Scenario) -> FleetError {
    refused(|fleet| fleet.with_scenario(scenario))
}

#[test]
fn numbers_that_must_not_be_zero_or_too_large_are_named() {
    let zero = |field| FleetError::Zero { field };
    assert_eq!(refused(|f| f.with_clients(0)), zero("clients"));
    assert_eq!(refused(|f| f.with_capacity_per_second(0)), zero("capacity_per_second"));
    assert_eq!(refused(|f| f.with_backlog(0)), zero("backlog"));
    assert_eq!(refused(|f| f.with_horizon(Duration::ZERO)), zero("horizon"));
    let crowd = FleetError::TooMany { field: "clients", most: 10_000_000 };
    assert_eq!(refused(|f| f.with_clients(10_000_001)), crowd);
    let long = |field| FleetError::TooLong { field, longest: DAY };
    assert_eq!(refused(|f| f.with_horizon(Duration::MAX)), long("horizon"));
    let patient = Config::builder().with_stable_after(DAY + SECOND).build().unwrap();
    assert_eq!(refused(|f| f.with_config(patient)), long("config.stable_after"));
}

#[test]
fn the_least_and_the_most_that_is_allowed_can_be_simulated() {
    let config = Config::builder().with_stable_after(DAY).build().unwrap();
    let lonely = Fleet::builder()
        .with_clients(1)
        .with_capacity_per_second(1)
        .with_backlog(1)
        .with_config(config)
        .with_horizon(DAY);
    let report = lonely.build().unwrap().run("", &Backoff::default());
    assert_eq!((report.attempts, report.connected), (1, 1));
    let hasty = Fleet::builder().with_capacity_per_second(u32::MAX).with_backlog(u32::MAX);
    let hasty = hasty.with_scenario(Scenario::cold_start()).with_horizon(Duration::from_nanos(1));
    let report = hasty.build().unwrap().run("", &Backoff::default());
    assert_eq!((report.attempts, report.connected), (0, 0));
}

#[test]
fn scenarios_that_have_no_parts_or_too_many_are_refused() {
    let failure = FailureKind::Reset.into();
    let rolling =
        |instances| Scenario::RollingRestart { failure, instances, interval: SECOND, down: SECOND };
    let drain = |batches| Scenario::Drain { failure, batches, over: SECOND };
    let flap = |cycles| Scenario::Flap { failure, up: SECOND, down: SECOND, cycles };
    let outage = |stages| Scenario::Outage { failure, dark: SECOND, stages, stage: SECOND };
    type Make<'a> = &'a dyn Fn(u16) -> Scenario;
    let each: [(&str, Make<'_>); 4] =
        [("instances", &rolling), ("batches", &drain), ("cycles", &flap), ("stages", &outage)];
    for (field, scenario) in each {
        assert_eq!(refused_scenario(scenario(0)), FleetError::Zero { field });
        let many = FleetError::TooMany { field, most: 1_000 };
        assert_eq!(refused_scenario(scenario(1_001)), many);
        assert!(Fleet::builder().with_scenario(scenario(1)).build().is_ok(), "{field}");
    }
}

#[test]
fn a_scenario_must_be_over_at_the_horizon() {
    let failure = FailureKind::Reset.into();
    let forever = Duration::MAX;
    for scenario in [
        Scenario::ColdStart { over: forever },
        Scenario::Restart { failure, down: forever },
        Scenario::RollingRestart { failure, instances: 9, interval: forever, down: SECOND },
        Scenario::Drain { failure, batches: 9, over: forever },
        Scenario::Flap { failure, up: forever, down: SECOND, cycles: 9 },
        Scenario::Flap { failure, up: SECOND, down: forever, cycles: 1 },
        Scenario::Outage { failure, dark: forever, stages: 1, stage: SECOND },
        Scenario::Outage { failure, dark: SECOND, stages: 9, stage: forever },
    ] {
        assert!(
            matches!(refused_scenario(scenario), FleetError::BeyondHorizon { .. }),
            "{scenario}"
        );
    }
    let just = |horizon| Fleet::builder().with_scenario(Scenario::drain()).with_horizon(horizon);
    assert!(just(59 * SECOND).build().is_err());
    assert!(just(60 * SECOND).build().is_ok());
}

#[test]
fn a_scenario_that_cannot_happen_is_refused() {
    let failure = FailureKind::Reset.into();
    let (down, interval) = (2 * SECOND, SECOND);
    let overlap = Scenario::RollingRestart { failure, instances: 2, interval, down };
    assert_eq!(refused_scenario(overlap), FleetError::Overlap { down, interval });
    let flap = |up, down| Scenario::Flap { failure, up, down, cycles: 1 };
    let zero = Duration::ZERO;
    assert_eq!(refused_scenario(flap(zero, SECOND)), FleetError::Zero { field: "up" });
    assert_eq!(refused_scenario(flap(SECOND, zero)), FleetError::Zero { field: "down" });
}

#[test]
fn what_is_wrong_is_told_in_words() {
    let told = refused(|fleet| fleet.with_horizon(SECOND).with_scenario(Scenario::drain()));
    assert_eq!(told.to_string(), "the scenario lasts 59s, but the simulation ends after 1s");
    assert_eq!(refused(|fleet| fleet.with_clients(0)).to_string(), "clients must not be zero");
}

#[test]
fn a_fleet_hands_back_its_settings_without_the_heartbeat() {
    let config = Config::builder().with_heartbeat(Heartbeat::default()).build().unwrap();
    let settings = Fleet::builder().with_clients(7).with_config(config);
    let fleet = settings.build().unwrap();
    assert_eq!(fleet.to_builder().clients, 7);
    assert_eq!(fleet.to_builder().config.to_builder().heartbeat, None);
    assert_eq!(fleet.to_builder().build(), Ok(fleet));
}
