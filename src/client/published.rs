//! What handles wait for.

use super::mailbox::Inner;
use crate::State;

/// Handles are woken when it changes, and only then: one that waits in the driver's own task would
/// otherwise keep it running.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Published {
    state: State,
    open: bool,
    /// How many messages have left the queue: each makes room, and another may fill it again before
    /// anyone has looked.
    departed: u64,
    unsettled: u64,
    losses: u64,
}

impl Published {
    /// Brings it up to date. Answers whether it has changed.
    #[inline]
    pub(super) fn change(&mut self, inner: &Inner) -> bool {
        let departed = inner.queue.departed();
        let unchanged = self.departed == departed
            && self.unsettled == inner.unsettled
            && self.losses == inner.losses.count
            && self.open == inner.open
            && self.state == inner.snapshot.state;
        if !unchanged {
            *self = Self::of(inner);
        }
        !unchanged
    }

    #[inline]
    pub(super) fn of(inner: &Inner) -> Self {
        Self {
            state: inner.snapshot.state,
            open: inner.open,
            departed: inner.queue.departed(),
            unsettled: inner.unsettled,
            losses: inner.losses.count,
        }
    }
}
