//! What the application is told, in order.

use std::{error::Error, fmt, time::Duration};

use super::{Message, SessionId, SharedError, Unsent};
use crate::{ClosedReason, Epoch, Failure, Next, time::Brief};

/// An item of the stream of a [`Connection`](super::Connection) or a [`Driver`](super::Driver).
///
/// [`Up`](Self::Up) and [`Down`](Self::Down) alternate, and messages come only between the two. A
/// message after an `Up` with `reconnected` belongs to a new connection: resynchronise before you
/// rely on it.
///
/// It is as large as a message, and what is larger is in a box.
///
/// ```
/// use steadfast::client::Event;
///
/// fn log(event: &Event) -> Option<String> {
///     match event {
///         Event::Message(_) | Event::RoundTrip(_) => None,
///         other => Some(other.to_string()), // connection reset; retry 1 in 312 ms
///     }
/// }
/// assert_eq!(log(&Event::Dialing { attempt: 2 }).as_deref(), Some("dialing, retry 2"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A dial has begun.
    Dialing {
        /// 0 for the first, n for the n-th retry since the link was last stable.
        attempt: u32,
    },
    /// The connection is open.
    Up(Box<Up>),
    /// A message was received.
    Message(Message),
    /// The peer answered a ping after this long.
    RoundTrip(Duration),
    /// The connection has ended.
    Down(Box<Down>),
    /// A dial has failed.
    DialFailed(Box<DialFailed>),
    /// Messages that an [`Outbox`](super::Outbox) accepted will not be sent.
    Unsent(Box<Unsent>),
    /// The wait was changed by the application or the platform.
    Rescheduled {
        /// What follows.
        next: Next,
    },
    /// The client has stopped or given up: the stream ends here, unless it is started again.
    Closed {
        /// Why, for programs.
        reason: ClosedReason,
    },
}

/// A connection has opened.
///
/// ```
/// use steadfast::client::Event;
///
/// fn is_stale(event: &Event) -> bool {
///     matches!(event, Event::Up(up) if up.reconnected)
/// }
/// # assert!(!is_stale(&Event::Dialing { attempt: 0 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Up {
    /// The number of the connection, higher than that of any before.
    pub epoch: Epoch,
    /// Whether there was one before. If so, what the application knows may be out of date.
    pub reconnected: bool,
    /// How many retries it took since the link was last stable.
    pub attempt: u32,
    /// How long the link was down; for the first connection, how long connecting took.
    pub downtime: Duration,
    /// What ended the connection before; `None` for the first one, and if the application stopped
    /// it.
    pub cause: Option<Failure>,
    /// The session id of this client, the same each time.
    pub session: SessionId,
}

/// A dial has failed.
///
/// ```
/// use steadfast::{Next, client::DialFailed};
///
/// fn is_final(failed: &DialFailed) -> bool {
///     failed.next == Next::Closed
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DialFailed {
    /// Its number, as in [`Event::Dialing`].
    pub attempt: u32,
    /// Why, for programs.
    pub failure: Failure,
    /// Why, for people, if the dialer said.
    pub error: Option<SharedError>,
    /// What follows.
    pub next: Next,
}

/// An open connection has ended.
///
/// ```
/// use steadfast::client::{Down, Message};
///
/// /// What is safe to send again; what was `unflushed` may have arrived.
/// fn never_sent(down: Down) -> Vec<Message> {
///     down.unsent
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Down {
    /// Why, for programs; `None` if the application stopped it.
    pub failure: Option<Failure>,
    /// Why, for people, if the transport said.
    pub error: Option<SharedError>,
    /// The reason in the peer's Close frame, if it sent one.
    pub close_reason: Option<String>,
    /// How long it was open.
    pub uptime: Duration,
    /// How many accepted messages had not been written when it ended. How many of those written
    /// have arrived, nobody knows.
    pub unflushed: u64,
    /// These messages, oldest first, if they are [retained](super::Builder::retain_unflushed).
    pub unflushed_messages: Vec<Message>,
    /// Messages accepted by a [`Handle`](super::Handle) and never given to the transport. Those in an
    /// [`Outbox`](super::Outbox) wait for the next connection instead.
    pub unsent: Vec<Message>,
    /// What follows.
    pub next: Next,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dialing { attempt: 0 } => f.write_str("dialing"),
            Self::Dialing { attempt } => write!(f, "dialing, retry {attempt}"),
            Self::Up(up) => up.fmt(f),
            Self::Message(message) => write!(f, "message: {message:?}"),
            Self::RoundTrip(round_trip) => write!(f, "round trip {}", Brief(*round_trip)),
            Self::Down(down) => down.fmt(f),
            Self::DialFailed(failed) => failed.fmt(f),
            Self::Unsent(unsent) => unsent.fmt(f),
            Self::Rescheduled { next } => next.fmt(f),
            Self::Closed { reason } => reason.fmt(f),
        }
    }
}

impl fmt::Display for Up {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reconnected, attempt, downtime, .. } = self;
        match reconnected {
            false => write!(f, "open after {}", Brief(*downtime)),
            true => write!(f, "open again after {}, retry {attempt}", Brief(*downtime)),
        }
    }
}

impl fmt::Display for DialFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        cause(f, self.failure, self.error.as_ref())?;
        write!(f, "; {}", self.next)
    }
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failure {
            Some(failure) => cause(f, failure, self.error.as_ref())?,
            None => f.write_str("stopped")?,
        }
        if let Some(reason) = self.close_reason.as_deref().filter(|reason| !reason.is_empty()) {
            write!(f, " {reason:?}")?;
        }
        for (count, what) in [(self.unflushed, "unwritten"), (self.unsent.len() as u64, "unsent")] {
            match count {
                0 => {}
                1 => write!(f, ", 1 message {what}")?,
                _ => write!(f, ", {count} messages {what}")?,
            }
        }
        write!(f, ", was up {}; {}", Brief(self.uptime), self.next)
    }
}

fn cause(f: &mut fmt::Formatter<'_>, failure: Failure, error: Option<&SharedError>) -> fmt::Result {
    write!(f, "{failure}")?;
    let mut link: Option<&(dyn Error + 'static)> = error.map(|error| &**error as _);
    let mut shown = failure.to_string();
    while let Some(error) = link {
        let text = error.to_string();
        // Libraries like to repeat their source's text in their own.
        if !shown.contains(&text) {
            write!(f, ": {text}")?;
            shown.push_str(&text);
        }
        link = error.source();
    }
    Ok(())
}
