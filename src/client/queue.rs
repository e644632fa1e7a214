//! The queue between handles and driver: room, order and numbers. It knows no clock and wakes nobody.

use std::collections::VecDeque;

use super::{
    Message, Outbox, Overflow, Release, SendErrorReason,
    line::{Line, Queued},
    load::Load,
};
use crate::time::Nanos;

/// Whether messages wait for a connection, or only for room on the one that is open.
#[derive(Clone)]
pub(super) enum Rules {
    WhileOpen { capacity: usize },
    Keep(Outbox),
}

impl Rules {
    pub(super) fn keep(&self) -> Option<&Outbox> {
        match self {
            Self::WhileOpen { .. } => None,
            Self::Keep(outbox) => Some(outbox),
        }
    }

    pub(super) fn overflow(&self) -> Overflow {
        self.keep().map_or(Overflow::Wait, |outbox| outbox.overflow)
    }

    #[inline]
    pub(super) fn release(&self) -> Release {
        self.keep().map_or(Release::OnUp, |outbox| outbox.release)
    }

    pub(super) fn time_to_live(&self) -> Option<Nanos> {
        self.keep()?.time_to_live.map(Nanos::saturating_from)
    }

    fn limits(&self) -> Load {
        let (messages, bytes) = match self {
            Self::WhileOpen { capacity } => (*capacity, usize::MAX),
            Self::Keep(outbox) => (outbox.max_messages, outbox.max_bytes),
        };
        Load { messages: messages.max(1), bytes }
    }
}

pub(super) struct Queue {
    rules: Rules,
    limits: Load,
    /// Whether the oldest make room for the newest.
    displaces: bool,
    waiting: Line,
    /// What takes room: what waits and what the driver has taken of it and not given to the transport
    /// yet, except where that can no longer make room.
    load: Load,
    /// What overtakes those.
    ahead: Line,
    load_ahead: Load,
    /// What the driver has taken and takes no room.
    taken: Load,
    accepted: u64,
}

impl Queue {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            limits: rules.limits(),
            displaces: rules.overflow() == Overflow::DropOldest,
            rules,
            waiting: Line::default(),
            load: Load::default(),
            ahead: Line::default(),
            load_ahead: Load::default(),
            taken: Load::default(),
            accepted: 0,
        }
    }

    #[inline]
    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many messages have ever been accepted, which is the number of the last.
    #[inline]
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How much has been accepted and not been given to the transport.
    pub(super) fn backlog(&self) -> Load {
        self.load.plus(self.load_ahead).plus(self.taken)
    }

    /// Whether there is room for a message of this length.
    #[inline]
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.load.has_room(length, self.limits)
    }

    /// Makes room for a message of this length. Answers what had to leave.
    pub(super) fn make_room(&mut self, length: usize) -> Result<Vec<Queued>, SendErrorReason> {
        if length > self.limits.bytes {
            return Err(SendErrorReason::TooLong);
        }
        let mut displaced = Vec::new();
        while !self.has_room(length) {
            let oldest = if self.displaces { self.waiting.pop_queued() } else { None };
            let oldest = oldest.ok_or(SendErrorReason::Full)?;
            self.load.subtract(Load::of(&oldest.message));
            displaced.push(oldest);
        }
        Ok(displaced)
    }

    /// Adds a message that there is room for.
    #[inline]
    pub(super) fn push(&mut self, message: Message) {
        self.load.add(Load::of(&message));
        self.accepted += 1;
        self.waiting.push(message, self.accepted);
    }

    /// Adds the first of these that there is room for, at most so many. Answers how many.
    pub(super) fn push_all(&mut self, from: &mut VecDeque<Message>, most: usize) -> usize {
        let room = self.limits.messages.saturating_sub(self.load.messages);
        let mut count = most.min(room).min(from.len());
        let mut load = self.load.plus(Load::of_all(from.range(..count)));
        // Rarely: bytes are what is short.
        while load.bytes > self.limits.bytes && count > 0 {
            count /= 2;
            load = self.load.plus(Load::of_all(from.range(..count)));
        }
        if count > 0 {
            self.waiting.push_all(from, count, self.accepted + 1);
            self.load = load;
            self.accepted += count as u64;
        }
        count
    }

    /// Accepts a message that overtakes all that wait.
    pub(super) fn push_ahead(
        &mut self,
        message: Message,
    ) -> Result<(), (Message, SendErrorReason)> {
        if message.len() > self.limits.bytes {
            return Err((message, SendErrorReason::TooLong));
        }
        if !self.load_ahead.has_room(message.len(), self.limits) {
            return Err((message, SendErrorReason::Full));
        }
        self.load_ahead.add(Load::of(&message));
        self.accepted += 1;
        self.ahead.push(message, self.accepted);
        Ok(())
    }

    /// Takes what overtakes the others.
    #[inline]
    pub(super) fn take_ahead(&mut self, into: &mut Line) {
        if !self.ahead.is_empty() {
            into.append(&mut self.ahead);
        }
    }

    /// Takes what is to be sent next, when all that was taken before has been.
    #[inline]
    pub(super) fn take(&mut self, into: &mut Line) {
        if self.displaces { self.take_one(into) } else { std::mem::swap(into, &mut self.waiting) }
    }

    /// What is still here can make room, so no more is taken than the transport is given.
    fn take_one(&mut self, into: &mut Line) {
        let Some(Queued { message, number }) = self.waiting.pop_queued() else { return };
        self.load.subtract(Load::of(&message));
        self.taken.add(Load::of(&message));
        into.push(message, number);
    }

    /// This much of what was taken is no longer the driver's.
    #[inline]
    pub(super) fn free(&mut self, gone: Load) {
        if self.displaces { self.taken.subtract(gone) } else { self.load.subtract(gone) }
    }

    /// The same for what overtook the others.
    #[inline]
    pub(super) fn free_ahead(&mut self, gone: Load) {
        self.load_ahead.subtract(gone);
    }

    /// Puts back all that is still taken.
    pub(super) fn put_back(&mut self, from: &mut Line) {
        self.load.add(std::mem::take(&mut self.taken));
        from.append(&mut self.waiting);
        std::mem::swap(from, &mut self.waiting);
    }

    /// Takes out what waits, up to this number.
    pub(super) fn drain_to(&mut self, last: u64, into: &mut Vec<Queued>) {
        let before = into.len();
        self.waiting.drain_to(last, into);
        self.load.subtract(Load::of_all(into[before..].iter().map(|queued| &queued.message)));
    }

    /// Takes out all that overtakes the others. Nothing of that is the driver's any more.
    pub(super) fn drain_ahead(&mut self, into: &mut Vec<Queued>) {
        self.load_ahead = Load::default();
        self.ahead.drain_to(u64::MAX, into);
    }

    /// Takes out all there is. Nothing is the driver's any more.
    pub(super) fn clear(&mut self, into: &mut Vec<Queued>) {
        self.drain_to(u64::MAX, into);
        self.drain_ahead(into);
        (self.load, self.taken) = Default::default();
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.ahead.is_empty()
    }

    /// The lowest number that waits here, or one that none reaches.
    #[inline]
    pub(super) fn lowest(&self) -> u64 {
        self.waiting.lowest().min(self.ahead.lowest())
    }

    /// What waits its turn.
    pub(super) fn waiting(&self) -> &Line {
        &self.waiting
    }
}
