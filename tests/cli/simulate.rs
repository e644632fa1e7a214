//! `steadfast simulate`: its figures, its files, and what it refuses.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use expect_test::expect;
use serde_json::Value;
use steadfast::fleet::{Fleet, Scenario, Textbook};

use crate::command::{Scratch, assert_fits_80_columns, steadfast};

fn simulate(arguments: &str) -> crate::command::Ended {
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    steadfast(&[&["simulate"], &*arguments].concat())
}

fn json(arguments: &str) -> Value {
    let ended = simulate(&format!("{arguments} --json"));
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{arguments}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn number(report: &Value, field: &str) -> f64 {
    report.pointer(field).and_then(Value::as_f64).unwrap_or_else(|| panic!("{field}: {report}"))
}

#[test]
fn a_report_is_a_sparkline_and_a_table_of_80_columns() {
    let ended = simulate("--clients 5000 --capacity 200");
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    assert_fits_80_columns(&ended.stdout);
    expect![[r#"
        fleet: restart, closed by the peer with 1012 (service restart)
        5,000 clients, 200 connections/s, queue of 128, seed 1

          attempts   ▇█████████▆▆▆▆▆▆▆▆▇▆▆▆▆▆▆▅▅▅▅▄▄▄▄▅▄▄▄▄▄▄▄▄▄▄▄▄▄▃▄▄▃▃▃▃▃▃▂▂▂▁▁▁▁▁
          connected  ▁▁▁▂▂▂▂▂▂▂▃▃▃▃▃▃▃▄▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▆▆▆▆▇▇▇▇▇▇▇▇▇▇███████████████
                     0 s          attempts on a logarithmic scale                34 s

          attempts per client      2.42  12,097 in all
          busiest 100 ms            167  8.3 times what the server takes
          last one back after    33.7 s  1.35 times the ideal 25.0 s
          half back within       12.6 s  90 % 24.7 s, 99 % 30.5 s, at most 33.7 s
    "#]]
    .assert_eq(&ended.stdout);
}

#[test]
fn what_is_never_back_is_told_so_in_words_and_in_json() {
    let stranded = "--clients 1000 --capacity 10 --horizon 20s --scenario cold-start";
    let ended = simulate(stranded);
    assert_fits_80_columns(&ended.stdout);
    expect![[r#"
        fleet: cold start
        1,000 clients, 10 connections/s, queue of 128, seed 1

          attempts   █▇▇▇▇▆▆▆▆▆▆▆▆▆▆▅▆▆▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▄▅▅▅▅▄▅▅▅▅▄▅▅▅▅▅▅▅▅
          connected  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂
                     0 s          attempts on a logarithmic scale                20 s

          attempts per client      6.27  6,267 in all
          busiest 100 ms          1,000  1,000 times what the server takes
          last one back after     never  99 connected after 20 s; the ideal 100.0 s
          half of these           5.0 s  90 % 9.0 s, 99 % 9.9 s, at most 9.9 s
    "#]]
    .assert_eq(&ended.stdout);
    let report = json(stranded);
    assert_eq!(report["time_to_last_s"], Value::Null);
    assert_eq!(report["time_ratio"], Value::Null);
    assert_eq!((number(&report, "/ideal_s"), number(&report, "/horizon_s")), (100.0, 20.0));
    assert!(number(&report, "/connected") < 1_000.0);
}

#[test]
fn a_fleet_that_is_hit_more_than_once_is_told_of_its_losses() {
    let ended = simulate("--clients 2000 --scenario rolling --policy none");
    assert_fits_80_columns(&ended.stdout);
    assert!(ended.stdout.contains("connections lost"), "{}", ended.stdout);
}

#[test]
fn json_is_one_object_with_all_that_is_documented_and_without_the_curve() {
    let report = json("--clients 500 --seed 7 --policy equal --hint 2s");
    for field in ["attempts_per_client", "time_to_last_s", "ideal_s", "time_ratio"] {
        assert!(number(&report, &format!("/{field}")) > 0.0, "{field}");
    }
    assert!(report["peak_per_100ms"].is_u64() && report["curve"].is_null());
    assert_eq!((&report["seed"], &report["policy"]), (&7.into(), &"equal".into()));
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
    for field in report.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{field}`")), "docs/cli.md does not have {field}");
    }
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_one_another() {
    let of = |seed: u32| simulate(&format!("--clients 1000 --seed {seed} --json")).stdout;
    assert_eq!(of(5), of(5));
    assert_ne!(of(5), of(6));
}

/// The cells of the row of `docs/storm.md` that begins with this, but for its thousands separators
/// and units.
fn row(begin: &str) -> Vec<String> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/storm.md")).unwrap();
    let mut rows = page.lines().filter(|line| line.starts_with(begin));
    let row = rows.next().unwrap_or_else(|| panic!("no row {begin}"));
    let cell = |cell: &str| cell.trim().trim_end_matches(" s").replace(',', "");
    row.trim_matches('|').split('|').map(cell).collect()
}

/// As the page rounds it.
fn assert_is(cell: &str, value: f64, what: &str) {
    let places = cell.split_once('.').map_or(0, |(_, places)| places.len());
    assert_eq!(cell, format!("{value:.places$}"), "{what}");
}

#[test]
fn scenarios_have_the_figures_of_the_page_about_storms() {
    for (scenario, begin) in
        [("restart", "| restart, "), ("rolling", "| rolling restart "), ("drain", "| drain in 60 ")]
    {
        let report = json(&format!("--scenario {scenario}"));
        let cells = row(begin);
        let of = |field| number(&report, field);
        for (cell, value) in cells[1..].iter().zip([
            of("/losses"),
            of("/attempts") / of("/losses"),
            of("/time_to_last_s"),
            of("/ideal_s"),
            of("/peak_per_100ms"),
            of("/downtime/p50_ms") / 1_000.0,
            of("/downtime/p99_ms") / 1_000.0,
        ]) {
            assert_is(cell, value, scenario);
        }
    }
}

#[test]
fn each_scenario_and_policy_is_that_of_the_library() {
    let run = |scenario: Scenario, policy: Textbook| {
        let fleet = Fleet::builder().with_clients(300).with_scenario(scenario).build().unwrap();
        serde_json::json!(fleet.run(policy.name(), policy))
    };
    for (name, scenario) in [
        ("restart", Scenario::restart()),
        ("rolling", Scenario::rolling_restart()),
        ("drain", Scenario::drain()),
        ("flap", Scenario::flap()),
        ("outage", Scenario::outage()),
        ("cold-start", Scenario::cold_start()),
    ] {
        for policy in Textbook::ALL {
            let mut expected = run(scenario, policy);
            expected.as_object_mut().unwrap().remove("curve");
            assert_eq!(
                json(&format!("--clients 300 --scenario {name} --policy {policy}")),
                expected
            );
        }
    }
}

/// Attempts per client, time ratio and busiest 100 ms: the median of the seeds of the page.
fn median(arguments: &str) -> [f64; 3] {
    let reports = [1, 16, 106].map(|seed| json(&format!("{arguments} --seed {seed}")));
    ["/attempts_per_client", "/time_ratio", "/peak_per_100ms"].map(|field| {
        let mut values = reports.each_ref().map(|report| number(report, field));
        values.sort_by(f64::total_cmp);
        values[1]
    })
}

#[test]
fn policies_and_hints_have_the_figures_of_the_page_about_storms() {
    for (arguments, begin) in [
        ("--policy fleet", "| `Backoff::fleet()` | 1012 |"),
        ("--policy fleet --hint 100s", "| `Backoff::fleet()` | 1012, spread over 100 s |"),
        ("--policy default --hint 100s", "| `Backoff::default()` | 1012, spread over 100 s |"),
    ] {
        let cells = row(begin);
        for (cell, value) in cells[2..].iter().zip(median(arguments)) {
            assert_is(cell, value, arguments);
        }
    }
    for policy in ["none", "full"] {
        let cells = row(&format!("| 1,000 | {policy} | t = 0 |"));
        let cold = format!("--clients 1000 --scenario cold-start --policy {policy}");
        for (cell, value) in [&cells[4], &cells[6], &cells[8]].into_iter().zip(median(&cold)) {
            assert_is(cell, value, policy);
        }
    }
}

#[test]
fn a_policy_comes_from_a_file_in_toml_or_json() {
    let fleet = json("--clients 2000 --policy fleet");
    // The fleet's policy is the default with this cap.
    for (name, text) in [("fleet.toml", "cap = \"20s\"\n"), ("fleet.json", "{\"cap\": \"20s\"}")] {
        let file = Scratch::new(name, text);
        let report = json(&format!("--clients 2000 --policy {}", file.path()));
        assert_eq!(report["policy"], name);
        assert_eq!(report["attempts"], fleet["attempts"]);
    }
    let impatient = Scratch::new("impatient.toml", "max_retries = 1\n");
    let ended = simulate(&format!("--clients 2000 --capacity 10 --policy {}", impatient.path()));
    assert!(ended.stdout.contains("gave up"), "{}", ended.stdout);
    assert_fits_80_columns(&ended.stdout);
}

#[test]
fn the_policy_on_the_page_about_the_command_line_is_the_default() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
    let (_, rest) = page.split_once("base = \"500ms\"").unwrap();
    let (policy, _) = rest.split_once("```").unwrap();
    let file = Scratch::new("page.toml", format!("base = \"500ms\"{policy}"));
    let figures = |policy: &str| {
        let mut report = json(&format!("--clients 2000 --scenario flap --policy {policy}"));
        report["policy"] = Value::Null;
        report
    };
    assert_eq!(figures(file.path()), figures("default"));
}

#[test]
fn a_mistake_in_a_policy_is_told_with_its_line_and_field() {
    for (name, text, told) in [
        ("unit.toml", "base = \"1s\"\ncap = \"5 s\"\n", ["line 2", "cap = \"5 s\""]),
        ("typo.toml", "\n\nbse = \"1s\"\n", ["line 3", "unknown field `bse`"]),
        ("limits.toml", "floor = \"40s\"\n", ["floor (40s)", "cap (30s)"]),
        ("kind.json", "{\n\"cap\": 5}", ["cap: invalid type", "line 2"]),
        ("typo.json", "{\n\n\"bse\": \"1s\"}", ["unknown field `bse`", "line 3"]),
        ("rest.json", "{}\n{}", ["trailing characters", "line 2"]),
        ("raw.json", "{\"jitter\": \"\\u001b[2J\"}", ["\\u{1b}[2J", "jitter"]),
        ("raw.toml", "jitter = \"\u{1b}[2J\"", ["line 1", "\\u{1b}[2J"]),
    ] {
        let file = Scratch::new(name, text);
        let ended = simulate(&format!("--policy {}", file.path()));
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{name}");
        for part in told {
            assert!(ended.stderr.contains(part), "{name}: {part} is not in {}", ended.stderr);
        }
        assert!(!ended.stderr.contains('\u{1b}'), "{name}");
    }
}

#[test]
fn bad_arguments_end_with_2_and_say_what_is_wrong() {
    for (arguments, told) in [
        ("--clients 0", "'--clients <N>': 0 is not in 1..=10000000"),
        ("--clients 10000001", "not in 1..=10000000"),
        ("--capacity 0", "'--capacity <N>'"),
        ("--backlog 0", "'--backlog <N>'"),
        ("--policy fulll", "neither full, equal, decorrelated, none, default or fleet, nor a file"),
        ("--scenario storm", "possible values: restart, rolling, drain, flap, outage, cold-start"),
        ("--hint 100", "time unit needed"),
        ("--scenario flap --hint 10s", "--hint is for a server that says goodbye"),
        ("--horizon 0s", "horizon must not be zero"),
        ("--horizon 25h", "horizon must be at most"),
        ("--scenario outage --horizon 5m", "the scenario lasts 390s"),
    ] {
        let ended = simulate(arguments);
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{arguments}");
        assert!(ended.stderr.contains(told), "{arguments}: {}", ended.stderr);
    }
}

#[test]
fn a_picture_and_a_table_are_written_in_place_of_what_was_there() {
    let longer = "x".repeat(1 << 20);
    let svg = Scratch::new("fleet.svg", &longer);
    let csv = Scratch::new("fleet.csv", &longer);
    let files = format!("--svg {} --csv {}", svg.path(), csv.path());
    let ended = simulate(&format!("--clients 300 {files}"));
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    let (svg, csv) = (svg.content(), csv.content());
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("seconds,attempts,connections,losses,connected"));
    let last = lines.next_back().unwrap();
    assert!(last.ends_with(",300"), "{last}");
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_the_simulation() {
    let begin = Instant::now();
    let minutes = "--clients 10000000 --policy none --scenario cold-start";
    for option in ["--svg", "--csv"] {
        let ended = simulate(&format!("{minutes} {option} no/such/folder/file"));
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""));
        let told = "steadfast simulate: cannot write no/such/folder/file: ";
        assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_is_full_is_told_of_and_takes_nothing_else_with_it() {
    let svg = Scratch::new("beside.svg", "");
    let ended = simulate(&format!("--clients 10 --csv /dev/full --svg {}", svg.path()));
    assert_eq!(ended.status, Some(1));
    assert!(ended.stdout.contains("attempts per client") && svg.content().starts_with("<svg"));
    assert!(ended.stderr.contains("cannot write /dev/full: "), "{}", ended.stderr);
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(["simulate", "--clients", "1000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_run_that_does_not_end_leaves_no_file_where_there_was_none() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (svg, link, made) =
        (folder.join("early.svg"), folder.join("early.link"), folder.join("early.linked"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(["simulate", "--clients", "2000000", "--svg"])
        .arg(&svg)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // Long enough to begin, and far too short to end.
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    let is_left = fs::remove_file(&svg).is_ok();
    assert!(!is_left);

    // One that ends makes it, and follows a link to where there is nothing yet.
    #[cfg(unix)]
    std::os::unix::fs::symlink(&made, &link).unwrap();
    let ended = simulate(&format!("--clients 10 --svg {} --csv {}", svg.display(), link.display()));
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    #[cfg(unix)]
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && made.exists());
    for path in [svg, link, made] {
        let _ = fs::remove_file(path);
    }
}
