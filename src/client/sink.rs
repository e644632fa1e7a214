//! The sink that a connection is: what the application sends.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Sink, ready};

use super::{
    Clock, Conn, Connection, Dial, Message, SendError, SendErrorReason, Traffic,
    connection::BUDGET,
    line::Line,
    link::{Link, Up},
};
use crate::{State, StateMachine};

impl<D, K, M> Connection<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    /// Ready when the transport has room for a message, which is then to be [given](Self::give), or
    /// when there is no connection to send on, with whether there is one.
    #[inline(always)]
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let open = self.is_open();
        match &mut self.link {
            Link::Up(up) if open => match up.poll_ready(cx) {
                Poll::Ready(()) => Poll::Ready(true),
                Poll::Pending => self.wait_for_room(cx),
            },
            _ => Poll::Ready(false),
        }
    }

    #[inline(never)]
    fn wait_for_room(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        for _ in 0..BUDGET {
            ready!(self.poll_ahead(cx));
            if !self.is_open() {
                return Poll::Ready(false);
            }
            let Some(up) = self.link.up() else { return Poll::Ready(false) };
            if up.poll_ready(cx).is_ready() {
                return Poll::Ready(true);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Gives a message to the transport that has room for it; gives it back if there is none.
    #[inline(always)]
    fn give(&mut self, message: Message) -> Result<(), Message> {
        let Some(room) = self.room() else { return Err(message) };
        room.give(message);
        Ok(())
    }

    /// The room that there is, if [`poll_room`](Self::poll_room) says so.
    #[inline(always)]
    pub(super) fn room(&mut self) -> Option<Room<'_, D::Conn>> {
        let Self { link: Link::Up(up), traffic, interrupted, .. } = self else { return None };
        Some(Room { up, traffic, interrupted })
    }

    /// Drives it on behalf of the sink: what comes in is kept for the stream.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let before = self.events.len();
        if let Some(message) = ready!(self.poll_drive(cx)) {
            self.read_ahead += 1;
            if let Some(up) = self.link.up() {
                up.credit = 0;
            }
            // It came in before what the machine had to say at that.
            self.events.insert(before, message);
        }
        Poll::Ready(())
    }

    #[inline(never)]
    fn wait_for_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        for _ in 0..BUDGET {
            ready!(self.poll_ahead(cx));
            let up = self.link.up().filter(|_| self.interrupted == 0);
            if up.is_none_or(|up| up.poll_write(cx).is_ready()) {
                return Poll::Ready(self.tell_interruption());
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Tells once that accepted messages could not be written.
    fn tell_interruption(&mut self) -> Result<(), SendError> {
        match std::mem::take(&mut self.interrupted) {
            0 => Ok(()),
            unflushed => {
                let reason = SendErrorReason::Interrupted { unflushed };
                Err(SendError { message: None, reason })
            }
        }
    }
}

/// Room for one message.
pub(super) struct Room<'a, C> {
    up: &'a mut Up<C>,
    traffic: &'a mut Traffic,
    interrupted: &'a mut u64,
}

impl<C: Conn> Room<'_, C> {
    /// Whether all that was given before has been written.
    #[inline(always)]
    pub(super) fn is_flushed(&self) -> bool {
        self.up.unflushed == 0
    }

    #[inline(always)]
    fn give(self, message: Message) {
        self.traffic.send(&message);
        // A flush from now on is for this connection.
        *self.interrupted = 0;
        self.up.start_send(message);
    }

    /// Gives the next of these, and more as long as there is room and nothing else to look at.
    #[inline(always)]
    pub(super) fn give_next(self, cx: &mut Context<'_>, line: &mut Line) {
        *self.interrupted = 0;
        while let Some(message) = line.pop() {
            self.traffic.send(&message);
            self.up.start_send(message);
            if line.is_empty() || !self.up.is_plain() || self.up.poll_ready(cx).is_pending() {
                break;
            }
        }
    }
}

impl<D, K, M> Sink<Message> for Connection<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    type Error = SendError;

    /// Ready when the transport has room for a message, and also while there is no open
    /// connection: then [`start_send`](Sink::start_send) gives the message back. If the stream is
    /// polled in between, ask again: a ping may have taken the room.
    #[inline]
    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_room(cx).map(|_| Ok(()))
    }

    #[inline]
    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        let given = if self.is_open() { self.give(message) } else { Err(message) };
        given.map_err(|message| SendError::of(message, SendErrorReason::NotOpen))
    }

    /// Ready when all that was accepted has been written, or cannot be any more.
    #[inline]
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let this = &mut *self;
        match &mut this.link {
            Link::Up(up) if this.interrupted == 0 => match up.poll_write(cx) {
                Poll::Ready(()) => Poll::Ready(Ok(())),
                Poll::Pending => this.wait_for_flush(cx),
            },
            _ => Poll::Ready(this.tell_interruption()),
        }
    }

    /// Stops, as [`stop`](Connection::stop) does; an error if messages went down with the connection.
    /// The events of it are left for the stream.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        for _ in 0..BUDGET {
            match self.state() {
                State::Closed(_) | State::Idle => return Poll::Ready(self.tell_interruption()),
                State::Closing => ready!(self.poll_ahead(cx)),
                _ if self.is_to_stop() => ready!(self.poll_ahead(cx)),
                _ => self.stop(),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
