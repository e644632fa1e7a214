//! What came of a simulation, for people and for programs.

use std::fmt::{self, Display};

use anstyle::Style;
use steadfast::fleet::Report;

use super::sparkline::{columns, linear, logarithmic};
use crate::console::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, grouped};

/// How wide a curve is, so that all fits into 80 columns.
const WIDTH: usize = 64;

/// The report but for its curve, which is for `--csv`.
pub(crate) fn json(report: &Report) -> String {
    let mut report = serde_json::json!(report);
    if let Some(fields) = report.as_object_mut() {
        fields.remove("curve");
    }
    format!("{report:#}\n")
}

/// The report in 80 columns.
pub(crate) struct Text<'a>(pub(crate) &'a Report);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        write!(f, "{}\n{}\n{}", Head(report), Curves(report), Table(report))
    }
}

struct Head<'a>(&'a Report);

impl Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let policy = crate::console::escaped(&report.policy);
        let [clients, capacity, backlog] =
            [report.clients, report.capacity_per_second, report.backlog].map(grouped);
        writeln!(f, "{BOLD}{policy}{BOLD:#}: {}", report.scenario)?;
        writeln!(
            f,
            "{DIM}{clients} clients, {capacity} connections/s, queue of {backlog}, seed {}{DIM:#}",
            report.seed.get()
        )
    }
}

struct Curves<'a>(&'a Report);

impl Display for Curves<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { curve, clients, .. } = self.0;
        let capacity = f64::from(self.0.capacity_per_second) * curve.bucket_ms as f64 / 1_000.0;
        let attempts: Vec<_> = columns(curve.len(), WIDTH)
            .map(|buckets| {
                let count = buckets.len() as f64;
                curve.attempts[buckets].iter().sum::<u64>() as f64 / count
            })
            .collect();
        let most = attempts.iter().copied().fold(capacity, f64::max);
        // A storm is hundreds of times what a server can take: only a logarithm shows both.
        let attempts = attempts.iter().map(|&value| {
            let cell = logarithmic(value, capacity / 10.0, most);
            (cell, if value > capacity { RED } else { GREEN })
        });
        row(f, "attempts", attempts)?;
        let connected = columns(curve.len(), WIDTH).map(|buckets| {
            (linear(curve.connected[buckets.end - 1] as f64, f64::from(*clients)), CYAN)
        });
        row(f, "connected", connected)?;
        let end = seconds(curve.begins_s(curve.len()), 0);
        let note = "attempts on a logarithmic scale";
        writeln!(f, "  {:<11}{DIM}0 s{note:^1$}{end:>10}{DIM:#}", "", WIDTH - 13)
    }
}

fn row(
    f: &mut fmt::Formatter<'_>,
    label: &str,
    cells: impl Iterator<Item = (char, Style)>,
) -> fmt::Result {
    write!(f, "  {label:<11}")?;
    let mut present = Style::new();
    for (cell, style) in cells {
        if style != present {
            write!(f, "{present:#}{style}")?;
            present = style;
        }
        write!(f, "{cell}")?;
    }
    writeln!(f, "{present:#}")
}

struct Table<'a>(&'a Report);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let per_100ms = f64::from(report.capacity_per_second) / 10.0;
        let peak = report.peak_per_100ms;
        let mut line = |label: &str, value: &str, style: Style, note: &str| {
            writeln!(f, "  {label:<19} {style}{value:>9}{style:#}  {DIM}{note}{DIM:#}")
        };
        let attempts = format!("{:.2}", report.attempts_per_client);
        let all = format!("{} in all", grouped(report.attempts));
        line("attempts per client", &attempts, BOLD, &all)?;
        let overload = format!("{} times what the server takes", times(peak as f64 / per_100ms));
        line("busiest 100 ms", &grouped(peak), BOLD, &overload)?;
        let ideal = format!("the ideal {}", seconds(report.ideal_s, 1));
        match (report.time_to_last_s, report.time_ratio) {
            (Some(last), Some(ratio)) => {
                let note = format!("{ratio:.2} times {ideal}");
                line("last one back after", &seconds(last, 1), BOLD, &note)?;
            }
            _ => {
                let (connected, end) = (grouped(report.connected), seconds(report.horizon_s, 0));
                let note = format!("{connected} connected after {end}; {ideal}");
                line("last one back after", "never", RED, &note)?;
            }
        }
        if let Some(downtime) = report.downtime {
            let [half, nine, most, all] =
                [downtime.p50_ms, downtime.p90_ms, downtime.p99_ms, downtime.max_ms]
                    .map(|millis| seconds(millis as f64 / 1_000.0, 1));
            let note = format!("90 % {nine}, 99 % {most}, at most {all}");
            let is_half = report.time_to_last_s.is_some();
            let label = if is_half { "half back within" } else { "half of these" };
            line(label, &half, BOLD, &note)?;
        }
        if report.losses > u64::from(report.clients) {
            let each = report.losses as f64 / f64::from(report.clients);
            let note = format!("{each:.2} for each client");
            line("connections lost", &grouped(report.losses), BOLD, &note)?;
        }
        if report.gave_up > 0 {
            let note = "clients, as their policy has it";
            line("gave up", &grouped(report.gave_up), YELLOW, note)?;
        }
        Ok(())
    }
}

fn seconds(seconds: f64, places: usize) -> String {
    grouped(format_args!("{seconds:.places$}")) + " s"
}

/// As exactly as it matters.
fn times(ratio: f64) -> String {
    let places = usize::from(ratio < 10.0);
    grouped(format_args!("{ratio:.places$}"))
}
