//! What a shell needs to complete a command line.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::{Cli, console, exit::Exit};

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
    match console::print(&script) {
        Ok(()) => Exit::Clean.into(),
        Err(error) => {
            anstream::eprintln!("steadfast completions: {error}");
            Exit::GaveUp.into()
        }
    }
}
