use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll, ready},
};

use futures::{
    SinkExt, StreamExt,
    channel::mpsc::{Receiver, Sender},
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
/// [`echo`](Self::echo) behave as a server does: they answer Pings, and the client's Close. An
/// answer for which there is no room goes out before anything else, whatever is called next.
///
/// Futures of this type may be dropped: no frame is lost.
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
    /// An answer that waits for room. Until it has gone, no more is read that may want another.
    owed: Option<Frame>,
    /// The client's Close has been read, and its answer is owed or sent.
    closed: bool,
    /// The client's Close has been read, by whomever.
    heard_close: bool,
    muted: bool,
    tap: Option<Tap>,
}

impl MemoryPeer {
    pub(super) fn new(
        incoming: Receiver<Frame>,
        outgoing: Sender<Result<Frame, MemoryError>>,
        tap: Option<Tap>,
    ) -> Self {
        let inbox = VecDeque::new();
        Self {
            incoming,
            outgoing,
            inbox,
            owed: None,
            closed: false,
            heard_close: false,
            muted: false,
            tap,
        }
    }

    /// The next frame from the client; `None` once it has dropped the connection.
    pub async fn recv(&mut self) -> Option<Frame> {
        poll_fn(|cx| {
            let _ = self.poll_owed(cx);
            self.poll_recv(cx)
        })
        .await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        let frame = ready!(self.incoming.poll_next_unpin(cx));
        Poll::Ready(frame.inspect(|frame| self.heard(frame)))
    }

    /// The next frame from the client, if there is one now.
    pub fn try_recv(&mut self) -> Option<Frame> {
        let frame = self.incoming.try_recv().ok()?;
        self.heard(&frame);
        Some(frame)
    }

    fn heard(&mut self, frame: &Frame) {
        self.heard_close |= matches!(frame, Frame::Close(_));
        self.observe(|| Observed::Received(frame.clone()));
    }

    /// Sends a frame to the client, as soon as there is room. Answers `false` if it has dropped the
    /// connection, or has closed it and been answered.
    pub async fn send(&mut self, frame: Frame) -> bool {
        let there_is_room = poll_fn(|cx| {
            ready!(self.poll_owed(cx));
            self.outgoing.poll_ready(cx).map(|ready| ready.is_ok())
        })
        .await;
        there_is_room && !self.closed && self.hand_over(frame)
    }

    fn hand_over(&mut self, frame: Frame) -> bool {
        let sent = self.outgoing.start_send(Ok(frame.clone())).is_ok();
        if sent {
            self.observe(|| Observed::Sent(frame));
        }
        sent
    }

    /// Ready when no answer is owed.
    fn poll_owed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.owed.is_some() {
            let there = ready!(self.outgoing.poll_ready(cx)).is_ok();
            if let (Some(frame), true) = (self.owed.take(), there) {
                self.hand_over(frame);
            }
        }
        Poll::Ready(())
    }

    /// Sends a message to the client, and answers, as [`send`](Self::send) does.
    pub async fn send_message(&mut self, message: impl Into<Message>) -> bool {
        self.send(Frame::Message(message.into())).await
    }

    /// The next message from the client; `None` once it has closed or dropped the connection.
    /// Meanwhile Pings are answered, and so is a Close.
    pub async fn recv_message(&mut self) -> Option<Message> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        match self.inbox.pop_front() {
            Some(message) => Poll::Ready(Some(message)),
            None => self.poll_next_message(cx),
        }
    }

    fn poll_next_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        loop {
            ready!(self.poll_owed(cx));
            if self.closed {
                return Poll::Ready(None);
            }
            match ready!(self.poll_recv(cx)) {
                Some(Frame::Message(message)) => return Poll::Ready(Some(message)),
                Some(Frame::Ping(payload)) if !self.muted => {
                    self.owed = Some(Frame::Pong(payload));
                }
                Some(Frame::Close(close)) => {
                    self.owed = Some(Frame::Close(close));
                    self.closed = true;
                }
                Some(Frame::Ping(_) | Frame::Pong(_) | Frame::Part) => {}
                None => return Poll::Ready(None),
            }
        }
    }

    /// Behaves as a server does until `until` is ready. Messages that come in are kept for
    /// [`recv_message`](Self::recv_message). Answers `false`, and does not wait any longer, once
    /// the client has closed or dropped the connection.
    pub async fn wait(&mut self, until: impl Future<Output = ()>) -> bool {
        let mut until = pin!(until);
        poll_fn(|cx| {
            while let Poll::Ready(came) = self.poll_next_message(cx) {
                let Some(message) = came else { return Poll::Ready(false) };
                self.inbox.push_back(message);
            }
            until.as_mut().poll(cx).map(|()| true)
        })
        .await
    }

    /// Sends back each message until `until` is ready. Answers `false`, and does not wait any
    /// longer, once the client has closed or dropped the connection.
    pub async fn echo(&mut self, until: impl Future<Output = ()>) -> bool {
        let mut until = pin!(until);
        poll_fn(|cx| {
            while self.poll_owed(cx).is_ready() {
                match self.poll_message(cx) {
                    Poll::Ready(Some(message)) => self.owed = Some(Frame::Message(message)),
                    Poll::Ready(None) => return Poll::Ready(false),
                    Poll::Pending => break,
                }
            }
            until.as_mut().poll(cx).map(|()| true)
        })
        .await
    }

    /// From now on Pings are not answered.
    pub fn mute(&mut self) {
        self.muted = true;
    }

    /// Closes the connection: says so, waits for the client to say so, too, and ends it.
    /// A client that has said so first only gets its answer.
    pub async fn close(mut self, frame: Option<CloseFrame>) {
        if self.send(Frame::Close(frame.map(Box::new))).await {
            while !self.heard_close && self.recv().await.is_some() {}
        }
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
