//! The command line, on the public API alone.

mod args;
mod connect;
mod console;
mod demo;
mod exit;
mod replay;
mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps WebSocket connections alive.
///
/// `steadfast URL` is short for `steadfast connect URL`.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Connects, and stays connected: stdin goes out, what comes in goes to stdout.
    ///
    /// Each line of stdin is one text message. What is typed or piped while there is no connection
    /// is kept, and sent in order once there is one. At the end of stdin all is sent, and the
    /// connection closed. Only what comes in goes to stdout; how the connection is goes to stderr.
    Connect(Box<connect::Options>),
    /// Streams numbered messages through a server that misbehaves, and loses none.
    Demo(demo::Options),
    /// Replays a recorded trace and shows it; ends with 6 at the first difference.
    Replay(replay::Options),
    /// Simulates a fleet that loses its server: what a retry policy costs.
    Simulate(simulate::Options),
}

fn main() -> ExitCode {
    match Cli::parse_from(args::command_line()).command {
        Command::Connect(options) => connect::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Replay(options) => replay::run(&options),
        Command::Simulate(options) => simulate::run(&options),
    }
}
