//! What a driver has taken from the queue and not given to the transport yet.

use super::{
    Release, SendErrorReason,
    deadlines::Deadlines,
    line::{Line, Numbers, Queued},
    load::Load,
    mailbox::Inner,
};
use crate::Instant;

#[derive(Default)]
pub(super) struct Taken {
    pub(super) ahead: Line,
    pub(super) batch: Line,
    /// What has been given to the transport, until the mailbox knows of it.
    pub(super) given: Load,
    pub(super) given_ahead: Load,
    /// What has waited too long, until the application is told.
    pub(super) expired: Vec<Queued>,
}

/// What there is to send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refilled {
    Nothing,
    /// Nothing, but there is room that someone has waited for.
    Awaited,
    One,
    /// More than one, or more to come.
    Crowd,
}

impl Taken {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.ahead.is_empty() && self.batch.is_empty()
    }

    /// Takes what is in the queue.
    pub(super) fn refill(&mut self, inner: &mut Inner) -> Refilled {
        inner.queue.take_ahead(&mut self.ahead);
        let released = inner.resynchronised || inner.queue.rules().release() == Release::OnUp;
        if released && self.batch.is_empty() {
            inner.queue.take(&mut self.batch);
        }
        match self.ahead.len() + self.batch.len() {
            0 if inner.is_awaited() => Refilled::Awaited,
            0 => Refilled::Nothing,
            1 if inner.queue.is_empty() => Refilled::One,
            _ => Refilled::Crowd,
        }
    }

    /// Tells the queue of what has gone.
    #[inline]
    pub(super) fn settle(&mut self, inner: &mut Inner) {
        if self.given.messages > 0 {
            inner.free(std::mem::take(&mut self.given));
        }
        if self.given_ahead.messages > 0 {
            inner.free_ahead(std::mem::take(&mut self.given_ahead));
        }
    }

    /// Takes out what has expired. Answers when the next of all that waits will.
    #[inline(never)]
    pub(super) fn expire(
        &mut self,
        inner: &mut Inner,
        deadlines: &mut Deadlines,
        now: Instant,
    ) -> Option<Instant> {
        let newest = self.batch.highest().max(inner.queue.waiting().highest());
        if let Some(last) = deadlines.look(now, newest) {
            let expired = &mut self.expired;
            self.batch.drain_to(last, expired);
            inner.free(Load::of_all(expired.iter().map(|queued| &queued.message)));
            inner.queue.drain_to(last, expired);
            inner.lose(Numbers::among(expired), SendErrorReason::GivenUp);
        }
        deadlines.next(&self.batch, inner.queue.waiting())
    }

    /// The lowest number among them, or one that none reaches.
    #[inline]
    pub(super) fn lowest(&self) -> u64 {
        self.batch.lowest().min(self.ahead.lowest())
    }
}
