//! The transport in hand, and what is still to be written to it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::ready;

use super::{CloseFrame, Conn, Frame, Message, SharedError, TransportError, close_hint};
use crate::{CloseCode, Failure, FailureKind, Nonce, PeerClose};

type ErrorOf<C> = <C as Conn>::Error;

/// The transport of the current epoch. Dropping it is all that aborting takes.
#[allow(clippy::large_enum_variant, reason = "one for each client, and nearly always the largest")]
pub(super) enum Link<F, C> {
    None,
    Dialing(Pin<Box<F>>),
    Up(Up<C>),
}

/// An open transport. What is rare has a box of its own: there are fleets of these.
pub(super) struct Up<C> {
    pub(super) conn: C,
    /// Control frames that the machine has asked for and the transport had no room for yet.
    ping: Option<(Nonce, Option<Box<Message>>)>,
    close: Option<Option<Box<CloseFrame>>>,
    /// The newest ping that was given to the transport.
    pub(super) pinged: Option<Nonce>,
    /// The peer's Close, if it has come.
    pub(super) peer_close: Option<Option<Box<CloseFrame>>>,
    /// The machine has been told that nothing is read.
    pub(super) paused: bool,
    /// Something was given to the transport since its last complete flush.
    dirty: bool,
    /// How many messages of that.
    pub(super) unflushed: u64,
    /// The messages themselves, if they are to be given back.
    pub(super) retained: Option<Vec<Message>>,
    /// Writing has failed. What can still be read may say why, so the end waits for that.
    pub(super) broken: Option<Box<Broken>>,
}

/// How writing failed, and how much may still be read after it.
pub(super) struct Broken {
    pub(super) failure: Failure,
    pub(super) error: SharedError,
    reads_left: u8,
}

/// How many frames may still be read after writing has failed: more than a peer has under way that
/// has closed the connection, not all that one has who has not.
const LAST_WORDS: u8 = 64;

/// How many messages are retained before they must have been flushed.
const MOST_RETAINED: usize = 256;

impl<C: Conn> Up<C> {
    pub(super) fn new(conn: C, retain: bool) -> Self {
        Self {
            conn,
            ping: None,
            close: None,
            pinged: None,
            peer_close: None,
            paused: false,
            dirty: false,
            unflushed: 0,
            retained: retain.then(Vec::new),
            broken: None,
        }
    }

    pub(super) fn ping(&mut self, nonce: Nonce, message: Option<Message>) {
        self.ping = Some((nonce, message.map(Box::new)));
    }

    pub(super) fn close(&mut self, frame: Option<CloseFrame>) {
        self.ping = None;
        self.close = Some(frame.map(Box::new));
    }

    /// How the peer closed, in the machine's terms.
    pub(super) fn how_closed(&self) -> PeerClose {
        match &self.peer_close {
            Some(Some(frame)) => {
                let close = PeerClose::from(frame.code);
                let spread = close_hint::spread_over(&frame.reason);
                spread.map_or(close, |spread| close.with_spread_over(spread))
            }
            Some(None) => CloseCode::NO_STATUS.into(),
            None => CloseCode::ABNORMAL.into(),
        }
    }

    /// Why it ended, in place of the end that reading has met: where that says nothing, a write that
    /// had failed before may say more.
    pub(super) fn why_ended(
        &mut self,
        read: Failure,
        error: Option<SharedError>,
    ) -> (Failure, Option<SharedError>) {
        match self.broken.take() {
            Some(broken) if read.kind() == FailureKind::Closed(CloseCode::ABNORMAL) => {
                (broken.failure, Some(broken.error))
            }
            _ => (read, error),
        }
    }

    /// Ready when a message can be given to the transport. Never, once writing has failed.
    #[inline]
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.broken.is_some() {
            return Poll::Pending;
        }
        // What is retained must not pile up because the transport is never quite idle.
        if self.retained.as_ref().is_some_and(|retained| retained.len() >= MOST_RETAINED) {
            ready!(self.poll_write(cx));
        }
        match self.try_poll_ready(cx) {
            Poll::Ready(Err(error)) => {
                self.fail(error);
                Poll::Pending
            }
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ready for one more frame. What has to be in time goes before what only has to be in order.
    #[inline]
    fn try_poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ErrorOf<C>>> {
        ready!(Pin::new(&mut self.conn).poll_ready(cx)?);
        while self.ping.is_some() || self.close.is_some() {
            self.send_control()?;
            ready!(Pin::new(&mut self.conn).poll_ready(cx)?);
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    pub(super) fn start_send(&mut self, message: Message) {
        self.unflushed += 1;
        if let Some(retained) = &mut self.retained {
            retained.push(message.clone());
        }
        if let Err(error) = self.send(Frame::Message(message)) {
            self.fail(error);
        }
    }

    /// Whether there is anything to write or to flush.
    #[inline]
    pub(super) fn has_to_write(&self) -> bool {
        self.dirty || self.ping.is_some() || self.close.is_some()
    }

    /// Writes the control frames that wait, as far as there is room, and flushes. Ready when all that
    /// was given to the transport has been written.
    #[inline]
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.try_poll_write(cx) {
            Poll::Ready(Err(error)) => {
                self.fail(error);
                Poll::Pending
            }
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    }

    #[inline]
    fn try_poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ErrorOf<C>>> {
        if self.broken.is_some() {
            return Poll::Pending;
        }
        if self.ping.is_some() || self.close.is_some() {
            let _ = self.try_poll_ready(cx)?;
        }
        if !self.dirty {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut self.conn).poll_flush(cx)?;
        if flushed.is_ready() {
            self.dirty = false;
            self.unflushed = 0;
            self.retained.iter_mut().for_each(Vec::clear);
        }
        flushed.map(Ok)
    }

    #[cold]
    fn send_control(&mut self) -> Result<(), ErrorOf<C>> {
        if let Some((nonce, message)) = self.ping.take() {
            self.pinged = Some(nonce);
            return self.send(match message {
                Some(message) => Frame::Message(*message),
                None => Frame::Ping(Bytes::copy_from_slice(&nonce.to_bytes())),
            });
        }
        let Some(frame) = self.close.take() else { return Ok(()) };
        let sent = self.send(Frame::Close(frame.map(|frame| *frame)));
        // A transport that has answered the peer's Close by itself refuses to do so twice.
        if self.peer_close.is_some() { Ok(()) } else { sent }
    }

    #[inline]
    fn send(&mut self, frame: Frame) -> Result<(), ErrorOf<C>> {
        self.dirty = true;
        Pin::new(&mut self.conn).start_send(frame.into())
    }

    #[cold]
    fn fail(&mut self, error: ErrorOf<C>) {
        let failure = error.failure();
        let broken = Broken { failure, error: Arc::new(error), reads_left: LAST_WORDS };
        self.broken = Some(Box::new(broken));
    }

    /// Whether writing has failed and enough has been read since. Counts one more read if not.
    #[inline]
    pub(super) fn is_out_of_patience(&mut self) -> bool {
        let Some(broken) = &mut self.broken else { return false };
        match broken.reads_left.checked_sub(1) {
            Some(left) => broken.reads_left = left,
            None => return true,
        }
        false
    }

    /// Tells the peer why it is being left, if that can be done without waiting.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>, code: CloseCode) {
        if self.poll_ready(cx).is_ready() {
            self.close(Some(CloseFrame::new(code, "")));
            let _ = self.poll_write(cx);
        }
    }
}
