//! The plots of the guide, as the policies and the simulator have them. Set `UPDATE_DOCS` to write
//! them.
//!
//! ```console
//! UPDATE_DOCS=1 cargo test --profile proof --no-default-features --features fleet --test fleet plots -- --include-ignored
//! ```

use core::{fmt::Write as _, time::Duration};
use std::{env, fs, path::PathBuf};

use steadfast::{
    Attempt, Backoff, CloseCode, Decision, Epoch, FailureKind, Jitter, Policy, Seed,
    fleet::{Report, Scenario, Textbook},
};

use crate::{storm::told, table::fleet_of};

const STYLE: &str = "<style>\n\
    .p{fill:#fff}.t{fill:#1f2328}.q{fill:#59636e;font-size:11px}.l{stroke:#8c959f;fill:none}\
    .a{stroke:#1f5fa8;fill:none}.b{fill:#1f5fa8}.m{stroke:#c44e1d;stroke-width:2}\
    .s{fill:none;stroke-width:1.5}.s0{stroke:#c44e1d}.s1{stroke:#1f5fa8}.s2{stroke:#8250df}\
    .s3{stroke:#1a7f37}.f0{fill:#c44e1d}.f1{fill:#1f5fa8}.f2{fill:#8250df}.f3{fill:#1a7f37}\n\
    @media(prefers-color-scheme:dark){.p{fill:#161b22}.t{fill:#e6edf3}.q{fill:#9198a1}\
    .a{stroke:#58a6ff}.b{fill:#58a6ff}.m{stroke:#f0883e}.s0{stroke:#f0883e}.s1{stroke:#58a6ff}\
    .s2{stroke:#bc8cff}.s3{stroke:#3fb950}.f0{fill:#f0883e}.f1{fill:#58a6ff}.f2{fill:#bc8cff}\
    .f3{fill:#3fb950}}\n</style>\n";

fn guide(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/guide").join(file)
}

fn picture(height: u32, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n{STYLE}\
         <rect class=\"p\" width=\"720\" height=\"{height}\" rx=\"6\"/>\n{body}</svg>\n"
    )
}

fn assert_is(file: &str, new: &str) {
    if env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(guide(file), new).unwrap();
    }
    let old = fs::read_to_string(guide(file)).unwrap();
    assert!(old == new, "{file}: set UPDATE_DOCS and run this again");
}

/// How many clients are looked at.
const CLIENTS: u64 = 2_001;
const RETRIES: usize = 8;

/// The waits of each of the first retries in a row after dials that failed, in order of length.
fn waits(policy: &Backoff) -> [Vec<Duration>; RETRIES] {
    let mut waits = [const { Vec::new() }; RETRIES];
    for client in 0..CLIENTS {
        let (seed, mut previous) = (Seed::new(client), Duration::ZERO);
        for (number, waits) in (1..).zip(&mut waits) {
            let entropy = seed.entropy(Epoch::new(number.into()));
            let mut attempt = Attempt::new(number, FailureKind::Refused, entropy);
            attempt.previous_delay = previous;
            let Decision::RetryAfter(wait) = policy.clone().decide(&attempt) else { panic!() };
            waits.push(wait);
            previous = wait;
        }
    }
    waits.iter_mut().for_each(|waits| waits.sort());
    waits
}

#[test]
fn the_guide_shows_how_waits_are_spread() {
    let of = |jitter| Backoff::builder().with_jitter(jitter).build().unwrap();
    let policies = [
        ("full: default()", Backoff::default()),
        ("full: fleet()", Backoff::fleet()),
        ("equal", of(Jitter::Equal)),
        ("decorrelated", of(Jitter::Decorrelated)),
    ];
    let mut body = String::new();
    for (panel, (name, policy)) in policies.iter().enumerate() {
        let (left, top) = (14 + 356 * (panel % 2), 28 + 196 * (panel / 2));
        let begin = left + 20;
        // Ten pixels are a second.
        let at = |wait: Duration| begin as f64 + wait.as_secs_f64() * 10.0;
        writeln!(body, "<text class=\"t\" x=\"{begin}\" y=\"{top}\">{name}</text>").unwrap();
        let axis = top + 152;
        write!(body, "<path class=\"l\" d=\"M{begin} {axis}h310").unwrap();
        for tick in 0..=3 {
            write!(body, "M{} {axis}v4", begin + 100 * tick).unwrap();
        }
        body.push_str("\"/>\n");
        for tick in 0..=3 {
            let (x, y) = (begin + 100 * tick - 8, axis + 18);
            writeln!(body, "<text class=\"q\" x=\"{x}\" y=\"{y}\">{} s</text>", 10 * tick).unwrap();
        }
        let (mut lines, mut bars, mut medians) = (String::new(), String::new(), String::new());
        for (row, waits) in waits(policy).iter().enumerate() {
            let y = top + 14 + 17 * row;
            let percent = |percent: usize| at(waits[(waits.len() - 1) * percent / 100]);
            write!(lines, "M{:.0} {y}H{:.0}", percent(1), percent(99)).unwrap();
            let (low, high) = (percent(25), percent(75));
            write!(bars, "M{low:.0} {}H{high:.0}v8H{low:.0}z", y - 4).unwrap();
            write!(medians, "M{:.0} {}v12", percent(50), y - 6).unwrap();
            writeln!(body, "<text class=\"q\" x=\"{left}\" y=\"{}\">{}</text>", y + 4, row + 1)
                .unwrap();
        }
        for (class, path) in [("a", lines), ("b", bars), ("m", medians)] {
            writeln!(body, "<path class=\"{class}\" d=\"{path}\"/>").unwrap();
        }
    }
    assert_is("delays.svg", &picture(412, &body));
}

