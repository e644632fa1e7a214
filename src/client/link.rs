//! The transport in hand, and what is still to be written to it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::ready;

use super::{CloseFrame, Conn, Frame, Message, SharedError, TransportError, close_hint};
use crate::{CloseCode, Failure, FailureKind, Instant, Nonce, PeerClose};

type ErrorOf<C> = <C as Conn>::Error;

/// The transport of the current epoch. Dropping it is all that aborting takes.
#[allow(clippy::large_enum_variant, reason = "one for each client, and nearly always the largest")]
pub(super) enum Link<F, C> {
    None,
    Dialing(Pin<Box<F>>),
    Up(Up<C>),
}

impl<F, C> Link<F, C> {
    #[inline]
    pub(super) fn up(&mut self) -> Option<&mut Up<C>> {
        match self {
            Self::Up(up) => Some(up),
            Self::None | Self::Dialing(_) => None,
        }
    }
}

/// An open transport. What is rare has a box of its own: there are fleets of these.
pub(super) struct Up<C> {
    pub(super) conn: C,
    /// What the machine has asked for and the transport had no room for yet.
    control: Option<Control>,
    /// There is no more to sending than giving a message to the transport: no control frame waits,
    /// nothing has failed, nothing is retained.
    plain: bool,
    /// The newest ping that was given to the transport.
    pub(super) pinged: Option<Nonce>,
    /// The peer's Close, if it has come.
    pub(super) peer_close: Option<Option<Box<CloseFrame>>>,
    /// The machine has been told that nothing is read.
    pub(super) paused: bool,
    /// A message has come in that the machine has not been told of.
    pub(super) unreported: bool,
    /// How many more it need not be told of at once: none unless it is open and messages are all
    /// that is going on. As a negative number if each has to be looked at, for it may be the answer to
    /// a heartbeat.
    pub(super) credit: i8,
    /// How many it need not be told of at once if all goes on as it did: more and more, as long as the
    /// application takes them without delay.
    trust: i8,
    /// When the machine was last told of one, if reading has not had to wait since; otherwise
    /// [`Instant::NEVER`].
    heard_at: Instant,
    /// Something was given to the transport since its last complete flush.
    dirty: bool,
    /// How many messages of that.
    pub(super) unflushed: u64,
    /// The messages themselves, if they are to be given back.
    pub(super) retained: Option<Vec<Message>>,
    /// Writing has failed. What can still be read may say why, so the end waits for that.
    pub(super) broken: Option<Box<Broken>>,
}

/// A control frame. A Close takes the place of a Ping.
enum Control {
    /// Or what is sent in its place.
    Ping(Nonce, Option<Box<Message>>),
    Close(Option<Box<CloseFrame>>),
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

/// How long the application may take for all messages that the machine is not told of at once, which
/// are 127 at most. When it takes longer, asking what time it is costs next to nothing in comparison.
const MOMENT: Duration = Duration::from_millis(10);

/// How many messages are retained before they must have been flushed.
const MOST_RETAINED: usize = 256;

impl<C: Conn> Up<C> {
    pub(super) fn new(conn: C, retain: bool) -> Self {
        Self {
            conn,
            control: None,
            plain: !retain,
            pinged: None,
            peer_close: None,
            paused: false,
            dirty: false,
            unreported: false,
            credit: 0,
            trust: 0,
            heard_at: Instant::NEVER,
            unflushed: 0,
            retained: retain.then(Vec::new),
            broken: None,
        }
    }

    #[inline(always)]
    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }

    pub(super) fn ping(&mut self, nonce: Nonce, message: Option<Message>) {
        self.plain = false;
        if !matches!(self.control, Some(Control::Close(_))) {
            self.control = Some(Control::Ping(nonce, message.map(Box::new)));
        }
    }

    pub(super) fn close(&mut self, frame: Option<CloseFrame>) {
        self.plain = false;
        self.control = Some(Control::Close(frame.map(Box::new)));
    }

    /// Whether messages are all that is going on, and nobody has to look at them.
    #[inline]
    pub(super) fn is_calm(&self) -> bool {
        self.credit > 0
    }

    /// Writes what has been given to the transport. Answers whether it is calm after that.
    #[inline]
    pub(super) fn writes(&mut self, cx: &mut Context<'_>) -> bool {
        if self.dirty {
            self.flush(cx);
        }
        self.is_calm()
    }

    #[inline(never)]
    fn flush(&mut self, cx: &mut Context<'_>) {
        let _ = self.poll_write(cx);
    }

    /// A message has come in. Answers whether the machine need not be told of it at once.
    #[inline]
    pub(super) fn hears(&mut self) -> bool {
        self.unreported = self.credit != 0;
        self.credit -= self.credit.signum();
        self.unreported
    }

    /// The same where it is calm.
    #[inline]
    pub(super) fn hears_calmly(&mut self) {
        self.credit -= 1;
        self.unreported = true;
    }

    /// The machine has just been told of a message, now that it is open and nothing else is told.
    /// Grants as many more as the application has earned, which are to be looked at or not.
    pub(super) fn grant(&mut self, now: Instant, are_looked_at: bool) {
        self.judge(now);
        self.heard_at = now;
        let nothing_else = self.control.is_none() && self.broken.is_none() && !self.paused;
        self.credit = match (nothing_else, are_looked_at) {
            (false, _) => 0,
            (true, false) => self.trust,
            (true, true) => -self.trust,
        };
    }

