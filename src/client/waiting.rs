//! The futures of a handle. Each looks again whenever the driver has changed something, so dropping
//! one loses nothing.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use super::{
    Message, Overflow, SendError, SendErrorReason,
    flushes::Flushed,
    mailbox::{Inner, Mailbox},
};
use crate::{ClosedReason, State};

/// A look at what is shared, and a place among those who are told when it changes.
struct Waiting<'a> {
    mailbox: &'a Mailbox,
    place: Option<usize>,
}

impl<'a> Waiting<'a> {
    fn new(mailbox: &'a Mailbox) -> Self {
        Self { mailbox, place: None }
    }

    fn poll<T>(&mut self, cx: &Context<'_>, look: impl FnOnce(&mut Inner) -> Poll<T>) -> Poll<T> {
        let mut inner = self.mailbox.lock();
        let looked = look(&mut inner);
        if looked.is_pending() {
            self.wait(cx, inner);
        }
        looked
    }

    #[inline(never)]
    fn leave(&self, place: usize) {
        let waker = self.mailbox.lock().leave(place);
        drop(waker);
    }

    fn wait_for_room(&mut self, cx: &Context<'_>, mut inner: MutexGuard<'_, Inner>) {
        inner.await_room();
        self.wait(cx, inner);
    }

    #[inline(never)]
    fn wait(&mut self, cx: &Context<'_>, mut inner: MutexGuard<'_, Inner>) {
        let replaced = inner.waiters.enter(&mut self.place, cx);
        drop(inner);
        drop(replaced);
    }
}

impl Drop for Waiting<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.leave(place);
        }
    }
}

/// The future of [`Handle::send`](super::Handle::send).
///
/// ```
/// use steadfast::client::{Handle, Sending};
///
/// fn named(handle: &Handle) -> Sending<'_> {
///     handle.send("hello")
/// }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Sending<'a> {
    waiting: Waiting<'a>,
    message: Option<Message>,
}

impl<'a> Sending<'a> {
    pub(super) fn new(mailbox: &'a Mailbox, message: Message) -> Self {
        Self { waiting: Waiting::new(mailbox), message: Some(message) }
    }
}

impl Future for Sending<'_> {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { waiting, message } = &mut *self;
        if message.is_none() {
            return Poll::Ready(Ok(()));
        }
        let mut inner = waiting.mailbox.lock();
        match inner.accept(message) {
            Ok(woken) => {
                drop(inner);
                woken.wake();
                Poll::Ready(Ok(()))
            }
            Err(SendErrorReason::Full) if inner.queue.rules().overflow() == Overflow::Wait => {
                waiting.wait_for_room(cx, inner);
                Poll::Pending
            }
            Err(reason) => Poll::Ready(Err(SendError { message: message.take(), reason })),
        }
    }
}

/// The future of [`Handle::send_all`](super::Handle::send_all).
///
/// ```
/// use std::collections::VecDeque;
/// use steadfast::client::{Handle, Message, SendingAll};
///
/// fn named<'a>(handle: &'a Handle, messages: &'a mut VecDeque<Message>) -> SendingAll<'a> {
///     handle.send_all(messages)
/// }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct SendingAll<'a> {
    waiting: Waiting<'a>,
    messages: &'a mut VecDeque<Message>,
}

impl<'a> SendingAll<'a> {
    pub(super) fn new(mailbox: &'a Mailbox, messages: &'a mut VecDeque<Message>) -> Self {
        Self { waiting: Waiting::new(mailbox), messages }
    }
}

impl Future for SendingAll<'_> {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { waiting, messages } = &mut *self;
        while !messages.is_empty() {
            let mut inner = waiting.mailbox.lock();
            match inner.accept_some(messages) {
                Ok(woken) => {
                    drop(inner);
                    woken.wake();
                }
                Err(SendErrorReason::Full) if inner.queue.rules().overflow() == Overflow::Wait => {
                    waiting.wait_for_room(cx, inner);
                    return Poll::Pending;
                }
                Err(reason) => return Poll::Ready(Err(SendError { message: None, reason })),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The future of [`Handle::flush`](super::Handle::flush).
///
/// ```
/// use steadfast::client::{Handle, Flush};
///
/// fn named(handle: &Handle) -> Flush<'_> {
///     handle.flush()
/// }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Flush<'a> {
    waiting: Waiting<'a>,
    /// The losses of which its handle has told.
    told: &'a Mutex<u64>,
    name: u64,
}

impl<'a> Flush<'a> {
    pub(super) fn new(mailbox: &'a Mailbox, told: &'a Mutex<u64>) -> Self {
        let name = mailbox.lock().begin_flush(*lock(told));
        Self { waiting: Waiting::new(mailbox), told, name }
    }
}

fn lock(told: &Mutex<u64>) -> MutexGuard<'_, u64> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Future for Flush<'_> {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let name = self.name;
        let look = |inner: &mut Inner| {
            let flushed = inner.flushes.flushed(name, inner.gone);
            flushed.map_or(Poll::Pending, Poll::Ready)
        };
        self.waiting.poll(cx, look).map(|Flushed { result, told }| {
            let mut before = lock(self.told);
            *before = told.max(*before);
            result.map_err(|reason| SendError { message: None, reason })
        })
    }
}

impl Drop for Flush<'_> {
    fn drop(&mut self) {
        self.waiting.mailbox.lock().flushes.end(self.name);
    }
}

/// The future of [`Handle::closed`](super::Handle::closed).
///
/// ```
/// use steadfast::client::{Handle, Closed};
///
/// fn named(handle: &Handle) -> Closed<'_> {
///     handle.closed()
/// }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Closed<'a> {
    waiting: Waiting<'a>,
}

impl<'a> Closed<'a> {
    pub(super) fn new(mailbox: &'a Mailbox) -> Self {
        Self { waiting: Waiting::new(mailbox) }
    }
}

impl Future for Closed<'_> {
    type Output = Option<ClosedReason>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.waiting.poll(cx, |inner| match inner.snapshot.state {
            State::Closed(reason) if inner.restart.is_none() => Poll::Ready(Some(reason)),
            _ if inner.gone => Poll::Ready(None),
            _ => Poll::Pending,
        })
    }
}

impl fmt::Debug for Sending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("message", &self.message).finish_non_exhaustive()
    }
}

impl fmt::Debug for SendingAll<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendingAll").field("messages", &self.messages.len()).finish_non_exhaustive()
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
