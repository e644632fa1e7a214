//! The three seams: how to dial, what a connection is, what time it is.

use std::{
    error::Error,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Sink, Stream};

use super::{Frame, SessionId};
use crate::{Credentials, Epoch, Failure, Instant};

/// Makes connections.
///
/// Any closure that takes a [`DialContext`] and returns a future of a [`Conn`] is one. It is called
/// for each attempt, so it can make a fresh URL, token or header each time. Dropping its future
/// aborts the attempt.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use steadfast::{client::{Dial, DialContext}, testing};
///
/// fn dialer() -> impl Dial {
///     |_context: DialContext| async {
///         let (conn, _peer) = testing::pair(16);
///         Ok::<_, testing::MemoryError>(conn)
///     }
/// }
/// # dialer();
/// # }
/// ```
pub trait Dial {
    /// The connection it makes.
    type Conn: Conn;
    /// Why it could not.
    type Error: TransportError;
    /// The attempt.
    type Future: Future<Output = Result<Self::Conn, Self::Error>>;

    /// Begins an attempt. The machine's connect timeout covers the whole of it.
    fn dial(&mut self, context: DialContext) -> Self::Future;
}

impl<F, Fut, C, E> Dial for F
where
    F: FnMut(DialContext) -> Fut,
    Fut: Future<Output = Result<C, E>>,
    C: Conn,
    E: TransportError,
{
    type Conn = C;
    type Error = E;
    type Future = Fut;

    fn dial(&mut self, context: DialContext) -> Fut {
        self(context)
    }
}

/// What a dialer knows about an attempt.
///
/// ```
/// use steadfast::{Credentials, Epoch, client::DialContext};
///
/// /// What a request is to carry.
/// fn token(context: &DialContext) -> &'static str {
///     match context.credentials {
///         Credentials::Current => "the one in use",
///         Credentials::Refresh => "a new one",
///     }
/// }
/// let refused = DialContext::new(Epoch::new(2), 1, Credentials::Refresh);
/// assert_eq!(token(&refused), "a new one");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialContext {
    /// Its name.
    pub epoch: Epoch,
    /// 0 for the first dial after a start, n for the n-th retry since the link was last stable.
    pub attempt: u32,
    /// Whether the server has refused the credentials in use.
    pub credentials: Credentials,
    /// The session id of the client, the same for each of its attempts. With it and
    /// [`epoch`](Self::epoch), a server can close an older connection of the same client.
    pub session: SessionId,
    /// 64 random bits for this attempt, for choices such as which of several endpoints to try. The
    /// same seed gives the same bits.
    pub entropy: u64,
}

impl DialContext {
    /// For a driver of your own, and for testing a dialer: what an
    /// [`Action::Dial`](crate::Action::Dial) says, with a session and an entropy of zero.
    pub const fn new(epoch: Epoch, attempt: u32, credentials: Credentials) -> Self {
        Self { epoch, attempt, credentials, session: SessionId::new(0), entropy: 0 }
    }

    /// Sets [`session`](Self::session).
    #[must_use]
    pub const fn with_session(mut self, session: SessionId) -> Self {
        self.session = session;
        self
    }

    /// Sets [`entropy`](Self::entropy).
    #[must_use]
    pub const fn with_entropy(mut self, entropy: u64) -> Self {
        self.entropy = entropy;
        self
    }
}

/// An open WebSocket connection: a stream and a sink of frames.
///
/// It answers Pings by itself. There is nothing to implement: any stream and sink of something that
/// converts to and from [`Frame`] is one, in a `Pin<Box<_>>` if it must not move.
///
/// ```
/// use steadfast::client::{Conn, Frame};
/// use futures::{SinkExt, StreamExt};
///
/// async fn echo(mut conn: impl Conn) {
///     while let Some(Ok(frame)) = conn.next().await {
///         if let Frame::Message(message) = frame.into() {
///             let _ = conn.send(Frame::Message(message).into()).await;
///         }
///     }
/// }
/// ```
pub trait Conn:
    Stream<Item = Result<Self::Frame, <Self as Conn>::Error>>
    + Sink<Self::Frame, Error = <Self as Conn>::Error>
    + Unpin
{
    /// What it carries.
    type Frame: From<Frame> + Into<Frame>;
    /// How it fails.
    type Error: TransportError;
}

impl<T, M, E> Conn for T
where
    T: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
    M: From<Frame> + Into<Frame>,
    E: TransportError,
{
    type Frame = M;
    type Error = E;
}

/// An error of a dialer or a connection, and how the policy sees it.
///
/// ```
/// use std::fmt;
/// use steadfast::{Failure, FailureKind, client::TransportError};
///
/// #[derive(Debug)]
/// struct Busy;
///
/// impl fmt::Display for Busy {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("the line is busy")
///     }
/// }
///
/// impl std::error::Error for Busy {}
///
/// impl TransportError for Busy {
///     fn failure(&self) -> Failure {
///         FailureKind::Http(503).into()
///     }
/// }
/// ```
pub trait TransportError: Error + Send + Sync + 'static {
    /// What happened, in the machine's terms.
    fn failure(&self) -> Failure;
}

/// Tells the time, and wakes the task at an instant.
///
/// A connection has its own, so one alarm is enough.
///
/// ```
/// use std::{pin::Pin, task::{Context, Poll}};
/// use steadfast::{Instant, client::Clock};
///
/// const HOUR: std::time::Duration = std::time::Duration::from_secs(3_600);
///
/// /// A clock that is an hour ahead of another.
/// struct Ahead<C>(C);
///
/// impl<C: Clock> Clock for Ahead<C> {
///     fn now(&self) -> Instant {
///         self.0.now().saturating_add(HOUR)
///     }
///
///     fn poll_until(mut self: Pin<&mut Self>, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
///         let since = at.saturating_duration_since(Instant::ORIGIN).saturating_sub(HOUR);
///         Pin::new(&mut self.0).poll_until(cx, Instant::ORIGIN.saturating_add(since))
///     }
/// }
/// ```
pub trait Clock: Unpin {
    /// The present. It never goes back.
    fn now(&self) -> Instant;

    /// Ready once `deadline` has passed. Pending otherwise, and the task is woken then, or
    /// earlier. A later call with another deadline replaces the earlier one.
    fn poll_until(self: Pin<&mut Self>, cx: &mut Context<'_>, deadline: Instant) -> Poll<()>;
}
