//! The queue between handles and driver: room, order, numbers and time to live. It knows no clock and
//! wakes nobody.

use std::collections::VecDeque;

use super::{Message, Outbox, Overflow, Release, SendErrorReason};
use crate::{Instant, time::Nanos};

/// A message that was accepted.
pub(super) struct Queued {
    pub(super) message: Message,
    /// Its place among all that were ever accepted, from 1.
    pub(super) number: u64,
    /// Unknown, and so never, until the driver has seen it: handles have no clock.
    expires: Instant,
}

/// The lowest and the highest number of some messages.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    pub(super) lowest: u64,
    pub(super) highest: u64,
}

impl Numbers {
    #[inline]
    pub(super) fn of(number: u64) -> Self {
        Self { lowest: number, highest: number }
    }

    /// Those of messages in their order.
    pub(super) fn among(messages: &[Queued]) -> Option<Self> {
        let (first, last) = (messages.first()?, messages.last()?);
        Some(Self { lowest: first.number, highest: last.number })
    }

    #[inline]
    pub(super) fn and(self, other: Self) -> Self {
        let (lowest, highest) = (self.lowest.min(other.lowest), self.highest.max(other.highest));
        Self { lowest, highest }
    }
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl Load {
    /// Clones of one payload may add up to more than there is memory.
    pub(super) fn add(&mut self, message: &Message) {
        self.messages += 1;
        self.bytes = self.bytes.saturating_add(message.len());
    }

    pub(super) fn subtract(&mut self, other: Self) {
        self.messages = self.messages.saturating_sub(other.messages);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }

    fn plus(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    fn has_room(self, length: usize, limits: Self) -> bool {
        let bytes = self.bytes.checked_add(length);
        self.messages < limits.messages && bytes.is_some_and(|bytes| bytes <= limits.bytes)
    }

    pub(super) fn remove(&mut self, message: &Message) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(message.len());
    }
}

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
    waiting: VecDeque<Queued>,
    load: Load,
    /// What overtakes those.
    ahead: VecDeque<Queued>,
    load_ahead: Load,
    /// What the driver has taken of either and not given to the transport yet.
    pub(super) taken: Load,
    pub(super) taken_ahead: Load,
    accepted: u64,
}

