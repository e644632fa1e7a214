//! Stdin: messages, one after the other, on a thread of its own. It is read no further than there
//! is room.

use std::{
    fmt,
    io::{self, BufRead},
    thread,
    time::Duration,
};

use async_io::block_on;
use data_encoding::BASE64;
use futures::channel::oneshot;
use steadfast::client::{Handle, Message, SendError, SendErrorReason};

use super::options::Messages;

/// The longest message that is read, in bytes.
const LONGEST: usize = 16 << 20;
/// Before stdin is looked at again, if another program has made it non-blocking.
const PAUSE: Duration = Duration::from_millis(10);

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) kind: Kind,
    /// What ends each.
    pub(super) delimiter: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
    Base64,
}

impl Format {
    pub(super) fn of(messages: &Messages) -> Self {
        let kind = match (messages.base64, messages.binary) {
            (true, _) => Kind::Base64,
            (false, true) => Kind::Binary,
            (false, false) => Kind::Text,
        };
        Self { kind, delimiter: if messages.null { 0 } else { b'\n' } }
    }
}

/// Why there is nothing more to send.
#[derive(Debug)]
pub(super) enum InputEnd {
    /// All of it has been read.
    Over,
    /// It cannot be gone on with.
    Failed(InputError),
    /// As many messages are kept as may be.
    Full,
    /// The connection takes no more, and will not.
    Refused,
}

#[derive(Debug)]
pub(super) enum InputError {
    Io(io::Error),
    NotUtf8 { number: u64 },
    NotBase64 { number: u64 },
    TooLong { number: u64 },
    ExecuteNotBase64 { number: u64 },
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "stdin cannot be read: {error}"),
            Self::NotUtf8 { number } => {
                write!(f, "line {number} of stdin is not UTF-8; --binary sends bytes as they are")
            }
            Self::NotBase64 { number } => write!(f, "line {number} of stdin is not base64"),
            Self::ExecuteNotBase64 { number } => {
                write!(f, "the text of --execute number {number} is not base64")
            }
            Self::TooLong { number } => {
                write!(f, "line {number} of stdin is longer than {} MiB", LONGEST >> 20)
            }
        }
    }
}

/// Sends `texts` or, if there are none, what is on stdin. Answers once, when all is accepted.
pub(super) fn send(
    handle: Handle,
    texts: Vec<String>,
    format: Format,
) -> oneshot::Receiver<InputEnd> {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || {
        let end = match texts.is_empty() {
            true => give(&handle, Lines { from: io::stdin().lock(), format, number: 0 }),
            false => {
                let texts = (1..).zip(texts);
                give(&handle, texts.map(|(number, text)| executed(format.kind, number, text)))
            }
        };
        // Whoever asked may have left.
        let _ = tell.send(end);
    });
    told
}

/// The message that one `--execute` asks for.
fn executed(kind: Kind, number: u64, text: String) -> Result<Message, InputError> {
    match kind {
        Kind::Text => Ok(Message::text(text)),
        Kind::Binary => Ok(Message::binary(text.into_bytes())),
        Kind::Base64 => BASE64
            .decode(text.trim().as_bytes())
            .map(Message::binary)
            .map_err(|_| InputError::ExecuteNotBase64 { number }),
    }
}

fn give(
    handle: &Handle,
    messages: impl IntoIterator<Item = Result<Message, InputError>>,
) -> InputEnd {
    for message in messages {
        let sent = match message {
            Ok(message) => handle.try_send(message),
            Err(error) => return InputEnd::Failed(error),
        };
        // To wait costs more than to try, and has to be done only for room.
        let sent = sent.or_else(|error| match error {
            SendError { message: Some(message), reason: SendErrorReason::Full, .. } => {
                block_on(handle.send(message))
            }
            error => Err(error),
        });
        match sent.map_err(|error| error.reason) {
            Ok(()) => {}
            Err(SendErrorReason::Full) => return InputEnd::Full,
            Err(_) => return InputEnd::Refused,
        }
    }
    InputEnd::Over
}

