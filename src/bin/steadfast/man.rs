//! The manual, made of the same text as the help.

use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use crate::{Cli, args, console, exit::Exit};

const EXAMPLES: &str = "\
Examples:
  steadfast man | man -l -
  steadfast man serve > ~/.local/share/man/man1/steadfast-serve.1";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// The page of this command; that of `steadfast` itself without one.
    command: Option<String>,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let Some(page) = page(options.command.as_deref()) else {
        let name = options.command.as_deref().unwrap_or_default();
        let complaint = args::complaint(format_args!("there is no command {name:?}"));
        anstream::eprintln!("steadfast man: {complaint}");
        return Exit::Usage.into();
    };
    let mut roff = Vec::new();
    let man = Man::new(page).source(concat!("steadfast ", env!("CARGO_PKG_VERSION")));
    let rendered = man.render(&mut roff).map_err(|error| error.to_string());
    match rendered.and_then(|()| console::print(&roff)) {
        Ok(()) => Exit::Clean.into(),
        Err(error) => {
            anstream::eprintln!("steadfast man: {error}");
            Exit::GaveUp.into()
        }
    }
}

fn page(name: Option<&str>) -> Option<Command> {
    let mut all = Cli::command();
    // It gives each command the name by which it is called.
    all.build();
    match name {
        None => Some(all),
        Some(name) => {
            let command = all.find_subcommand(name)?.clone();
            let page = format!("steadfast-{name}");
            Some(command.name(page.clone()).display_name(page))
        }
    }
}
