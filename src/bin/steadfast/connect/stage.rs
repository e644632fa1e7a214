//! How far a session has come, and what it has seen.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use async_io::Timer;
use futures::channel::oneshot;
use steadfast::client::{CloseFrame, SendError, SharedError};

use super::{
    doubt::Doubt,
    ending::Ending,
    input::{InputEnd, InputError},
    options::Options,
};

/// What was asked for.
pub(super) struct Rules {
    pub(super) farewell: CloseFrame,
    pub(super) on_open: Vec<String>,
    pub(super) max_messages: Option<u64>,
    pub(super) no_reconnect: bool,
    pub(super) close_timeout: Duration,
    /// How long to listen after the end of the input; `None` for as long as it takes.
    pub(super) listen: Option<Duration>,
}

/// How far it has come.
pub(super) enum Stage {
    /// There is more to send, or there may be.
    Sending(oneshot::Receiver<InputEnd>),
    /// All has been accepted, and is to be written, before anything else on a connection if there
    /// has been none. Then it ends, if what was read last could not be sent.
    Writing { flush: Option<Flush>, then: Option<InputError> },
    /// All has been sent.
    Listening(Option<Timer>),
    /// We have asked for the end.
    Leaving(Ending),
}

pub(super) type Flush = Pin<Box<dyn Future<Output = Result<(), SendError>>>>;

/// What has been seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) has_opened: bool,
    pub(super) link: Link,
    pub(super) farewell: Farewell,
    pub(super) received: u64,
    pub(super) doubt: Doubt,
    /// Messages that were sent and may not have arrived.
    pub(super) doubtful: u64,
    pub(super) undelivered: u64,
    /// The end of the connection or the dial before, to be told if it was the last.
    pub(super) last: Last,
    /// Whether nobody reads what is written.
    pub(super) is_deaf: bool,
    pub(super) redraw: Option<Timer>,
}

/// How a connection or a dial has ended.
#[derive(Default)]
pub(super) struct Last {
    pub(super) error: Option<SharedError>,
    /// Of the peer's Close.
    pub(super) close_reason: Option<String>,
    /// Of a dial.
    pub(super) url: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Link {
    #[default]
    None,
    Open,
    Closing {
        since: Instant,
    },
}

/// Whether we have closed a connection, and the peer has closed it, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Farewell {
    #[default]
    None,
    Answered,
    Unanswered,
}

impl Rules {
    pub(super) fn of(options: &Options, farewell: CloseFrame) -> Self {
        let Options { messages, ending, retries, .. } = options;
        let max_messages = if ending.one { Some(1) } else { ending.max_messages };
        let default = match messages.execute.is_empty() {
            true => Duration::ZERO,
            // Time for an answer.
            false => Duration::from_secs(2),
        };
        let is_endless = ending.no_exit_on_eof || max_messages.is_some();
        Self {
            farewell,
            on_open: messages.on_open.clone(),
            max_messages,
            no_reconnect: retries.no_reconnect,
            close_timeout: ending.close_timeout,
            listen: ending.wait.or((!is_endless).then_some(default)),
        }
    }
}

impl Stage {
    /// Whether what comes in may be lost for the sake of the end.
    pub(super) fn hurries(&self) -> bool {
        matches!(self, Self::Leaving(Ending::OutputClosed | Ending::OutputFailed(_)))
            || self.was_interrupted()
    }

    pub(super) fn was_interrupted(&self) -> bool {
        matches!(self, Self::Leaving(Ending::Interrupted | Ending::Terminated))
    }
}