    /// Reading has to wait, and the machine has been told of all messages, if any of them now.
    pub(super) fn dry(&mut self, told: Option<Instant>) {
        self.credit = 0;
        if let Some(now) = told {
            self.judge(now);
        }
        self.heard_at = Instant::NEVER;
    }

    /// When a message came in of which the machine is told later is not known. So there are many such
    /// messages only if they are taken one right after the other.
    fn judge(&mut self, now: Instant) {
        if self.heard_at != Instant::NEVER {
            let is_quick = now.saturating_duration_since(self.heard_at) <= MOMENT;
            self.trust = if is_quick { self.trust.saturating_mul(2).saturating_add(1) } else { 0 };
        }
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
    #[inline(always)]
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ready = match self.plain {
            true => Pin::new(&mut self.conn).poll_ready(cx),
            false => ready!(self.poll_before_message(cx)),
        };
        self.done(ready)
    }

    /// The same when there is more to it. Pending when writing has failed or must not go on.
    #[inline(never)]
    fn poll_before_message(&mut self, cx: &mut Context<'_>) -> Poll<Poll<Result<(), ErrorOf<C>>>> {
        if self.broken.is_some() {
            return Poll::Pending;
        }
        // What is retained must not pile up because the transport is never quite idle.
        if self.retained.as_ref().is_some_and(|retained| retained.len() >= MOST_RETAINED) {
            ready!(self.poll_write(cx));
        }
        Poll::Ready(self.try_poll_ready(cx))
    }

    /// Ready for one more frame. What has to be in time goes before what only has to be in order.
    fn try_poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ErrorOf<C>>> {
        ready!(Pin::new(&mut self.conn).poll_ready(cx)?);
        while let Some(control) = self.control.take() {
            self.send_control(control)?;
            ready!(Pin::new(&mut self.conn).poll_ready(cx)?);
        }
        self.plain = self.retained.is_none();
        Poll::Ready(Ok(()))
    }

    /// Pending if it has failed: what can still be read may say why.
    #[inline(always)]
    fn done(&mut self, polled: Poll<Result<(), ErrorOf<C>>>) -> Poll<()> {
        match polled {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Ready(Err(error)) => {
                self.fail(error);
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    #[inline]
    pub(super) fn start_send(&mut self, message: Message) {
        self.unflushed += 1;
        if !self.plain {
            return self.retain_and_send(message);
        }
        self.send_message(message);
    }

    #[inline(always)]
    fn send_message(&mut self, message: Message) {
        self.dirty = true;
        let frame = Frame::Message(message).into();
        if let Err(error) = Pin::new(&mut self.conn).start_send(frame) {
            self.fail(error);
        }
    }

    #[inline(never)]
    fn retain_and_send(&mut self, message: Message) {
        self.retained.iter_mut().for_each(|retained| retained.push(message.clone()));
        self.send_message(message);
    }

    /// Whether there is anything to write or to flush.
    #[inline]
    pub(super) fn has_to_write(&self) -> bool {
        self.dirty || self.control.is_some()
    }

    /// Writes the control frames that wait, as far as there is room, and flushes. Ready when all that
    /// was given to the transport has been written.
    #[inline(always)]
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.plain {
            ready!(self.poll_before_flush(cx));
        }
        if !self.dirty {
            return Poll::Ready(());
        }
        let flushed = Pin::new(&mut self.conn).poll_flush(cx);
        ready!(self.done(flushed));
        self.dirty = false;
        self.unflushed = 0;
        if !self.plain {
            self.retained.iter_mut().for_each(Vec::clear);
        }
        Poll::Ready(())
    }

    /// What there is to do before a flush. Pending if writing has failed.
    #[inline(never)]
    fn poll_before_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.broken.is_some() {
            return Poll::Pending;
        }
        if self.control.is_some() {
            if let Poll::Ready(Err(error)) = self.try_poll_ready(cx) {
                self.fail(error);
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    #[cold]
    fn send_control(&mut self, control: Control) -> Result<(), ErrorOf<C>> {
        match control {
            Control::Ping(nonce, message) => {
                self.pinged = Some(nonce);
                self.send(match message {
                    Some(message) => Frame::Message(*message),
                    None => Frame::Ping(Bytes::copy_from_slice(&nonce.to_bytes())),
                })
            }
            Control::Close(frame) => {
                let sent = self.send(Frame::Close(frame));
                // A transport that has answered the peer's Close by itself refuses to do so twice.
                if self.peer_close.is_some() { Ok(()) } else { sent }
            }
        }
    }

    #[inline(never)]
    fn send(&mut self, frame: Frame) -> Result<(), ErrorOf<C>> {
        self.dirty = true;
        Pin::new(&mut self.conn).start_send(frame.into())
    }

    #[cold]
    fn fail(&mut self, error: ErrorOf<C>) {
        let failure = error.failure();
        let broken = Broken { failure, error: Arc::new(error), reads_left: LAST_WORDS };
        self.broken = Some(Box::new(broken));
        self.plain = false;
        self.credit = 0;
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
