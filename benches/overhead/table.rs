//! How it is shown: one line for each metric, `name measured limit ok|OVER`, and a page.

use std::{fmt, fs, path::PathBuf, process::Command};

/// Where the count should have come from and did not.
const NOT_MEASURED: &str = "NOT MEASURED";

/// What was measured, in order.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    /// What is told of others: a name, and a number or the reason why there is none.
    told: Vec<(String, String)>,
}

/// A metric.
struct Row {
    name: &'static str,
    /// What both clients took, for people.
    raw: String,
    ours: String,
    measured: Option<f64>,
    limit: Limit,
}

/// What a metric is held against.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// What would be good to have; it fails nothing.
    Stretch(f64),
    /// For information.
    None,
}

impl Table {
    /// Adds what was measured; `None` if it could not be.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        (raw, ours): (impl Into<String>, impl Into<String>),
        measured: impl Into<Option<f64>>,
        limit: Limit,
    ) {
        let row =
            Row { name, raw: raw.into(), ours: ours.into(), measured: measured.into(), limit };
        eprintln!("{}: raw {}, steadfast {}", row.name, row.raw, row.ours);
        self.rows.push(row);
    }

    /// Adds what someone else has measured.
    pub(crate) fn tell(&mut self, name: &str, value: &str) {
        let value = value.parse().map_or_else(|_| value.to_owned(), shown);
        self.told.push((name.to_owned(), value));
    }

    pub(crate) fn fails(&self) -> bool {
        self.rows.iter().any(|row| row.verdict() == "OVER")
    }

    /// Writes the table to `docs/performance.md`, between its marks.
    pub(crate) fn write_page(&self, load: &str) -> std::io::Result<()> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
        let page = fs::read_to_string(&path)?;
        let (before, rest) = page.split_once("<!-- table -->\n").expect("the page has a table");
        let (_, after) = rest.split_once("<!-- end -->").expect("the table ends");
        let machine = machine(load);
        let mut table = format!("{machine}\n\n| metric | raw | steadfast | measured | limit | |\n");
        table += "|---|--:|--:|--:|--:|---|\n";
        for row in &self.rows {
            let [measured, limit] = row.cells();
            let Row { name, raw, ours, .. } = row;
            let verdict = row.verdict();
            table += &format!("| {name} | {raw} | {ours} | {measured} | {limit} | {verdict} |\n");
        }
        table += "\n| peer | measured |\n|---|--:|\n";
        for (name, value) in &self.told {
            table += &format!("| {name} | {value} |\n");
        }
        fs::write(path, format!("{before}<!-- table -->\n{table}<!-- end -->{after}"))
    }
}

impl Row {
    fn verdict(&self) -> &'static str {
        match (self.measured, self.limit) {
            (None, _) => NOT_MEASURED,
            (Some(measured), Limit::AtMost(limit)) if measured > limit => "OVER",
            (Some(measured), Limit::AtLeast(limit)) if measured < limit => "OVER",
            (Some(measured), Limit::Stretch(limit)) if measured > limit => "stretch, not reached",
            (Some(_), Limit::Stretch(_)) => "stretch, ok",
            (Some(_), Limit::None) => "for information",
            (Some(_), _) => "ok",
        }
    }

    fn cells(&self) -> [String; 2] {
        let measured = self.measured.map_or("-".to_owned(), shown);
        let limit = match self.limit {
            Limit::AtMost(limit) | Limit::Stretch(limit) => format!("<= {}", shown(limit)),
            Limit::AtLeast(limit) => format!(">= {}", shown(limit)),
            Limit::None => "-".to_owned(),
        };
        [measured, limit]
    }
}

/// Three digits are more than a measurement has.
fn shown(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:.3}") } else { format!("{value:.1}") }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let [measured, limit] = row.cells();
            writeln!(f, "{:<52} {measured:>10} {limit:>12} {}", row.name, row.verdict())?;
        }
        for (name, value) in &self.told {
            writeln!(f, "{name:<64} {value}")?;
        }
        Ok(())
    }
}

/// How busy the computer is: the load averages over 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<_> = text.split_whitespace().take(3).collect();
    if load.is_empty() { "unknown".to_owned() } else { load.join(" ") }
}

/// What it was measured on.
fn machine(load_before: &str) -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let output = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_else(|| "unknown".to_owned())
    };
    let (kernel, compiler) = (output("uname", &["-sr"]), output("rustc", &["--version"]));
    format!(
        "{model}, {cores} cores, {kernel}, {compiler}. Load (1, 5 and 15 min) before: \
         {load_before}; after: {}.",
        load()
    )
}