fn storms() -> [(&'static str, Report); 4] {
    let restart = |failure| Scenario::Restart { failure, down: Duration::ZERO };
    let hint = told(CloseCode::SERVICE_RESTART).with_spread_over(Duration::from_secs(100));
    let fleet = |scenario| fleet_of(100_000).with_scenario(scenario).build().unwrap();
    let (told, hinted) = (fleet(Scenario::restart()), fleet(restart(hint)));
    [
        ("textbook, full jitter", told.run("", Textbook::Full)),
        ("default()", told.run("", &Backoff::default())),
        ("fleet()", told.run("", &Backoff::fleet())),
        ("fleet(), told retry-after=100", hinted.run("", &Backoff::fleet())),
    ]
}

#[test]
#[ignore = "half a minute without optimisation"]
fn the_guide_shows_what_each_policy_does_to_a_server() {
    let storms = storms();
    let mut body = String::from(
        "<text class=\"q\" x=\"14\" y=\"20\">attempts a second</text>\n\
         <text class=\"q\" x=\"14\" y=\"226\">clients connected</text>\n<path class=\"l\" d=\"\
         M70 200H700M70 26V200M70 390H700M70 236V390\"/>\n",
    );
    // Five pixels are a second; above a factor of ten is 30 pixels, below 10,000 clients are 15.
    for tick in 0..=12 {
        let (x, label) = (70 + 50 * tick, 10 * tick);
        writeln!(body, "<text class=\"q\" x=\"{}\" y=\"408\">{label}</text>", x - 6).unwrap();
    }
    body.push_str("<text class=\"q\" x=\"690\" y=\"408\">s</text>\n");
    for (power, label) in (1..).zip(["10", "100", "1,000", "10,000", "100,000"]) {
        let y = 204 - 30 * power;
        writeln!(body, "<text class=\"q\" x=\"20\" y=\"{y}\">{label}</text>").unwrap();
    }
    for (clients, label) in [(0, "0"), (5, "50,000"), (10, "100,000")] {
        let y = 394 - 15 * clients;
        writeln!(body, "<text class=\"q\" x=\"20\" y=\"{y}\">{label}</text>").unwrap();
    }
    for (number, (name, report)) in storms.iter().enumerate() {
        let (x, y) = (460, 310 + 18 * number);
        writeln!(body, "<rect class=\"f{number}\" x=\"{x}\" y=\"{y}\" width=\"14\" height=\"4\"/>")
            .unwrap();
        let (x, y) = (x + 22, y + 6);
        writeln!(body, "<text class=\"t\" x=\"{x}\" y=\"{y}\">{name}</text>").unwrap();
        let curve = &report.curve;
        let buckets = usize::try_from(1_000 / curve.bucket_ms).unwrap();
        let attempts = curve.attempts.chunks(buckets).map(|second| {
            let attempts: u64 = second.iter().sum();
            200.0 - 30.0 * (attempts.max(1) as f64).log10()
        });
        let connected = curve
            .connected
            .chunks(buckets)
            .map(|second| 390.0 - second.last().copied().unwrap_or(0) as f64 * 0.0015);
        let path = format!("{}{}", line(attempts, 1), line(connected, 3));
        writeln!(body, "<path class=\"s s{number}\" d=\"{path}\"/>").unwrap();
    }
    assert_is("storms.svg", &picture(420, &body));
    let page = fs::read_to_string(guide("choosing-a-policy.md")).unwrap();
    let (before, rest) = page.split_once("<!-- storms -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let page = format!("{before}<!-- storms -->\n{}<!-- end -->{after}", table(&storms));
    assert_is("choosing-a-policy.md", &page);
}

/// A line through a value for each second, of which each `step`-th is taken.
fn line(values: impl Iterator<Item = f64>, step: usize) -> String {
    let mut path = String::new();
    let mut before: Option<(i64, i64)> = None;
    for (second, value) in values.enumerate().step_by(step) {
        #[allow(clippy::cast_possible_truncation)]
        let (x, y) = (70 + 5 * second as i64, value.round() as i64);
        match before {
            None => write!(path, "M{x} {y}l").unwrap(),
            Some((from_x, from_y)) => write!(path, "{} {} ", x - from_x, y - from_y).unwrap(),
        }
        before = Some((x, y));
    }
    path
}

fn table(storms: &[(&str, Report)]) -> String {
    let mut table = String::from(
        "| policy | attempts a client | busiest 100 ms | half are back | all are back |\n\
         |---|--:|--:|--:|--:|\n",
    );
    for (name, report) in storms {
        let half = report.downtime.unwrap().p50_ms as f64 / 1_000.0;
        let busiest = match report.peak_per_100ms {
            peak @ 1_000.. => format!("{},{:03}", peak / 1_000, peak % 1_000),
            peak => peak.to_string(),
        };
        writeln!(
            table,
            "| {name} | {:.2} | {busiest} | {half:.1} s | {:.1} s |",
            report.attempts_per_client,
            report.time_to_last_s.unwrap(),
        )
        .unwrap();
    }
    table
}
