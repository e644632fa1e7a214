//! What a shell needs to complete a command line.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::Cli;

const EXAMPLES: &str = "\
Examples:
  steadfast completions bash | sudo tee /etc/bash_completion.d/steadfast
  steadfast completions zsh > ~/.zfunc/_steadfast
  steadfast completions fish > ~/.config/fish/completions/steadfast.fish";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Which shell.
    shell: Shell,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let mut script = Vec::new();
    generate(options.shell, &mut Cli::command(), "steadfast", &mut script);
    match io::stdout().write_all(&script) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
