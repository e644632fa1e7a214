//! What happens, for programs: `docs/cli.md` has the schema.

use data_encoding::BASE64;
use serde::Serialize;
use std::time::Duration;
use steadfast::{
    CloseCode, Failure, FailureKind, Next,
    client::{Down, Event, Message, SharedError},
};

use super::ending::cause;

/// A line.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    /// Milliseconds since the start of the program.
    pub(super) t_ms: u64,
    #[serde(flatten)]
    pub(super) told: Told<'a>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Told<'a> {
    State {
        from: Name,
        to: Name,
        /// 0 for the first dial, n for the n-th retry since the link was last stable.
        attempt: u32,
        cause: Option<String>,
    },
    Retry {
        attempt: u32,
        /// `None` while there is no network.
        delay_ms: Option<u64>,
        cause: Option<String>,
    },
    Up {
        reconnected: bool,
        downtime_ms: u64,
        session: String,
    },
    Message {
        kind: &'static str,
        data: &'a str,
    },
    #[serde(rename = "message")]
    Binary {
        kind: &'static str,
        data: String,
    },
    Rtt {
        ms: f64,
    },
    Undelivered {
        count: u64,
    },
    Unconfirmed {
        count: u64,
    },
    Closed {
        code: u16,
        reason: String,
    },
    Stopped {
        reason: String,
        http_status: Option<u16>,
        close_code: Option<u16>,
        exit: u8,
    },
}

/// The name of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Name {
    Idle,
    Connecting,
    Open,
    Closing,
    Backoff,
    Offline,
    Closed,
}

/// Turns events into lines. It remembers what one event leaves for a later one to tell.
pub(super) struct Translator {
    state: Name,
    attempt: u32,
    cause: Option<String>,
}

impl Translator {
    pub(super) fn new() -> Self {
        Self { state: Name::Idle, attempt: 0, cause: None }
    }

    /// What `event` says. `farewell` is the Close that we send if we end it.
    pub(super) fn translate<'a>(
        &mut self,
        event: &'a Event,
        farewell: (CloseCode, &str),
    ) -> Vec<Told<'a>> {
        match event {
            Event::Dialing { attempt } => {
                self.attempt = *attempt;
                vec![self.to(Name::Connecting)]
            }
            Event::Up(up) => {
                self.cause = None;
                let session = up.session.to_string();
                let downtime_ms = millis(up.downtime);
                let up = Told::Up { reconnected: up.reconnected, downtime_ms, session };
                vec![self.to(Name::Open), up]
            }
            Event::Message(Message::Text(data)) => vec![Told::Message { kind: "text", data }],
            Event::Message(Message::Binary(bytes)) => {
                vec![Told::Binary { kind: "binary", data: BASE64.encode(bytes) }]
            }
            Event::RoundTrip(round_trip) => {
                let micros = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX);
                vec![Told::Rtt { ms: f64::from(micros) / 1_000.0 }]
            }
            Event::Down(down) => {
                let (code, reason) = closed(down, farewell);
                let mut told = vec![Told::Closed { code, reason }];
                if down.unflushed > 0 {
                    told.push(Told::Undelivered { count: down.unflushed });
                }
                told.extend(self.failed(down.failure, down.error.as_ref(), down.next));
                told
            }
            Event::DialFailed(failed) => {
                self.failed(Some(failed.failure), failed.error.as_ref(), failed.next)
            }
            Event::Unsent(unsent) => vec![Told::Undelivered { count: unsent.count }],
            Event::Rescheduled { next } => self.next(*next),
            Event::Closed { .. } => vec![self.to(Name::Closed)],
            _ => Vec::new(),
        }
    }

    /// The closing handshake has begun.
    pub(super) fn closing(&mut self) -> Told<'static> {
        self.to(Name::Closing)
    }

    fn failed(
        &mut self,
        failure: Option<Failure>,
        error: Option<&SharedError>,
        next: Next,
    ) -> Vec<Told<'static>> {
        self.cause = failure.map(|failure| cause(failure, error));
        self.next(next)
    }

    fn next(&mut self, next: Next) -> Vec<Told<'static>> {
        let (state, attempt, delay_ms) = match next {
            Next::Retry { attempt, delay } => (Name::Backoff, attempt, Some(millis(delay))),
            Next::Offline { attempt } => (Name::Offline, attempt, None),
            // What follows tells of it.
            _ => return Vec::new(),
        };
        self.attempt = attempt;
        let changed = (self.state != state).then(|| self.to(state));
        let retry = Told::Retry { attempt, delay_ms, cause: self.cause.clone() };
        changed.into_iter().chain([retry]).collect()
    }

    fn to(&mut self, to: Name) -> Told<'static> {
        let from = std::mem::replace(&mut self.state, to);
        Told::State { from, to, attempt: self.attempt, cause: self.cause.clone() }
    }
}

/// The code and reason with which a connection has ended: the peer's, ours, or 1006 if it ended
/// without a Close.
fn closed(down: &Down, farewell: (CloseCode, &str)) -> (u16, String) {
    let code = match down.failure.map(Failure::kind) {
        None => return (farewell.0.get(), farewell.1.to_owned()),
        Some(FailureKind::Closed(code) | FailureKind::Violation(code)) => code,
        Some(_) => CloseCode::ABNORMAL,
    };
    (code.get(), down.close_reason.clone().unwrap_or_default())
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
