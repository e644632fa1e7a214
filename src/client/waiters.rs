//! The wakers of those who wait for a change, each of which leaves with its future.

use std::task::{Context, Waker};

use slab::Slab;

/// Places outlive wake-ups, so that a future leaves its own and no other.
#[derive(Default)]
pub(super) struct Waiters(Slab<Option<Waker>>);

impl Waiters {
    /// Enters the task's waker. Answers the one that it replaces, to be dropped once no lock is held: a
    /// waker may own a task, and with it futures that would leave from here.
    pub(super) fn enter(&mut self, place: &mut Option<usize>, cx: &Context<'_>) -> Option<Waker> {
        let place = *place.get_or_insert_with(|| self.0.insert(None));
        match &mut self.0[place] {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            entry => entry.replace(cx.waker().clone()),
        }
    }

    pub(super) fn leave(&mut self, place: usize) -> Option<Waker> {
        self.0.remove(place)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take_all(&mut self) -> Vec<Waker> {
        self.0.iter_mut().filter_map(|(_, waker)| waker.take()).collect()
    }
}
