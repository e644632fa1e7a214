//! What can go wrong, for people and for programs.

use std::{convert::Infallible, error::Error, fmt, io, sync::Arc};

use super::{Message, TransportError};
use crate::{CloseCode, Failure, FailureKind, Timeout};

/// An error that several may look at.
///
/// ```
/// use std::{io, sync::Arc};
/// use steadfast::client::SharedError;
///
/// let error: SharedError = Arc::new(io::Error::other("the cable was pulled"));
/// assert_eq!(error.clone().to_string(), "the cable was pulled");
/// ```
pub type SharedError = Arc<dyn Error + Send + Sync>;

/// A message that was not accepted, and why. It is given back.
///
/// ```
/// use steadfast::client::{Handle, Message, SendError};
///
/// /// Sends, or keeps for later.
/// fn send(handle: &Handle, message: Message, later: &mut Vec<Message>) {
///     if let Err(error) = handle.try_send(message) {
///         later.extend(error.into_message());
///     }
/// }
/// ```
#[derive(Clone, thiserror::Error)]
#[error("message not sent: {reason}")]
pub struct SendError {
    /// The message; `None` if the error is not about one message, as that of a flush is not, or if the
    /// message is still in the batch that it was to be sent with.
    pub message: Option<Message>,
    /// Why.
    pub reason: SendErrorReason,
}

impl SendError {
    pub(super) fn of(message: Message, reason: SendErrorReason) -> Self {
        Self { message: Some(message), reason }
    }

    /// The message, to be sent again later.
    pub fn into_message(self) -> Option<Message> {
        self.message
    }
}

impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError")
            .field("message", &self.message)
            .field("reason", &self.reason)
            .finish()
    }
}

/// Why a message was not accepted.
///
/// ```
/// use steadfast::client::{SendError, SendErrorReason};
///
/// fn is_worth_a_wait(error: &SendError) -> bool {
///     matches!(error.reason, SendErrorReason::NotOpen | SendErrorReason::Full)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendErrorReason {
    /// There is no open connection now.
    #[error("the connection is not open")]
    NotOpen,
    /// The queue is full: the peer, or the network, is slower than the sender.
    #[error("the queue is full")]
    Full,
    /// The message is longer than the outbox may hold.
    #[error("the message is longer than the outbox may hold")]
    TooLong,
    /// A message accepted before it was given up: it waited too long, or made room.
    #[error("a message was given up before it was written")]
    GivenUp,
    /// The connection ended before this many accepted messages were written.
    #[error("the connection ended with {unflushed} messages unwritten")]
    Interrupted {
        /// How many.
        unflushed: u64,
    },
    /// Nobody drives the connection any more.
    #[error("the connection has been dropped")]
    Gone,
}

/// A dial that failed, for dialers that need no error type of their own.
///
/// ```
/// use steadfast::{FailureKind, client::{DialError, TransportError}};
///
/// let error = DialError::new(FailureKind::Request, "the token service did not answer");
/// assert_eq!(error.failure(), FailureKind::Request.into());
/// assert_eq!(error.to_string(), "the token service did not answer");
/// ```
#[derive(Debug)]
pub struct DialError {
    failure: Failure,
    context: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl DialError {
    /// An error that tells people `context`. It must contain no secrets.
    pub fn new(failure: impl Into<Failure>, context: impl Into<String>) -> Self {
        Self { failure: failure.into(), context: context.into(), source: None }
    }

    /// With the error that caused it. It must show no secrets.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl Error for DialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl TransportError for DialError {
    fn failure(&self) -> Failure {
        self.failure
    }
}

impl TransportError for io::Error {
    fn failure(&self) -> Failure {
        use io::ErrorKind;
        match self.kind() {
            ErrorKind::ConnectionRefused => FailureKind::Refused,
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                FailureKind::Reset
            }
            ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => FailureKind::Unreachable,
            ErrorKind::TimedOut => FailureKind::Timeout(Timeout::Network),
            ErrorKind::UnexpectedEof => FailureKind::Closed(CloseCode::ABNORMAL),
            _ => FailureKind::Io,
        }
        .into()
    }
}

impl TransportError for Infallible {
    fn failure(&self) -> Failure {
        match *self {}
    }
}
