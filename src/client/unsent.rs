//! What becomes of messages that are not sent: each is given back or counted, once.

use super::{
    Clock, Dial, Driver, Event, Message, SendErrorReason, Unsent, UnsentReason,
    connection::Connection,
    queue::{self, Numbers, Queued, Rules},
};
use crate::{Instant, State, StateMachine};

impl<D, K, M> Driver<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    /// Ends it at once, without a closing handshake, and returns the messages that still wait, in the
    /// order in which they were accepted, for example to store them while the program does not run.
    /// Those of an [`Event::Unsent`] that was not delivered yet come first. Messages that were given
    /// to the transport and not flushed are not returned: some may have arrived.
    pub fn into_unsent(mut self) -> Vec<Message> {
        let (_driver, mut left) = self.mailbox.lock().abandon();
        left.extend(self.taken.ahead.drain(..).chain(self.taken.batch.drain(..)));
        left.sort_unstable_by_key(|queued| queued.number);
        let untold = self.events.drain(..).flat_map(|event| match event {
            Event::Unsent(unsent) => unsent.messages,
            _ => Vec::new(),
        });
        untold.chain(messages(left)).collect()
    }

    pub(super) fn tell_unsent(&mut self, reason: UnsentReason, count: u64, messages: Vec<Message>) {
        let unsent = self.unsent_event(reason, count, messages);
        self.events.push_back(unsent);
    }

    fn unsent_event(&self, reason: UnsentReason, count: u64, messages: Vec<Message>) -> Event {
        let event = Event::Unsent(Box::new(Unsent { reason, count, messages }));
        let Connection { settings, machine, .. } = &self.connection;
        settings.log.tell(&event, machine.epoch(), machine.state());
        event
    }

    /// Gives back what has waited too long, and has itself woken when the next one will have.
    pub(super) fn expire(&mut self) -> Option<Instant> {
        let time_to_live = self.time_to_live?;
        // The clock is code of others.
        let now = self.connection.clock.now();
        let mut inner = self.mailbox.lock();
        let expires = now.after(time_to_live);
        let mut expired = Vec::new();
        queue::expire(&mut self.taken.batch, now, expires, &mut expired);
        expired.iter().for_each(|queued| inner.queue.taken.remove(&queued.message));
        inner.queue.expire(now, expires, &mut expired);
        let taken = queue::next_expiry(&self.taken.batch);
        let alarm = taken.or_else(|| inner.queue.next_expiry());
        self.connection.alarm = alarm;
        if let Some(lost) = Numbers::among(&expired) {
            inner.lose(lost, SendErrorReason::GivenUp);
            drop(inner);
            let messages = messages(expired);
            self.tell_unsent(UnsentReason::Expired, messages.len() as u64, messages);
        }
        alarm
    }

    /// The connection has ended: what was not given to the transport stays in an outbox, or is given
    /// back.
    pub(super) fn unsent(&mut self) -> Vec<Message> {
        // Handles are told by the flushes that fail.
        if std::mem::take(&mut self.connection.interrupted) == 0 {
            self.unwritten = None;
        }
        let mut inner = self.mailbox.lock();
        inner.open = false;
        inner.resynchronised = false;
        let mut unsent: Vec<_> = inner.queue.drain_ahead().collect();
        unsent.extend(self.taken.ahead.drain(..));
        match inner.queue.rules() {
            Rules::Keep(_) => inner.queue.put_back(&mut self.taken.batch),
            Rules::WhileOpen { .. } => {
                unsent.extend(self.taken.batch.drain(..));
                unsent.extend(inner.queue.drain_to(u64::MAX));
            }
        }
        inner.queue.taken = queue::Load::default();
        inner.queue.taken_ahead = queue::Load::default();
        (self.taken.given, self.taken.given_ahead) = Default::default();
        unsent.sort_unstable_by_key(|queued| queued.number);
        let lost = Numbers::among(&unsent).into_iter().chain(self.unwritten.take());
        if let Some(lost) = lost.reduce(Numbers::and) {
            inner.lose(lost, SendErrorReason::NotOpen);
        }
        drop(inner);
        messages(unsent)
    }

    /// If it is over, what an outbox holds is given back, but not what was accepted since a handle
    /// has asked for a new start.
    pub(super) fn give_up(&mut self) -> Option<Event> {
        let State::Closed(_) = self.connection.state() else { return None };
        let mut inner = self.mailbox.lock();
        inner.snapshot.state = self.connection.state();
        let last = inner.restart.unwrap_or(u64::MAX);
        let unsent = inner.queue.drain_to(last);
        inner.lose(Numbers::among(&unsent)?, SendErrorReason::NotOpen);
        drop(inner);
        let messages = messages(unsent);
        Some(self.unsent_event(UnsentReason::Closed, messages.len() as u64, messages))
    }
}

fn messages(queued: Vec<Queued>) -> Vec<Message> {
    queued.into_iter().map(|queued| queued.message).collect()
}
