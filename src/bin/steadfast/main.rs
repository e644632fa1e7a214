//! The command line, on the public API alone.

mod demo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps WebSocket connections alive.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Streams numbered messages through a server that misbehaves, and loses none.
    Demo(demo::Options),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Demo(options) => demo::run(&options),
    }
}
