//! The demo: one client, one misbehaving server, one loopback socket at a time.

mod client;
mod report;
mod script;
mod server;
mod timeline;

use std::{process::ExitCode, rc::Rc};

use clap::Args;
use futures::future::{Either, select};

use report::Report;
use script::Script;
use server::Server;
use timeline::Timeline;

const EXAMPLES: &str = "\
Examples:
  steadfast demo
  steadfast demo --json --seed 1 | tail -n 1 | jq .missing";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Repeat the script with this number; a random one otherwise.
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Print the summary as one JSON object, on the last line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let seed = options.seed.unwrap_or_else(|| fastrand::u32(..));
    match async_io::block_on(play(seed)) {
        Ok(report) => {
            if options.json {
                anstream::println!("{}", report.json());
            } else {
                report.print();
            }
            if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            anstream::eprintln!("steadfast demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn play(seed: u32) -> Result<Report, Box<dyn std::error::Error>> {
    let timeline = Rc::new(Timeline::start());
    let server = Rc::new(Server::bind(Script::new(seed), timeline.clone())?);
    timeline.title(seed, server.address());
    let client = client::run(server.clone(), timeline.clone(), seed);
    match select(Box::pin(server.serve()), Box::pin(client)).await {
        Either::Left((never, _)) => match never {},
        Either::Right((outcome, _)) => Ok(Report::new(seed, outcome?, &server, timeline.elapsed())),
    }
}
