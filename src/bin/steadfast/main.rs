//! The command line, on the public API alone.

mod args;
mod check;
mod completions;
mod connect;
mod console;
mod demo;
mod exit;
mod interrupt;
mod man;
mod replay;
mod serve;
mod simulate;
mod wire;

use std::{ffi::OsString, io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  steadfast wss://example.org/feed         talk to a server, over its restarts
  steadfast check wss://example.org/feed   is it healthy?
  steadfast serve --chaos 'drop=5%'        a bad server to try clients with
  steadfast demo                           see it all work

`steadfast URL` is short for `steadfast connect URL`.";

/// Keeps WebSocket connections alive.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 80, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Connects stdin and stdout to a server, and stays connected.
    Connect(Box<connect::Options>),
    /// Pings a server: a table, and an exit status for health checks.
    Check(Box<check::Options>),
    /// Echoes, and goes wrong as it is told: for trying clients.
    Serve(serve::Options),
    /// Simulates a fleet that loses its server: what a policy costs.
    Simulate(simulate::Options),
    /// Replays a recorded trace, up to the first difference.
    Replay(replay::Options),
    /// Streams numbered messages through faults, and loses none.
    Demo(demo::Options),
    /// Prints the completions for a shell.
    Completions(completions::Options),
    /// Prints a page of the manual, as roff.
    Man(man::Options),
}

/// Shows the help or the version, or says what is wrong with the arguments.
fn refused(error: &clap::Error, arguments: &[OsString]) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let text = args::without_secrets(error.render().ansi().to_string(), arguments);
    // If nobody reads it, it is not for us to fail.
    let _ = write!(anstream::stderr(), "{text}");
    std::process::exit(error.exit_code())
}

fn main() -> ExitCode {
    let arguments = args::command_line();
    let cli = Cli::try_parse_from(&arguments).unwrap_or_else(|error| refused(&error, &arguments));
    match cli.command {
        Command::Connect(options) => connect::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Serve(options) => serve::run(options),
        Command::Simulate(options) => simulate::run(&options),
        Command::Replay(options) => replay::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Completions(options) => completions::run(&options),
        Command::Man(options) => man::run(&options),
    }
}
