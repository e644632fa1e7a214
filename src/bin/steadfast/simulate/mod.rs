//! The fleet simulator: what a policy costs when a service restarts.

mod file;
mod policy;
mod progress;
mod report;
mod scenario;
mod sparkline;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, value_parser};
use steadfast::{
    Seed,
    fleet::{Fleet, FleetError, Report, Scenario},
};

use crate::{
    args,
    console::{self, Out},
    exit::Exit,
};
use file::Output;
use policy::Strategy;
use progress::Bar;
use scenario::Story;

const MORE: &str = "\
Policies:
  full, equal, decorrelated, none   those of the textbooks; none has no jitter
  default, fleet                    ours; fleet is for clients by the thousand
  FILE                              a Backoff in TOML or JSON: cap = \"60s\"

Scenarios:
  restart      all lose the connection at once, with 1012
  rolling      ten instances restart, one every 30 s, with 1012
  drain        a balancer sends all away within 60 s, with 1001
  flap         five times down for 10 s and up for 5 s, with resets
  outage       dark for 5 min, then a quarter of the server more every 30 s
  cold-start   all connect for the first time, at once

Examples:
  steadfast simulate --policy full
  steadfast simulate --policy default --hint 100s --svg storm.svg
  steadfast simulate --policy my-policy.toml --scenario outage --json";

#[derive(Args)]
#[command(after_help = MORE)]
pub(crate) struct Options {
    /// How many clients.
    #[arg(long, value_name = "N", default_value = "100000")]
    #[arg(value_parser = value_parser!(u32).range(1..=10_000_000))]
    clients: u32,
    /// How many connections a second the server takes.
    #[arg(long, value_name = "N", default_value = "1000")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    capacity: u32,
    /// How many wait for it at most; others are refused.
    #[arg(long, value_name = "N", default_value = "128")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    backlog: u32,
    /// When the clients try again.
    #[arg(long, value_name = "NAME|FILE", default_value = "fleet", value_parser = policy::parse)]
    policy: Strategy,
    /// What happens.
    #[arg(long, value_name = "NAME", default_value = "restart", hide_possible_values = true)]
    scenario: Story,
    /// Over how long the server asks its clients to spread.
    #[arg(long, value_name = "TIME", value_parser = args::duration)]
    hint: Option<Duration>,
    /// Where all randomness comes from.
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// When the simulation ends at the latest.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = args::duration)]
    horizon: Duration,
    /// Draw attempts and connected clients over time.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write them as a table.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let outcome = simulate(options);
    if let Err((_, message)) = &outcome {
        anstream::eprintln!("steadfast simulate: {}", console::escaped(&args::complaint(message)));
    }
    outcome.map_or_else(|(exit, _)| exit.into(), |()| Exit::Clean.into())
}

fn simulate(options: &Options) -> Result<(), (Exit, String)> {
    let unusable = |message| (Exit::Usage, message);
    let scenario = options.scenario.with_hint(options.hint).map_err(unusable)?;
    let fleet = fleet(options, scenario).map_err(|error| unusable(error.to_string()))?;
    // What cannot be written is told now and not after minutes.
    let open = |path: &Option<PathBuf>| path.as_deref().map(Output::open).transpose();
    let (svg, csv) = (open(&options.svg).map_err(unusable)?, open(&options.csv).map_err(unusable)?);

    let mut bar = Bar::new(options.clients);
    let report = options.policy.run(&fleet, |progress| bar.tell(progress));
    drop(bar);

    let mut out = Out::stdout();
    if options.json {
        out.print(report::json(&report));
    } else {
        out.print(report::Text(&report));
    }
    // One that cannot be written takes none of the others with it.
    let written = [out.finish(), draw(&report, svg), tabulate(&report, csv)];
    written.into_iter().collect::<Result<(), _>>().map_err(|message| (Exit::GaveUp, message))
}

fn fleet(options: &Options, scenario: Scenario) -> Result<Fleet, FleetError> {
    Fleet::builder()
        .with_clients(options.clients)
        .with_capacity_per_second(options.capacity)
        .with_backlog(options.backlog)
        .with_scenario(scenario)
        .with_seed(Seed::new(options.seed))
        .with_horizon(options.horizon)
        .build()
}

fn draw(report: &Report, to: Option<Output>) -> Result<(), String> {
    let Some(to) = to else { return Ok(()) };
    let svg = report.to_svg().map_err(|error| error.to_string())?;
    to.write(svg.as_bytes())
}

fn tabulate(report: &Report, to: Option<Output>) -> Result<(), String> {
    let Some(to) = to else { return Ok(()) };
    let mut csv = Vec::new();
    report.write_csv(&mut csv).map_err(|error| error.to_string())?;
    to.write(&csv)
}
