//! `docs/storm.md` and its picture are what the simulator says. Set `UPDATE_DOCS` to write them.

use core::time::Duration;
use std::{env, fs, path::PathBuf};

use steadfast::{
    Backoff, CloseCode, Policy,
    fleet::{Fleet, Report, Scenario, Textbook},
};

use crate::{
    storm::told,
    table::{Figures, Luck, SEEDS, TABLE, each, fleet_of, median},
};

fn docs(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(file)
}

/// What is on the page between `<!-- name -->` and `<!-- end -->` replaced.
fn with_block(page: &str, name: &str, block: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let (before, rest) = page.split_once(&begin).expect("the page has the block");
    let (_, after) = rest.split_once("<!-- end -->").expect("the block ends");
    format!("{before}{begin}{block}<!-- end -->{after}")
}

/// `docs/storm.md` as it should be, given as it is.
fn page(old: &str) -> String {
    let blocks =
        [("table", table()), ("luck", luck()), ("ours", ours()), ("scenarios", scenarios())];
    blocks.iter().fold(old.to_owned(), |page, (name, block)| with_block(&page, name, block))
}

#[test]
#[ignore = "a minute without optimisation"]
fn the_page_about_storms_says_what_the_simulator_says() {
    let svg = storm().run("Backoff::fleet()", &Backoff::fleet()).to_svg().unwrap();
    assert!(svg.len() < 60_000, "{} bytes", svg.len());
    let old = fs::read_to_string(docs("storm.md")).unwrap();
    let new = page(&old);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(docs("storm.md"), new).unwrap();
        fs::write(docs("storm.svg"), svg).unwrap();
        return;
    }
    let advice = "set UPDATE_DOCS and run this again";
    for (old, new) in old.lines().zip(new.lines()) {
        assert_eq!(old, new, "{advice}");
    }
    assert_eq!(old, new, "{advice}");
    assert!(fs::read_to_string(docs("storm.svg")).unwrap() == svg, "{advice}");
}

/// A hundred thousand clients that are told 1012 at once.
fn storm() -> Fleet {
    fleet_of(100_000).build().unwrap()
}

fn table() -> String {
    let mut table = String::from(
        "| N | strategy | first attempt | attempts per client | ours | time / ideal | ours \
         | busiest 100 ms | ours |\n|--:|---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in TABLE {
        let ours = median(row.fleet(), row.seeds(), &row.strategy);
        let first = if row.over_s == 0 { "t = 0" } else { "U[0, N/C)" };
        let cells = [
            number(row.clients.into()),
            row.strategy.to_string(),
            first.to_owned(),
            number(row.attempts),
            number(ours.attempts),
            ratio(row.ratio),
            ratio(ours.ratio),
            number(row.peak),
            number(ours.peak),
        ];
        table.push_str(&line(&cells));
    }
    table
}

fn luck() -> String {
    let mut table = String::from(
        "| N | strategy | first attempt | attempts per client | time / ideal | busiest 100 ms |\n\
         |--:|---|---|--:|--:|--:|\n",
    );
    for row in TABLE.iter().filter(|row| row.luck != Luck::Nothing) {
        let figures = each(row.fleet(), 201..=240, &row.strategy);
        let range = |of: fn(&Figures) -> f64| {
            let mut values: Vec<_> = figures.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            let [low, high] = [values[4], values[values.len() - 5]].map(number);
            format!("{low} – {high}")
        };
        let first = if row.over_s == 0 { "t = 0" } else { "U[0, N/C)" };
        let cells = [
            number(row.clients.into()),
            row.strategy.to_string(),
            first.to_owned(),
            range(|f| f.attempts),
            range(|f| f.ratio.unwrap()),
            range(|f| f.peak),
        ];
        table.push_str(&line(&cells));
    }
    table
}

