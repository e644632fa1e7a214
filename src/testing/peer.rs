use std::{collections::VecDeque, future::Future, pin::pin};

use futures::{
    SinkExt, StreamExt,
    channel::mpsc::{Receiver, Sender},
    future::{Either, select},
};

use super::{
    MemoryError,
    log::{Observed, Tap},
};
use crate::{
    Failure,
    client::{CloseFrame, Frame, Message},
};

/// The server's end of a connection in memory. Dropping it ends the connection without a Close.
///
/// It comes with two vocabularies. [`recv`](Self::recv) and [`send`](Self::send) are about frames
/// and nothing happens by itself. [`recv_message`](Self::recv_message), [`wait`](Self::wait) and
/// [`echo`](Self::echo) behave as a server does: they answer Pings, and the client's Close.
///
/// ```
/// # use futures::{SinkExt, StreamExt, executor::block_on};
/// use steadfast::{client::{Frame, Message}, testing};
///
/// let (mut conn, mut peer) = testing::pair(8);
/// block_on(async {
///     conn.send(Frame::Ping("?".into())).await.unwrap();
///     conn.send(Frame::Message("hello".into())).await.unwrap();
///     assert_eq!(peer.recv_message().await, Some(Message::text("hello")));
///     assert_eq!(conn.next().await, Some(Ok(Frame::Pong("?".into()))));
/// });
/// ```
#[derive(Debug)]
pub struct MemoryPeer {
    incoming: Receiver<Frame>,
    outgoing: Sender<Result<Frame, MemoryError>>,
    /// Messages that came in while waiting.
    inbox: VecDeque<Message>,
    muted: bool,
    tap: Option<Tap>,
}

impl MemoryPeer {
    pub(super) fn new(
        incoming: Receiver<Frame>,
        outgoing: Sender<Result<Frame, MemoryError>>,
        tap: Option<Tap>,
    ) -> Self {
        Self { incoming, outgoing, inbox: VecDeque::new(), muted: false, tap }
    }

    /// The next frame from the client; `None` once it has dropped the connection.
    pub async fn recv(&mut self) -> Option<Frame> {
        let frame = self.incoming.next().await?;
        self.observe(|| Observed::Received(frame.clone()));
        Some(frame)
    }

    /// The next frame from the client, if there is one now.
    pub fn try_recv(&mut self) -> Option<Frame> {
        let frame = self.incoming.try_recv().ok()?;
        self.observe(|| Observed::Received(frame.clone()));
        Some(frame)
    }

    /// Sends a frame to the client. Answers `false` if it has dropped the connection.
    pub async fn send(&mut self, frame: Frame) -> bool {
        let sent = self.outgoing.send(Ok(frame.clone())).await.is_ok();
        if sent {
            self.observe(|| Observed::Sent(frame));
        }
        sent
    }

    /// Sends a message to the client. Answers `false` if it has dropped the connection.
    pub async fn send_message(&mut self, message: impl Into<Message>) -> bool {
        self.send(Frame::Message(message.into())).await
    }

    /// The next message from the client; `None` once it has closed or dropped the connection.
    /// Meanwhile Pings are answered, and so is a Close.
    pub async fn recv_message(&mut self) -> Option<Message> {
        match self.inbox.pop_front() {
            Some(message) => Some(message),
            None => self.next_message().await,
        }
    }

    async fn next_message(&mut self) -> Option<Message> {
        loop {
            match self.recv().await? {
                Frame::Message(message) => return Some(message),
                Frame::Ping(payload) if !self.muted => {
                    self.send(Frame::Pong(payload)).await;
                }
                Frame::Close(close) => {
                    self.send(Frame::Close(close)).await;
                    return None;
                }
                Frame::Ping(_) | Frame::Pong(_) | Frame::Part => {}
            }
        }
    }

    /// Behaves as a server does until `until` is ready. Messages that come in are kept for
    /// [`recv_message`](Self::recv_message). Answers `false`, and does not wait any longer, once
    /// the client has closed or dropped the connection.
    pub async fn wait(&mut self, until: impl Future<Output = ()>) -> bool {
        let mut until = pin!(until);
        loop {
            let came = match select(pin!(self.next_message()), &mut until).await {
                Either::Left((came, _)) => came,
                Either::Right(_) => return true,
            };
            let Some(message) = came else { return false };
            self.inbox.push_back(message);
        }
    }

    /// Sends back each message until `until` is ready. Answers `false`, and does not wait any
    /// longer, once the client has closed or dropped the connection.
    pub async fn echo(&mut self, until: impl Future<Output = ()>) -> bool {
        let echo = async {
            while let Some(message) = self.recv_message().await {
                self.send_message(message).await;
            }
        };
        matches!(select(pin!(echo), pin!(until)).await, Either::Right(_))
    }

    /// From now on Pings are not answered.
    pub fn mute(&mut self) {
        self.muted = true;
    }

    /// Closes the connection: says so, waits for the client to say so, too, and ends it.
    pub async fn close(mut self, frame: Option<CloseFrame>) {
        self.send(Frame::Close(frame)).await;
        while !matches!(self.recv().await, Some(Frame::Close(_)) | None) {}
    }

    /// Goes silent, as behind a cable that was cut: says nothing more, and what the client writes
    /// is lost. Ready once the client has dropped the connection.
    pub async fn go_silent(mut self) {
        while self.incoming.next().await.is_some() {}
    }

    /// Ends the connection with this failure, as a broken transport would.
    pub async fn fail(mut self, failure: impl Into<Failure>) {
        let _ = self.outgoing.send(Err(MemoryError(failure.into()))).await;
    }

    fn observe(&self, what: impl FnOnce() -> Observed) {
        if let Some(tap) = &self.tap {
            tap.observe(what());
        }
    }
}
