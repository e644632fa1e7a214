//! What the server tells: lines for people on stderr, or NDJSON on stdout.

use std::{borrow::Cow, cell::Cell, fmt, net::SocketAddr, time::Instant};

use anstyle::Style;
use data_encoding::BASE64;
use serde::Serialize;
use steadfast::client::Message;

use super::{
    chaos::Trouble,
    output::{Full, Output, To},
};
use crate::console::{DIM, GREEN, RED, YELLOW};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Nothing but the URL.
    Quiet,
    Lines,
    Json,
}

/// The schema is in `docs/cli.md`.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event<'a> {
    Listening {
        url: String,
        chaos: String,
        seed: u32,
    },
    Up {
        connection: u64,
        peer: SocketAddr,
        path: &'a str,
    },
    Message {
        connection: u64,
        kind: &'static str,
        data: Cow<'a, str>,
    },
    Fault {
        connection: u64,
        #[serde(flatten)]
        fault: Fault,
    },
    Closed {
        connection: u64,
        by: Side,
        code: u16,
        reason: &'a str,
    },
    /// There was no upgrade.
    Failed {
        connection: u64,
        cause: String,
    },
    /// As many connections are open as may be.
    Full {
        connections: usize,
    },
    /// Nobody has read fast enough to be told of so many.
    Missed {
        events: u64,
    },
    Stopped {
        reason: &'static str,
        exit: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    Client,
    Server,
}

#[derive(Debug, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub(crate) enum Fault {
    Refuse { http_status: u16 },
    Drop,
    Rst,
    Close { code: u16 },
    Stall { duration_ms: u64 },
    Mute { duration_ms: u64 },
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        let millis =
            |span: super::chaos::Span| u64::try_from(span.get().as_millis()).unwrap_or(u64::MAX);
        match trouble {
            Trouble::Drop => Self::Drop,
            Trouble::Reset => Self::Rst,
            Trouble::Close(code) => Self::Close { code: code.get() },
            Trouble::Stall(span) => Self::Stall { duration_ms: millis(span) },
            Trouble::Mute(span) => Self::Mute { duration_ms: millis(span) },
        }
    }
}

pub(crate) struct Log {
    start: Instant,
    form: Form,
    output: Output,
    /// How many events could not be told since the last that could.
    missed: Cell<u64>,
}

#[derive(Serialize)]
struct Line<'a> {
    t_ms: u64,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

impl Log {
    pub(crate) fn new(form: Form) -> Self {
        Self { start: Instant::now(), form, output: Output::start(), missed: Cell::new(0) }
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        let events = self.missed.get();
        let told = match events {
            0 => Ok(()),
            _ => self.write(&Event::Missed { events }).map(|()| self.missed.set(0)),
        };
        if told.and_then(|()| self.write(event)).is_err() {
            self.missed.set(self.missed.get() + 1);
        }
    }

    pub(crate) fn message(&self, connection: u64, message: &Message) {
        if self.form != Form::Json {
            return;
        }
        let (kind, data) = match message.as_text() {
            Some(text) => ("text", text.into()),
            None => ("binary", BASE64.encode(message.as_bytes()).into()),
        };
        self.tell(&Event::Message { connection, kind, data });
    }

    /// To be called at the end, or the last lines are lost.
    pub(crate) fn finish(self) {
        self.output.finish();
    }

    fn write(&self, event: &Event<'_>) -> Result<(), Full> {
        let elapsed = self.start.elapsed();
        if self.form == Form::Json {
            let t_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            let line = serde_json::to_string(&Line { t_ms, event }).unwrap_or_default();
            return self.output.line(To::Stdout, line);
        }
        if let Event::Listening { url, .. } = event {
            self.output.line(To::Stdout, url.clone())?;
        }
        match event.label().filter(|_| self.form == Form::Lines) {
            None => Ok(()),
            Some((style, label)) => {
                let at = elapsed.as_secs_f64();
                let label = format!("{style}{label:<8}{style:#}");
                self.output.line(To::Stderr, format!("{DIM}{at:>8.3}s{DIM:#}  {label}  {event}"))
            }
        }
    }
}

impl Event<'_> {
    /// How a line about it begins; `None` if there is none.
    fn label(&self) -> Option<(Style, &'static str)> {
        match self {
            Self::Message { .. } => None,
            Self::Listening { .. } => Some((DIM, "ready")),
            Self::Up { .. } => Some((GREEN, "open")),
            Self::Fault { .. } => Some((YELLOW, "fault")),
            Self::Closed { .. } => Some((DIM, "closed")),
            Self::Failed { .. } => Some((RED, "failed")),
            Self::Full { .. } => Some((RED, "full")),
            Self::Missed { .. } => Some((RED, "missed")),
            Self::Stopped { .. } => Some((DIM, "stopped")),
        }
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { chaos, .. } if chaos.is_empty() => {
                f.write_str("answers with what it gets; ^C stops it")
            }
            Self::Listening { chaos, seed, .. } => {
                write!(f, "--seed {seed} --chaos '{chaos}'; ^C stops it")
            }
            Self::Up { connection, peer, path } => write!(f, "#{connection}  {peer} {path}"),
            Self::Message { connection, kind, .. } => write!(f, "#{connection}  {kind}"),
            Self::Fault { connection, fault } => write!(f, "#{connection}  {fault}"),
            Self::Closed { connection, by, code, reason } => {
                let code = steadfast::CloseCode::new(*code);
                let by = match by {
                    Side::Client => "the client",
                    Side::Server => "the server",
                };
                write!(f, "#{connection}  by {by}, {code}")?;
                match reason.is_empty() {
                    true => Ok(()),
                    false => write!(f, " {reason:?}"),
                }
            }
            Self::Failed { connection, cause } => write!(f, "#{connection}  {cause}"),
            Self::Full { connections } => {
                write!(f, "{connections} connections are open, further ones wait")
            }
            Self::Missed { events } => write!(f, "{events} lines that were not read in time"),
            Self::Stopped { reason, .. } => f.write_str(reason),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse { http_status } => write!(f, "refuses the upgrade: HTTP {http_status}"),
            Self::Drop => f.write_str("drops the connection"),
            Self::Rst => f.write_str("resets the connection"),
            Self::Close { code } => write!(f, "closes with {code}"),
            Self::Stall { duration_ms } => write!(f, "answers only after {duration_ms} ms"),
            Self::Mute { duration_ms } => write!(f, "is deaf and mute for {duration_ms} ms"),
        }
    }
}