fn ours() -> String {
    let hint = |seconds| told(CloseCode::SERVICE_RESTART).with_spread_over(secs(seconds));
    let restart = |failure| Scenario::Restart { failure, down: Duration::ZERO };
    let (dropped, cold) = (Scenario::restart(), Scenario::cold_start());
    let mut table = String::from(
        "| policy | what happens | attempts per client | time / ideal | busiest 100 ms |\n\
         |---|---|--:|--:|--:|\n",
    );
    let mut add = |policy: &str, what: &str, figures: Figures| {
        let Figures { attempts, ratio: time, peak } = figures;
        let cells = [policy, what, &number(attempts), &ratio(time), &number(peak)];
        table.push_str(&line(&cells.map(str::to_owned)));
    };
    let (fleet, default) = (Backoff::fleet(), Backoff::default());
    let limit = |attempts, time, peak| Figures { attempts, ratio: Some(time), peak };
    add("*limit*", "*1001, 1012 or 1013*", limit(7.5, 1.2, 6_000.0));
    add("`Backoff::fleet()`", "1012", run(dropped, &fleet));
    add("`Backoff::default()`", "1012", run(dropped, &default));
    add("textbook, full", "1012", run(dropped, &Textbook::Full));
    add("*limit*", "*the same with a hint*", limit(1.3, 1.1, 250.0));
    add("`Backoff::fleet()`", "1012, spread over 100 s", run(restart(hint(100)), &fleet));
    add("`Backoff::default()`", "1012, spread over 100 s", run(restart(hint(100)), &default));
    add("`Backoff::default()`", "1012, spread over 50 s", run(restart(hint(50)), &default));
    add("`Backoff::default()`", "connection reset", run(reset(), &default));
    add("`Backoff::default()`", "cold start", run(cold, &default));
    table
}

fn reset() -> Scenario {
    let failure = steadfast::FailureKind::Reset.into();
    Scenario::Restart { failure, down: Duration::ZERO }
}

fn run(scenario: Scenario, policy: &(impl Policy + Clone)) -> Figures {
    median(fleet_of(100_000).with_scenario(scenario), &SEEDS, policy)
}

fn scenarios() -> String {
    let mut table = String::from(
        "| scenario | losses | attempts per loss | last one back | ideal | busiest 100 ms \
         | without connection: half | 99 % |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for scenario in [
        Scenario::restart(),
        Scenario::rolling_restart(),
        Scenario::drain(),
        slow_drain(),
        Scenario::flap(),
        Scenario::outage(),
    ] {
        let fleet = fleet_of(100_000).with_scenario(scenario).build().unwrap();
        let report = fleet.run("", &Backoff::fleet());
        table.push_str(&line(&scenario_cells(&report)));
    }
    table
}

/// At a fifth less than the server's capacity.
fn slow_drain() -> Scenario {
    let failure = told(CloseCode::GOING_AWAY);
    Scenario::Drain { failure, batches: 120, over: secs(120) }
}

fn scenario_cells(report: &Report) -> [String; 8] {
    let downtime = report.downtime.unwrap();
    let seconds = |millis: u64| format!("{:.1} s", millis as f64 / 1_000.0);
    [
        report.scenario.to_string(),
        number(report.losses as f64),
        number(report.attempts as f64 / report.losses as f64),
        format!("{:.1} s", report.time_to_last_s.unwrap()),
        format!("{:.1} s", report.ideal_s),
        number(report.peak_per_100ms as f64),
        seconds(downtime.p50_ms),
        seconds(downtime.p99_ms),
    ]
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or("never".to_owned(), number)
}

/// With as many places as it is worth: 1.23, 117.6, 12,345.
fn number(number: f64) -> String {
    match number {
        ..100.0 => format!("{number:.2}"),
        ..1_000.0 if number.fract() != 0.0 => format!("{number:.1}"),
        _ => {
            let digits = format!("{number:.0}");
            let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
            groups.collect::<Vec<_>>().join(",")
        }
    }
}
