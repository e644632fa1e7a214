use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::{
    Sink, Stream,
    channel::mpsc::{self, Receiver, Sender},
};
use pin_project::pin_project;

use super::{
    MemoryPeer,
    log::{Held, Tap},
};
use crate::{
    Failure, FailureKind,
    client::{Frame, TransportError},
};

/// A connection without a network and the peer at its other end. At most `capacity` frames, and
/// one more, are under way in each direction; then the writer waits.
///
/// ```
/// use futures::{SinkExt, StreamExt, executor::block_on};
/// use steadfast::{client::{Frame, Message}, testing};
///
/// let (mut conn, mut peer) = testing::pair(8);
/// block_on(async {
///     conn.send(Frame::Message(Message::text("hi"))).await.unwrap();
///     assert_eq!(peer.recv().await, Some(Frame::Message(Message::text("hi"))));
/// });
/// ```
pub fn pair(capacity: usize) -> (MemoryConn, MemoryPeer) {
    observed_pair(capacity, None, None)
}

/// A pair of which the client's end is `held`, and what passes the peer goes to the `tap`.
pub(super) fn observed_pair(
    capacity: usize,
    held: Option<Held>,
    tap: Option<Tap>,
) -> (MemoryConn, MemoryPeer) {
    let (to_peer, from_conn) = mpsc::channel(capacity);
    let (to_conn, from_peer) = mpsc::channel(capacity);
    (
        MemoryConn { incoming: from_peer, outgoing: to_peer, _held: held },
        MemoryPeer::new(from_conn, to_conn, tap),
    )
}

/// The client's end: a [`Conn`](crate::client::Conn).
///
/// ```
/// use steadfast::testing::{MemoryConn, MemoryPeer, pair};
///
/// let (client, server): (MemoryConn, MemoryPeer) = pair(16);
/// ```
#[pin_project]
#[derive(Debug)]
pub struct MemoryConn {
    #[pin]
    incoming: Receiver<Result<Frame, MemoryError>>,
    #[pin]
    outgoing: Sender<Frame>,
    _held: Option<Held>,
}

impl Stream for MemoryConn {
    type Item = Result<Frame, MemoryError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.project().incoming.poll_next(cx)
    }
}

impl Sink<Frame> for MemoryConn {
    type Error = MemoryError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        Sink::poll_ready(self.project().outgoing, cx).map_err(|_| MemoryError::reset())
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), MemoryError> {
        Sink::start_send(self.project().outgoing, frame).map_err(|_| MemoryError::reset())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        // A channel's own flush waits for the receiver to take what was sent, which would make
        // every reader that is slow look like a socket that is full.
        if self.outgoing.is_closed() {
            return Poll::Ready(Err(MemoryError::reset()));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        Sink::poll_close(self.project().outgoing, cx).map_err(|_| MemoryError::reset())
    }
}

/// A failure of a transport in memory.
///
/// ```
/// use steadfast::{FailureKind, client::TransportError, testing::MemoryError};
///
/// assert_eq!(MemoryError(FailureKind::Reset.into()).failure(), FailureKind::Reset.into());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MemoryError(pub Failure);

impl MemoryError {
    fn reset() -> Self {
        Self(FailureKind::Reset.into())
    }
}

impl TransportError for MemoryError {
    fn failure(&self) -> Failure {
        self.0
    }
}
