//! A recorded trace, told to a machine once more.

mod difference;
mod timeline;
mod wrap;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde_json::json;
use steadfast::{
    Backoff,
    trace::{Entry, Reader},
};

use crate::{
    args,
    console::{self, DIM, GREEN, Out, RED, grouped},
    exit::Exit,
};
use difference::Difference;
use timeline::Timeline;

const MORE: &str = "\
Exit status:
  0  the machine answers as the recorded one did
  6  it does not, from this line on
  2  FILE is not a trace

Examples:
  steadfast connect --record trace.jsonl ws://127.0.0.1:9001/
  steadfast replay trace.jsonl
  steadfast replay -q trace.jsonl && echo same";

#[derive(Args)]
#[command(after_help = MORE)]
pub(crate) struct Options {
    /// What `connect --record` wrote; - for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the verdict alone.
    #[arg(short, long)]
    quiet: bool,
    /// Show each call, and not only the first of many alike.
    #[arg(short, long, conflicts_with = "quiet")]
    all: bool,
    /// Print the verdict as one JSON object.
    #[arg(long, conflicts_with_all = ["quiet", "all"])]
    json: bool,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let mut out = Out::stdout();
    let replayed = open(&options.file).and_then(|from| replay(from, options, &mut out));
    let replayed = replayed.map_err(|error| format!("{}: {error}", options.file.display()));
    let (exit, message) = match (replayed, out.finish()) {
        (Err(message), _) => (Exit::Usage, Some(message)),
        (Ok(_), Err(message)) => (Exit::GaveUp, Some(message)),
        (Ok(true), Ok(())) => (Exit::Clean, None),
        (Ok(false), Ok(())) => (Exit::Difference, None),
    };
    if let Some(message) = message {
        anstream::eprintln!("steadfast replay: {}", console::escaped(&args::complaint(message)));
    }
    exit.into()
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, String> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    Ok(Box::new(BufReader::new(file)))
}

/// Whether the machine answers as the recorded one did; an error if that cannot be told.
fn replay(
    from: impl BufRead,
    options: &Options,
    out: &mut Out<impl Write>,
) -> Result<bool, String> {
    let mut reader = Reader::new(from).map_err(|error| error.to_string())?;
    let policy = reader.head().policy_as::<Backoff>().map_err(|error| error.to_string())?;
    let mut machine = reader.head().machine(policy);
    let is_shown = !options.quiet && !options.json;
    let mut timeline = Timeline::new(options.all);
    let mut calls = 0;
    let mut difference = None;
    while let Some(expected) = reader.next() {
        let expected = expected.map_err(|error| {
            // What was read before it is shown before it.
            timeline.end(out);
            error.to_string()
        })?;
        calls += 1;
        let actual = Entry::of(&mut machine, expected.at, expected.event);
        if actual != expected {
            difference = Some(Difference { line: reader.line(), expected, actual });
            break;
        }
        if is_shown {
            timeline.tell(expected, out);
        }
    }
    timeline.end(out);
    let is_torn = reader.head().is_torn;
    if options.json {
        out.print(json(calls, is_torn, difference.as_ref()));
    } else {
        if let (Some(difference), true) = (&difference, is_shown) {
            out.print(difference);
        }
        out.print(verdict(calls, is_torn, difference.as_ref()));
    }
    Ok(difference.is_none())
}

fn json(calls: u64, is_torn: bool, difference: Option<&Difference>) -> String {
    let verdict = json!({
        "is_same": difference.is_none(),
        "calls": calls,
        "is_torn": is_torn,
        "line": difference.map(|difference| difference.line),
        "expected": difference.map(|difference| difference.expected),
        "actual": difference.map(|difference| difference.actual),
    });
    format!("{verdict:#}\n")
}

fn verdict(calls: u64, is_torn: bool, difference: Option<&Difference>) -> String {
    let torn = if is_torn { "; the last line is cut short" } else { "" };
    match difference {
        Some(Difference { line, .. }) => {
            format!(
                "{RED}different{RED:#}: line {line} is answered differently{DIM}{torn}{DIM:#}\n"
            )
        }
        None => {
            let calls = grouped(calls);
            format!(
                "{GREEN}same{GREEN:#}: {calls} calls are answered as recorded{DIM}{torn}{DIM:#}\n"
            )
        }
    }
}
