//! Writing to the terminal.

use std::{
    fmt::Display,
    io::{self, BufWriter, StdoutLock, Write},
};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

/// What is printed, with its colours where they are wanted.
pub(crate) struct Out<W: Write> {
    to: BufWriter<W>,
    error: Option<io::Error>,
}

impl Out<AutoStream<StdoutLock<'static>>> {
    pub(crate) fn stdout() -> Self {
        Self::new(anstream::stdout().lock())
    }
}

impl<W: Write> Out<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { to: BufWriter::new(to), error: None }
    }

    /// After an error, nothing is printed any more.
    pub(crate) fn print(&mut self, text: impl Display) {
        if self.error.is_none() {
            self.error = write!(self.to, "{text}").err();
        }
    }

    /// Why not everything could be printed. A reader that has had enough, as `head` has, is no
    /// error.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        let flushed = self.to.flush();
        printed(self.error.map_or(flushed, Err))
    }
}

/// Prints what is for programs, as it is.
pub(crate) fn print(bytes: &[u8]) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    printed(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

fn printed(written: io::Result<()>) -> Result<(), String> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to stdout: {error}"))
        }
        _ => Ok(()),
    }
}

/// What came from a file or from a peer, so that a terminal shows it and does not obey it. Lines
/// stay lines.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '"' | '\'' | '\\' => escaped.push(letter),
            _ => escaped.extend(letter.escape_debug()),
        }
    }
    escaped
}

/// A number that is not negative, the digits before its point in groups of three.
pub(crate) fn grouped(number: impl Display) -> String {
    let number = number.to_string();
    let (whole, places) = number.split_at(number.find('.').unwrap_or(number.len()));
    let groups = whole.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",") + places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_a_cursor_or_turn_a_line_around_is_escaped() {
        assert_eq!(escaped("a\u{1b}[31m\r\u{7}\u{9b}2J"), "a\\u{1b}[31m\\r\\u{7}\\u{9b}2J");
        assert_eq!(escaped("abc\u{202e}def\u{200b}"), "abc\\u{202e}def\\u{200b}");
        assert_eq!(escaped("it's \"größer\"\n  ^\n"), "it's \"größer\"\n  ^\n");
    }

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(grouped(format_args!("{:.1}", 3_600.04)), "3,600.0");
    }
}
