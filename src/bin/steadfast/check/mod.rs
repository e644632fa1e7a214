//! A health check: one connection, a few pings, and an exit status.

mod pinging;
mod report;

use std::{error::Error, io::Write, process::ExitCode, time::Duration};

use clap::Args;
use steadfast::transport::Url;

use self::{pinging::Pinging, report::Report};
use crate::{
    args::{complaint, duration},
    connect::{Request, setup},
    console::Out,
    exit::Exit,
    interrupt,
};

const EXAMPLES: &str = "\
Examples:
  steadfast check wss://example.org/feed
  steadfast check -q --timeout 1s ws://127.0.0.1:9001/ || systemctl restart feed
  steadfast check --json -n 10 wss://host/ | jq .median_ms

Exit status: 0 all pings were answered; 1 no connection, or no answer in time;
2 bad arguments; 3 refused for good (401, 403, 404, subprotocol); 4 closed by
the peer; 5 protocol or TLS error.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// What to check: ws:// or wss://.
    #[arg(value_name = "URL")]
    url: String,
    /// How many pings to send, one after the other.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// How long to wait after each answer.
    #[arg(short, long, value_name = "DURATION", value_parser = duration, default_value = "200ms")]
    interval: Duration,
    /// How long the server has to answer each ping.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5s")]
    timeout: Duration,
    /// Print one JSON object in place of the table.
    #[arg(long)]
    json: bool,
    /// Print nothing but why it is not healthy.
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    #[command(flatten)]
    request: Request,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    match check(options) {
        Ok(exit) => exit.into(),
        Err(error) => {
            say(&complaint(error));
            Exit::Usage.into()
        }
    }
}

/// # Errors
///
/// If the options cannot work.
fn check(options: &Options) -> Result<Exit, Box<dyn Error>> {
    if options.request.insecure && !(options.quiet || options.json) {
        say(&format!("warning: {}", setup::INSECURE));
    }
    let dialers = setup::dialers(std::slice::from_ref(&options.url), &options.request)?;
    let dialer = dialers.into_iter().next().ok_or("a URL is missing")?;
    let url: Url = dialer.url().clone();
    let pinging = Pinging {
        count: options.count,
        interval: options.interval,
        timeout: options.timeout,
        connect_timeout: options.request.connect_timeout,
        session: setup::session(&options.request)?,
    };
    let interrupted = interrupt::watch()?;
    let names = [("connect_timeout", "--connect-timeout"), ("probe_timeout", "--timeout")];
    let pinged = async_io::block_on(pinging.run(dialer, interrupted))
        .map_err(|error| setup::by_option(&error, &names))?;
    let report = Report::new(url, pinged);
    let mut out = Out::stdout();
    if options.json {
        out.print(format_args!("{}\n", report.json()));
    } else if !options.quiet {
        out.print(&report);
    }
    let printed = out.finish();
    if let Some(reason) = report.reason().filter(|_| !options.json) {
        say(&reason);
    }
    // What has been found counts more than who is told.
    match (report.exit(), printed) {
        (Exit::Clean, Err(error)) => {
            say(&error);
            Ok(Exit::GaveUp)
        }
        (exit, _) => Ok(exit),
    }
}

/// A line on stderr. If nobody reads it, it is not for us to fail.
fn say(what: &str) {
    let _ = writeln!(anstream::stderr(), "steadfast check: {what}");
}
