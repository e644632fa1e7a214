//! Stdout: written by a thread that may block, so that a reader who is slow holds up no heartbeat
//! and no ^C.

use std::{
    io::{self, IsTerminal, Stdout},
    pin::Pin,
    task::{Context, Poll},
};

use blocking::Unblock;
use data_encoding::BASE64;
use futures::AsyncWrite;
use steadfast::client::Message;

use super::input::{Format, Kind};
use crate::console::escaped;

/// How much waits for the thread before the connection is read no further, in bytes.
const ROOM: usize = 64 << 10;

pub(super) struct Output {
    thread: Unblock<Stdout>,
    format: Format,
    /// A program that reads a terminal obeys what it reads.
    is_terminal: bool,
    waiting: Vec<u8>,
    is_flushed: bool,
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let thread = Unblock::with_capacity(ROOM, stdout);
        Self { thread, format, is_terminal, waiting: Vec::new(), is_flushed: true }
    }

    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < ROOM
    }

    pub(super) fn message(&mut self, message: &Message) {
        match (message, self.format.kind) {
            (Message::Binary(bytes), Kind::Base64) => {
                self.payload(BASE64.encode(bytes).as_bytes());
            }
            (message, _) => self.payload(message.as_bytes()),
        }
    }

    fn payload(&mut self, payload: &[u8]) {
        match self.is_terminal {
            true => self.waiting.extend(harmless(payload).into_bytes()),
            false => self.waiting.extend(payload),
        }
        self.waiting.push(self.format.delimiter);
    }

    /// A line of our own.
    pub(super) fn line(&mut self, line: &str) {
        self.waiting.extend(line.as_bytes());
        self.waiting.push(b'\n');
    }

    /// Writes as much as it can. Ready when all of it has arrived, or will not.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            self.is_flushed = false;
            match Pin::new(&mut self.thread).poll_write(cx, &self.waiting) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => drop(self.waiting.drain(..written)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        if self.is_flushed {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.thread).poll_flush(cx).map(|flushed| {
            self.is_flushed = true;
            flushed
        })
    }
}

/// What a terminal shows of `payload`, and does not obey.
fn harmless(payload: &[u8]) -> String {
    let text = String::from_utf8_lossy(payload);
    text.split('\t').map(escaped).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(
            harmless("a\tü\n\u{1b}[2J\u{9b}1m\r".as_bytes()),
            "a\tü\n\\u{1b}[2J\\u{9b}1m\\r"
        );
        assert_eq!(harmless(b"\xff"), "\u{fffd}");
    }
}
