//! Reports add up, read back, repeat, and can be looked at.

use core::time::Duration;
use std::io;

use steadfast::{
    Backoff, Seed,
    fleet::{Fleet, FleetBuilder, Report, ReportError, Scenario, Textbook},
};

fn each_scenario() -> impl Iterator<Item = FleetBuilder> {
    let over = Duration::from_secs(3);
    [
        Scenario::cold_start(),
        Scenario::ColdStart { over },
        Scenario::restart(),
        Scenario::rolling_restart(),
        Scenario::drain(),
        Scenario::flap(),
        Scenario::outage(),
    ]
    .into_iter()
    .map(|scenario| Fleet::builder().with_clients(1_500).with_scenario(scenario))
}

fn run(fleet: FleetBuilder) -> Report {
    fleet.build().unwrap().run("default", &Backoff::default())
}

#[test]
fn watching_a_simulation_changes_nothing_and_only_ever_goes_forward() {
    for fleet in each_scenario() {
        let fleet = fleet.with_clients(20_000).build().unwrap();
        let (mut seen, policy) = (Vec::new(), Backoff::default());
        let watched = fleet.run_watched("default", &policy, |progress| seen.push(progress));
        assert_eq!(watched, fleet.run("default", &policy));
        assert!(seen.is_sorted_by(|a, b| a.at <= b.at && a.attempts <= b.attempts));
        let last = seen.last().unwrap();
        assert!(last.attempts <= watched.attempts && last.connected <= watched.clients);
    }
}

#[test]
fn a_curve_adds_up_to_what_was_counted() {
    for fleet in each_scenario() {
        let Report { curve, scenario, clients, connected, .. } = &run(fleet.clone());
        let report = run(fleet);
        assert_eq!(curve.attempts.iter().sum::<u64>(), report.attempts, "{scenario}");
        assert_eq!(curve.connections.iter().sum::<u64>(), report.connections, "{scenario}");
        assert_eq!(curve.losses.iter().sum::<u64>(), report.losses, "{scenario}");
        assert_eq!(curve.connected.last(), Some(&u64::from(*connected)), "{scenario}");
        assert!(curve.connected.iter().all(|n| *n <= u64::from(*clients)), "{scenario}");
        assert!(curve.len() <= 2_000 && !curve.is_empty(), "{scenario}");
        let busiest = *curve.attempts.iter().max().unwrap();
        assert!(busiest >= report.peak_per_100ms, "{scenario}");
        let per_client = report.attempts as f64 / f64::from(*clients);
        assert!((report.attempts_per_client - per_client).abs() < 1e-4, "{scenario}");
        assert!(report.attempts >= report.connections, "{scenario}");
    }
}

#[test]
fn a_long_run_has_coarser_buckets_of_a_round_length() {
    let fleet = Fleet::builder().with_clients(3_000).with_capacity_per_second(5).with_backlog(9);
    let report = run(fleet.with_scenario(Scenario::cold_start()));
    assert_eq!(report.curve.bucket_ms, 500);
    assert!(report.curve.len() > 1_000, "{}", report.curve.len());
    assert_eq!(report.curve.begins_s(3), 1.5);
}

