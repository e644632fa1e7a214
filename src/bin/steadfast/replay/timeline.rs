//! Calls as they are read, a few lines each.

use std::{fmt, io::Write};

use anstyle::Style;
use steadfast::{
    State,
    trace::{Entry, Row},
};

use super::wrap::{COLUMNS, wrapped};
use crate::console::{BOLD, CYAN, DIM, GREEN, Out, RED, YELLOW, grouped};

const TIME: usize = 10;
const STATE: usize = 10;
/// Where what is said begins: after time and state.
const INDENT: usize = TIME + 2 + STATE + 2;
const WIDTH: usize = COLUMNS - INDENT;

/// What is told, and how much of what is alike has been held back.
pub(super) struct Timeline {
    shows_all: bool,
    last: Option<Entry>,
    held_back: u64,
}

impl Timeline {
    pub(super) fn new(shows_all: bool) -> Self {
        Self { shows_all, last: None, held_back: 0 }
    }

    pub(super) fn tell(&mut self, entry: Entry, out: &mut Out<impl Write>) {
        match self.last.replace(entry) {
            None => out.print(format_args!(
                "{DIM}{:>TIME$}  {:STATE$}  event, actions, wake{DIM:#}\n",
                "seconds", "state"
            )),
            Some(before) if !self.shows_all && is_alike(&before, &entry) => {
                self.held_back += 1;
                return;
            }
            Some(before) => self.release(&before, out),
        }
        out.print(Told(&entry));
    }

    /// Shows what is still held back.
    pub(super) fn end(&mut self, out: &mut Out<impl Write>) {
        if let Some(last) = self.last.take() {
            self.release(&last, out);
            out.print("\n");
        }
    }

    fn release(&mut self, last: &Entry, out: &mut Out<impl Write>) {
        match std::mem::take(&mut self.held_back) {
            0 => {}
            1 => out.print(Told(last)),
            more => {
                let (more, wake) = (grouped(more), Row::from(last).wake);
                out.print(format_args!(
                    "{DIM}{:>TIME$}  {:STATE$}  {more} more of these; {wake}{DIM:#}\n",
                    seconds(last),
                    "",
                ));
            }
        }
    }
}

/// Nothing came of either but another wake.
fn is_alike(before: &Entry, entry: &Entry) -> bool {
    let is_quiet = |entry: &Entry| entry.step.actions.is_empty();
    is_quiet(before)
        && is_quiet(entry)
        && (before.event, before.step.outcome, before.state)
            == (entry.event, entry.step.outcome, entry.state)
}

pub(super) fn seconds(entry: &Entry) -> String {
    let millis = entry.at.as_nanos() / 1_000_000;
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

struct Told<'a>(&'a Entry);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { state, event, actions, wake, .. } = Row::from(self.0);
        let style = style(self.0.state);
        write!(f, "{DIM}{:>TIME$}{DIM:#}  {style}{state:STATE$}{style:#}  ", seconds(self.0))?;
        // A state that is longer than its column takes from the event's.
        let room = WIDTH - state.chars().count().saturating_sub(STATE);
        let event = wrapped(&event, room).into_iter().map(|line| (BOLD, line));
        let actions = actions.iter().flat_map(|action| wrapped(&format!("→ {action}"), WIDTH));
        let lines: Vec<_> = event.chain(actions.map(|line| (Style::new(), line))).collect();
        let mut last = 0;
        for (number, (style, line)) in lines.iter().enumerate() {
            if number > 0 {
                write!(f, "\n{:INDENT$}", "")?;
            }
            write!(f, "{style}{line}{style:#}")?;
            last = line.chars().count();
        }
        if last + 2 + wake.chars().count() > room {
            write!(f, "\n{:INDENT$}", "")?;
        } else {
            write!(f, "{DIM};{DIM:#} ")?;
        }
        writeln!(f, "{DIM}{wake}{DIM:#}")
    }
}

fn style(state: State) -> Style {
    match state {
        State::Open => GREEN,
        State::Connecting | State::Closing => YELLOW,
        State::Backoff | State::Offline => RED,
        State::Closed(_) => BOLD,
        _ => CYAN,
    }
}
