//! The futures of a handle. Each looks again whenever the driver has changed something, so dropping
//! one loses nothing.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{Message, Overflow, SendError, SendErrorReason, mailbox::Mailbox};
use crate::{ClosedReason, State};

/// The future of [`Handle::send`](super::Handle::send).
#[must_use = "futures do nothing unless polled"]
pub struct Sending<'a> {
    mailbox: &'a Mailbox,
    message: Option<Message>,
}

impl<'a> Sending<'a> {
    pub(super) fn new(mailbox: &'a Mailbox, message: Message) -> Self {
        Self { mailbox, message: Some(message) }
    }
}

impl Future for Sending<'_> {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(message) = self.message.take() else { return Poll::Ready(Ok(())) };
        let mut inner = self.mailbox.lock();
        match inner.accept(message) {
            Ok(woken) => {
                drop(inner);
                woken.wake();
                Poll::Ready(Ok(()))
            }
            Err((message, SendErrorReason::Full))
                if inner.queue.rules().overflow() == Overflow::Wait =>
            {
                inner.wait(cx);
                drop(inner);
                self.message = Some(message);
                Poll::Pending
            }
            Err((message, reason)) => Poll::Ready(Err(SendError::of(message, reason))),
        }
    }
}

/// The future of [`Handle::flush`](super::Handle::flush).
#[must_use = "futures do nothing unless polled"]
pub struct Flush<'a> {
    mailbox: &'a Mailbox,
    name: u64,
}

impl<'a> Flush<'a> {
    pub(super) fn new(mailbox: &'a Mailbox) -> Self {
        Self { mailbox, name: mailbox.lock().begin_flush() }
    }
}

impl Future for Flush<'_> {
    type Output = Result<(), SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.mailbox.lock();
        match inner.flushed(self.name) {
            Some(flushed) => {
                Poll::Ready(flushed.map_err(|reason| SendError { message: None, reason }))
            }
            None => {
                inner.wait(cx);
                Poll::Pending
            }
        }
    }
}

impl Drop for Flush<'_> {
    fn drop(&mut self) {
        self.mailbox.lock().end_flush(self.name);
    }
}

/// The future of [`Handle::closed`](super::Handle::closed).
#[must_use = "futures do nothing unless polled"]
pub struct Closed<'a> {
    mailbox: &'a Mailbox,
}

impl<'a> Closed<'a> {
    pub(super) fn new(mailbox: &'a Mailbox) -> Self {
        Self { mailbox }
    }
}

impl Future for Closed<'_> {
    type Output = Option<ClosedReason>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.mailbox.lock();
        match inner.snapshot.state {
            State::Closed(reason) if !inner.restarting => Poll::Ready(Some(reason)),
            _ if inner.gone => Poll::Ready(None),
            _ => {
                inner.wait(cx);
                Poll::Pending
            }
        }
    }
}

impl fmt::Debug for Sending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("message", &self.message).finish_non_exhaustive()
    }
}

impl fmt::Debug for Flush<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flush").finish_non_exhaustive()
    }
}

impl fmt::Debug for Closed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").finish_non_exhaustive()
    }
}