#[test]
fn percentiles_are_of_the_time_without_a_connection() {
    let fleet = Fleet::builder().with_clients(100).with_capacity_per_second(1_000);
    let report = run(fleet.with_scenario(Scenario::cold_start()));
    // All fit into the queue, and the n-th waits n milliseconds.
    let downtime = report.downtime.unwrap();
    let percentiles = [downtime.p50_ms, downtime.p90_ms, downtime.p99_ms, downtime.max_ms];
    assert_eq!(percentiles, [50, 90, 99, 100]);
    assert_eq!((report.time_to_last_s, report.time_ratio), (Some(0.1), Some(1.0)));
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_seed_another() {
    for fleet in each_scenario() {
        let first = run(fleet.clone());
        assert_eq!(run(fleet.clone()), first);
        let other = run(fleet.with_seed(Seed::new(2)));
        assert_ne!(other.curve.attempts, first.curve.attempts, "{}", first.scenario);
    }
}

#[test]
fn a_report_reads_back_from_its_json_as_it_was() {
    for fleet in each_scenario() {
        let report = run(fleet);
        let json = report.to_json().unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }
}

#[test]
fn json_has_the_names_that_scripts_read() {
    let report = Fleet::builder().with_clients(3).build().unwrap().run("full", Textbook::Full);
    let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(json["policy"], "full");
    assert_eq!(json["clients"], 3);
    assert_eq!(json["seed"], 1);
    assert_eq!(json["attempts"], 3);
    assert_eq!(json["attempts_per_client"], 1.0);
    assert_eq!(json["ideal_s"], 0.003);
    assert_eq!(json["scenario"]["restart"]["down"], "0s");
    assert_eq!(json["curve"]["bucket_ms"], 100);
}

#[test]
fn csv_has_a_line_for_each_bucket_and_its_columns_add_up() {
    let report = run(Fleet::builder().with_clients(1_500).with_scenario(Scenario::flap()));
    let mut csv = Vec::new();
    report.write_csv(&mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("seconds,attempts,connections,losses,connected"));
    let rows: Vec<Vec<f64>> =
        lines.map(|line| line.split(',').map(|n| n.parse().unwrap()).collect()).collect();
    assert_eq!(rows.len(), report.curve.len());
    assert!(rows.iter().all(|row| row.len() == 5));
    let sum = |column: usize| rows.iter().map(|row| row[column]).sum::<f64>();
    assert_eq!(sum(1), report.attempts as f64);
    assert_eq!(sum(2), report.connections as f64);
    assert_eq!(sum(3), report.losses as f64);
    assert_eq!((rows[0][0], rows[1][0], rows[12][0]), (0.0, 0.1, 1.2));
    assert_eq!(rows.last().unwrap()[4], 1_500.0);
}

#[test]
fn a_disk_that_is_full_is_told() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let report = run(Fleet::builder().with_clients(1));
    assert!(matches!(report.write_csv(Full), Err(ReportError::Csv(_))));
}

/// The text of each element, if tags nest as they must and nothing else could be one.
fn text_of(xml: &str) -> Vec<String> {
    let (mut open, mut text) = (Vec::new(), Vec::new());
    for part in xml.split('<').skip(1) {
        let (tag, after) = part.split_once('>').expect("a tag ends");
        assert!(!after.contains('>'), "an unescaped > in {after:?}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag:?}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !tag.starts_with('?') && !tag.starts_with('!') {
            open.push(tag.split_whitespace().next().unwrap());
        }
        for entity in after.split('&').skip(1) {
            let known = ["lt;", "gt;", "amp;", "quot;", "apos;"];
            assert!(known.iter().any(|name| entity.starts_with(name)), "{entity:?}");
        }
        text.push(after.trim().to_owned());
    }
    assert!(open.is_empty(), "{open:?}");
    text
}

#[test]
fn a_picture_is_well_formed_and_says_what_it_shows() {
    let fleet = Fleet::builder().with_clients(2_000).build().unwrap();
    let name = "<script>\u{0}\u{1b}'mine' & \"yours\"";
    let svg = fleet.run(name, &Backoff::default()).to_svg().unwrap();
    assert!(!svg.contains("<script") && !svg.chars().any(|c| c.is_control() && c != '\n'));
    let text = text_of(&svg);
    let says = |what: &str| text.iter().any(|text| text.contains(what));
    assert!(says("&lt;script&gt;&apos;mine&apos; &amp; &quot;yours&quot;: restart, closed by"));
    assert!(says("2,000 clients, 1,000 connections/s, queue of 128"));
    assert!(says("attempts in 0.1 s (logarithmic)") && says("seconds"));
    assert!(says("clients connected") && says("capacity"));
}

#[test]
fn a_picture_of_nothing_can_be_drawn() {
    let dark = Fleet::builder()
        .with_clients(1)
        .with_scenario(Scenario::cold_start())
        .with_horizon(Duration::from_nanos(1));
    let report = run(dark);
    assert!(report.curve.is_empty());
    assert!(text_of(&report.to_svg().unwrap()).len() > 10);
    for fleet in each_scenario() {
        let _ = text_of(&run(fleet).to_svg().unwrap());
    }
}
