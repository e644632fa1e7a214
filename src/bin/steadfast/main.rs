//! The command line, on the public API alone.

mod args;
mod check;
mod completions;
mod connect;
mod demo;
mod exit;
mod interrupt;
mod man;
mod serve;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps WebSocket connections alive.
///
/// `steadfast URL` is short for `steadfast connect URL`.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true, max_term_width = 80)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Connects, and stays connected: stdin goes out, what comes in goes to stdout.
    Connect(Box<connect::Options>),
    /// Pings a server a few times: a table, and an exit status for health checks.
    Check(Box<check::Options>),
    /// Streams numbered messages through a server that misbehaves, and loses none.
    Demo(demo::Options),
    /// Answers with what it gets, and goes wrong as it is told, for trying clients.
    Serve(serve::Options),
    /// Prints the completions for a shell.
    Completions(completions::Options),
    /// Prints a page of the manual, as roff.
    Man(man::Options),
}

fn main() -> ExitCode {
    match Cli::parse_from(args::command_line()).command {
        Command::Connect(options) => connect::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Serve(options) => serve::run(options),
        Command::Completions(options) => completions::run(&options),
        Command::Man(options) => man::run(&options),
    }
}
