use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::{
    Sink, SinkExt, Stream, StreamExt,
    channel::mpsc::{self, Receiver, Sender},
};
use pin_project::pin_project;

use crate::{
    Failure, FailureKind,
    client::{Frame, Message, TransportError},
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
    let (to_peer, from_conn) = mpsc::channel(capacity);
    let (to_conn, from_peer) = mpsc::channel(capacity);
    (
        MemoryConn { incoming: from_peer, outgoing: to_peer },
        MemoryPeer { incoming: from_conn, outgoing: to_conn },
    )
}

/// The client's end: a [`Conn`](crate::client::Conn).
#[pin_project]
#[derive(Debug)]
pub struct MemoryConn {
    #[pin]
    incoming: Receiver<Result<Frame, MemoryError>>,
    #[pin]
    outgoing: Sender<Frame>,
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

/// The server's end. Dropping it ends the connection without a Close.
#[derive(Debug)]
pub struct MemoryPeer {
    incoming: Receiver<Frame>,
    outgoing: Sender<Result<Frame, MemoryError>>,
}

impl MemoryPeer {
    /// The next frame from the client; `None` once it has dropped the connection.
    pub async fn recv(&mut self) -> Option<Frame> {
        self.incoming.next().await
    }

    /// The next frame from the client, if there is one now.
    pub fn try_recv(&mut self) -> Option<Frame> {
        self.incoming.try_recv().ok()
    }

    /// Sends a frame to the client. Answers `false` if it has dropped the connection.
    pub async fn send(&mut self, frame: Frame) -> bool {
        self.outgoing.send(Ok(frame)).await.is_ok()
    }

    /// Sends a message to the client. Answers `false` if it has dropped the connection.
    pub async fn send_message(&mut self, message: impl Into<Message>) -> bool {
        self.send(Frame::Message(message.into())).await
    }

    /// Ends the connection with this failure, as a broken transport would.
    pub async fn fail(mut self, failure: impl Into<Failure>) {
        let _ = self.outgoing.send(Err(MemoryError(failure.into()))).await;
    }
}

/// A failure of a transport in memory.
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
