//! A connection for scripts and for people: stdin goes out, what comes in goes to stdout.

use std::process::ExitCode;

use clap::Args;

#[derive(Args)]
pub(crate) struct Options {
    /// Where to connect; further ones stand in for it when it fails.
    #[arg(value_name = "URL")]
    urls: Vec<String>,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let _ = &options.urls;
    crate::exit::Exit::Usage.into()
}
