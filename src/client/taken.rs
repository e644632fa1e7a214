//! What a driver has taken from the queue and not given to the transport yet.

use std::collections::VecDeque;

use super::{
    Release,
    mailbox::Inner,
    queue::{Load, Queued, lowest},
};

#[derive(Default)]
pub(super) struct Taken {
    pub(super) ahead: VecDeque<Queued>,
    pub(super) batch: VecDeque<Queued>,
    /// What has been given to the transport, until the mailbox knows of it.
    pub(super) given: Load,
    pub(super) given_ahead: Load,
}

/// What there is to send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refilled {
    Nothing,
    One,
    /// More than one, or more to come.
    Crowd,
}

impl Taken {
    pub(super) fn is_empty(&self) -> bool {
        self.ahead.is_empty() && self.batch.is_empty()
    }

    /// Takes what is in the queue, and tells it of what has gone.
    #[inline]
    pub(super) fn refill(&mut self, inner: &mut Inner) -> Refilled {
        self.settle(inner);
        inner.queue.take_ahead(&mut self.ahead);
        let released = match inner.queue.rules().release() {
            Release::OnUp => true,
            Release::OnResync => inner.resynchronised,
        };
        if released && self.batch.is_empty() {
            inner.queue.take(&mut self.batch);
        }
        match self.ahead.len() + self.batch.len() {
            0 => Refilled::Nothing,
            1 if inner.queue.is_empty() => Refilled::One,
            _ => Refilled::Crowd,
        }
    }

    #[inline]
    pub(super) fn settle(&mut self, inner: &mut Inner) {
        if self.given.messages > 0 {
            inner.queue.taken.subtract(std::mem::take(&mut self.given));
        }
        if self.given_ahead.messages > 0 {
            inner.queue.taken_ahead.subtract(std::mem::take(&mut self.given_ahead));
        }
    }

    /// Takes the next message, which is given to the transport.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Queued> {
        let (queue, given) = match self.ahead.is_empty() {
            true => (&mut self.batch, &mut self.given),
            false => (&mut self.ahead, &mut self.given_ahead),
        };
        let queued = queue.pop_front()?;
        given.add(&queued.message);
        Some(queued)
    }

    /// The lowest number among them, or one that none reaches.
    #[inline]
    pub(super) fn lowest(&self) -> u64 {
        lowest(&self.ahead).min(lowest(&self.batch))
    }
}
