//! The state line: the last row of a terminal, rewritten in place. All else scrolls above it, what
//! is typed there is left alone, and each change is one write.

use std::io::{self, IsTerminal, Stderr, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use terminal_size::{Height, Width, terminal_size_of};

#[cfg(unix)]
use super::job::is_in_foreground;

/// With fewer rows there is nothing to scroll in.
const FEWEST_ROWS: u16 = 3;

/// The last row, ours until it is dropped.
pub(super) struct Screen {
    stderr: Stderr,
    in_color: bool,
    /// Rows and columns, as they were last; no rows if the last one is not ours yet.
    size: (u16, u16),
}

/// What the mark before the line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Good,
    Waiting,
    Ending,
}

impl Mood {
    fn style(self) -> Style {
        let color = match self {
            Self::Good => AnsiColor::Green,
            Self::Waiting => AnsiColor::Yellow,
            Self::Ending => AnsiColor::Cyan,
        };
        color.on_default().bold()
    }
}

impl Screen {
    /// If stderr is a terminal that can do it.
    pub(super) fn open() -> Option<Self> {
        let stderr = io::stderr();
        let is_dumb = match std::env::var_os("TERM") {
            Some(term) => term.is_empty() || term == "dumb",
            // Windows says nothing of its own.
            None => cfg!(unix),
        };
        if is_dumb || !stderr.is_terminal() || size(&stderr)?.0 < FEWEST_ROWS {
            return None;
        }
        let in_color = AutoStream::choice(&stderr) != ColorChoice::Never;
        Some(Self { stderr, in_color, size: (0, 0) })
    }

    pub(super) fn draw(&mut self, mood: Mood, text: &str) {
        let Some((rows, columns)) = size(&self.stderr).filter(|size| size.0 >= FEWEST_ROWS) else {
            return;
        };
        if !is_in_foreground(&self.stderr) {
            return;
        }
        let mut drawn = String::new();
        if self.size != (rows, columns) {
            // A line break makes room for the row; the rest scrolls above it (DECSTBM), which moves
            // the cursor, so it is kept meanwhile (DECSC, DECRC).
            let room = "\x1b7\x1b[r\x1b8\n";
            drawn.push_str(&format!("{room}\x1b7\x1b[1;{}r\x1b8\x1b[1A", rows - 1));
            self.size = (rows, columns);
        }
        let style = if self.in_color { mood.style() } else { Style::new() };
        let shown: String = text.chars().take(usize::from(columns).saturating_sub(3)).collect();
        drawn.push_str(&format!("\x1b7\x1b[{rows};1H\x1b[2K{style}●{style:#} {shown}\x1b8"));
        self.write(&drawn);
    }

    /// Leaves the terminal as it was, until the next line is drawn.
    pub(super) fn give_back(&mut self) {
        if let (rows @ 1.., _) = std::mem::take(&mut self.size) {
            // What was typed, or the echo of ^C, gives way to what is said last.
            self.write(&format!("\x1b7\x1b[r\x1b[{rows};1H\x1b[2K\x1b8\r\x1b[K"));
        }
    }

    // A terminal that is gone is no reason to fail.
    fn write(&mut self, text: &str) {
        let _ = self.stderr.write_all(text.as_bytes());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(not(unix))]
fn is_in_foreground(_: &Stderr) -> bool {
    true
}

fn size(stderr: &Stderr) -> Option<(u16, u16)> {
    let (Width(columns), Height(rows)) = terminal_size_of(stderr)?;
    Some((rows, columns))
}