struct Lines<R> {
    from: R,
    format: Format,
    /// Of the line read last, from 1.
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Reads as far as the delimiter and leaves that out; `None` at the end.
    fn line(&mut self) -> Result<Option<Vec<u8>>, InputError> {
        let mut line = Vec::new();
        self.number += 1;
        loop {
            let available = match self.from.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    thread::sleep(PAUSE);
                    continue;
                }
                Err(error) => return Err(InputError::Io(error)),
            };
            let found = available.iter().position(|byte| *byte == self.format.delimiter);
            let length = found.unwrap_or(available.len());
            if line.len() + length > LONGEST {
                return Err(InputError::TooLong { number: self.number });
            }
            line.extend_from_slice(&available[..length]);
            let is_over = available.is_empty();
            self.from.consume(length + usize::from(found.is_some()));
            match (found, is_over) {
                (Some(_), _) => return Ok(Some(line)),
                (None, true) => return Ok((!line.is_empty()).then_some(line)),
                (None, false) => {}
            }
        }
    }

    fn message(&self, mut line: Vec<u8>) -> Result<Message, InputError> {
        let number = self.number;
        // As Windows ends lines. Bytes are left as they are.
        let is_of_text = self.format.delimiter == b'\n' && self.format.kind != Kind::Binary;
        if is_of_text && line.ends_with(b"\r") {
            line.pop();
        }
        match self.format.kind {
            Kind::Text => String::from_utf8(line)
                .map(Message::text)
                .map_err(|_| InputError::NotUtf8 { number }),
            Kind::Binary => Ok(Message::binary(line)),
            Kind::Base64 => BASE64
                .decode(line.trim_ascii())
                .map(Message::binary)
                .map_err(|_| InputError::NotBase64 { number }),
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Message, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.line().transpose()?;
        Some(line.and_then(|line| self.message(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, delimiter: u8, from: &[u8]) -> Vec<Result<Message, String>> {
        let lines = Lines { from, format: Format { kind, delimiter }, number: 0 };
        let mut read = Vec::new();
        for line in lines {
            read.push(line.map_err(|error| error.to_string()));
            // Nothing is read after an error, and a line that is too long has no end.
            if let Some(Err(_)) = read.last() {
                break;
            }
        }
        read
    }

    fn texts(texts: &[&str]) -> Vec<Result<Message, String>> {
        texts.iter().map(|text| Ok(Message::text(*text))).collect()
    }

    #[test]
    fn each_line_is_a_message_and_so_is_what_follows_the_last() {
        assert_eq!(read(Kind::Text, b'\n', b"a\r\n\nb\nc"), texts(&["a", "", "b", "c"]));
        assert_eq!(read(Kind::Text, b'\n', b"a\n"), texts(&["a"]));
        assert_eq!(read(Kind::Text, b'\n', b""), []);
        assert_eq!(read(Kind::Text, 0, b"a\r\n\0b\0"), texts(&["a\r\n", "b"]));
    }

    #[test]
    fn bytes_are_left_as_they_are_and_base64_is_decoded() {
        let binary = |bytes: &[u8]| Ok(Message::binary(bytes.to_vec()));
        assert_eq!(read(Kind::Binary, b'\n', b"\xff\r\n\0"), [binary(b"\xff\r"), binary(b"\0")]);
        assert_eq!(read(Kind::Base64, b'\n', b"/wA=\r\n\n"), [binary(b"\xff\0"), binary(b"")]);
    }

    #[test]
    fn a_line_that_cannot_be_sent_is_named_by_its_number() {
        let of = |kind, from: &[u8]| read(kind, b'\n', from).pop().unwrap().unwrap_err();
        let not_utf8 = "line 2 of stdin is not UTF-8; --binary sends bytes as they are";
        assert_eq!(of(Kind::Text, b"a\n\xff"), not_utf8);
        assert_eq!(of(Kind::Base64, b"====\n"), "line 1 of stdin is not base64");
        let long = vec![b'x'; LONGEST + 1];
        assert_eq!(of(Kind::Text, &long), "line 1 of stdin is longer than 16 MiB");
        assert!(read(Kind::Text, b'\n', &long[1..])[0].is_ok());
    }
}