impl Queue {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            limits: rules.limits(),
            displaces: rules.overflow() == Overflow::DropOldest,
            rules,
            waiting: VecDeque::new(),
            load: Load::default(),
            ahead: VecDeque::new(),
            load_ahead: Load::default(),
            taken: Load::default(),
            taken_ahead: Load::default(),
            accepted: 0,
        }
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many messages have ever been accepted, which is the number of the last.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How much has been accepted and not been given to the transport.
    pub(super) fn backlog(&self) -> Load {
        self.load.plus(self.load_ahead).plus(self.taken).plus(self.taken_ahead)
    }

    /// How many of those that were accepted are no longer here.
    pub(super) fn departed(&self) -> u64 {
        self.accepted.saturating_sub(self.backlog().messages as u64)
    }

    /// Whether there is room for a message of this length.
    #[inline]
    pub(super) fn has_room(&self, length: usize) -> bool {
        // What is being sent can no longer make room.
        let taken = if self.displaces { Load::default() } else { self.taken };
        self.load.plus(taken).has_room(length, self.limits)
    }

    /// Makes room for a message of this length. Answers what had to leave.
    pub(super) fn make_room(&mut self, length: usize) -> Result<Vec<Queued>, SendErrorReason> {
        if length > self.limits.bytes {
            return Err(SendErrorReason::TooLong);
        }
        let mut displaced = Vec::new();
        while !self.has_room(length) {
            let oldest = if self.displaces { self.waiting.pop_front() } else { None };
            let oldest = oldest.ok_or(SendErrorReason::Full)?;
            self.load.remove(&oldest.message);
            displaced.push(oldest);
        }
        Ok(displaced)
    }

    /// Adds a message that there is room for.
    #[inline]
    pub(super) fn push(&mut self, message: Message) {
        self.load.add(&message);
        let queued = self.number(message);
        self.waiting.push_back(queued);
    }

    /// Accepts a message that overtakes all that wait.
    pub(super) fn push_ahead(
        &mut self,
        message: Message,
    ) -> Result<(), (Message, SendErrorReason)> {
        if message.len() > self.limits.bytes {
            return Err((message, SendErrorReason::TooLong));
        }
        if !self.load_ahead.plus(self.taken_ahead).has_room(message.len(), self.limits) {
            return Err((message, SendErrorReason::Full));
        }
        self.load_ahead.add(&message);
        let queued = self.number(message);
        self.ahead.push_back(queued);
        Ok(())
    }

    fn number(&mut self, message: Message) -> Queued {
        self.accepted += 1;
        Queued { message, number: self.accepted, expires: Instant::NEVER }
    }

    /// Takes what overtakes the others.
    #[inline]
    pub(super) fn take_ahead(&mut self, into: &mut VecDeque<Queued>) {
        if !self.ahead.is_empty() {
            into.append(&mut self.ahead);
            self.taken_ahead = self.taken_ahead.plus(std::mem::take(&mut self.load_ahead));
        }
    }

    /// Takes what is to be sent next, when all that was taken before has been.
    #[inline]
    pub(super) fn take(&mut self, into: &mut VecDeque<Queued>) {
        // What is still here can make room, so no more is taken than the transport is given.
        if self.displaces {
            let Some(queued) = self.waiting.pop_front() else { return };
            self.load.remove(&queued.message);
            self.taken.add(&queued.message);
            return into.push_back(queued);
        }
        std::mem::swap(into, &mut self.waiting);
        self.taken = self.taken.plus(std::mem::take(&mut self.load));
    }

    /// Puts back, in their order, those that were taken last and not given to the transport.
    pub(super) fn put_back(&mut self, from: &mut VecDeque<Queued>) {
        for queued in from.drain(..).rev() {
            self.taken.remove(&queued.message);
            self.load.add(&queued.message);
            self.waiting.push_front(queued);
        }
    }

    /// All that waits, up to this number.
    pub(super) fn drain_to(&mut self, last: u64) -> Vec<Queued> {
        let keeps = self.waiting.partition_point(|queued| queued.number <= last);
        let drained: Vec<_> = self.waiting.drain(..keeps).collect();
        drained.iter().for_each(|queued| self.load.remove(&queued.message));
        drained
    }

    /// All that overtakes the others.
    pub(super) fn drain_ahead(&mut self) -> impl Iterator<Item = Queued> + '_ {
        self.load_ahead = Load::default();
        self.ahead.drain(..)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.ahead.is_empty()
    }

    /// The lowest number that waits here, or one that none reaches.
    #[inline]
    pub(super) fn lowest(&self) -> u64 {
        lowest(&self.waiting).min(lowest(&self.ahead))
    }

    /// Takes out what has had its time, and gives what is new its own.
    pub(super) fn expire(&mut self, now: Instant, expires: Instant, into: &mut Vec<Queued>) {
        let before = into.len();
        expire(&mut self.waiting, now, expires, into);
        into[before..].iter().for_each(|queued| self.load.remove(&queued.message));
    }

    /// When the next one has had its time.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        next_expiry(&self.waiting)
    }
}

/// The lowest number in a queue, or one that none reaches.
#[inline]
pub(super) fn lowest(queue: &VecDeque<Queued>) -> u64 {
    queue.front().map_or(u64::MAX, |queued| queued.number)
}

/// Takes out what has had its time: the oldest are in front, and all have the same time to live. Then
/// what is new is told when it expires: even with no time to live, it has its turn before.
pub(super) fn expire(
    queue: &mut VecDeque<Queued>,
    now: Instant,
    expires: Instant,
    into: &mut Vec<Queued>,
) {
    while queue.front().is_some_and(|queued| queued.expires <= now) {
        into.extend(queue.pop_front());
    }
    let new = queue.iter_mut().rev().take_while(|queued| queued.expires == Instant::NEVER);
    new.for_each(|queued| queued.expires = expires);
}

pub(super) fn next_expiry(queue: &VecDeque<Queued>) -> Option<Instant> {
    queue.front().map(|queued| queued.expires).filter(|expires| *expires != Instant::NEVER)
}
