//! What becomes of messages that are not sent: each is given back or counted, once.

use super::{
    Clock, Dial, Driver, Event, Message, SendErrorReason, Unsent, UnsentReason,
    connection::Connection,
    line::{Numbers, Queued},
    queue::Rules,
};
use crate::{State, StateMachine};

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
        self.taken.ahead.drain_to(u64::MAX, &mut left);
        self.taken.batch.drain_to(u64::MAX, &mut left);
        left.sort_unstable_by_key(|queued| queued.number);
        let untold = self.events.drain(..).flat_map(|event| match event {
            Event::Unsent(unsent) => unsent.messages,
            _ => Vec::new(),
        });
        untold.chain(messages(left)).collect()
    }

    /// Gives back what has waited too long, and says how many have made room.
    #[cold]
    pub(super) fn tell_given_up(&mut self, displaced: u64) {
        let expired = messages(std::mem::take(&mut self.taken.expired));
        let count = expired.len() as u64;
        self.tell_unsent(UnsentReason::Displaced, displaced, Vec::new());
        self.tell_unsent(UnsentReason::Expired, count, expired);
    }

    fn tell_unsent(&mut self, reason: UnsentReason, count: u64, messages: Vec<Message>) {
        if count > 0 {
            let unsent = self.unsent_event(reason, count, messages);
            self.events.push_back(unsent);
        }
    }

    fn unsent_event(&self, reason: UnsentReason, count: u64, messages: Vec<Message>) -> Event {
        let event = Event::Unsent(Box::new(Unsent { reason, count, messages }));
        let Connection { settings, machine, .. } = &self.connection;
        settings.log.tell(&event, machine.epoch(), machine.state());
        event
    }

    /// The connection has ended: what was not given to the transport stays in an outbox, or is given
    /// back.
    pub(super) fn unsent(&mut self) -> Vec<Message> {
        // Handles are told by the flushes that fail.
        if std::mem::take(&mut self.connection.interrupted) == 0 {
            self.unwritten = Numbers::NONE;
        }
        let mut inner = self.mailbox.lock();
        inner.open = false;
        inner.resynchronised = false;
        self.taken.settle(&mut inner);
        let mut unsent = Vec::new();
        inner.queue.drain_ahead(&mut unsent);
        self.taken.ahead.drain_to(u64::MAX, &mut unsent);
        inner.queue.put_back(&mut self.taken.batch);
        if let Rules::WhileOpen { .. } = inner.queue.rules() {
            inner.queue.drain_to(u64::MAX, &mut unsent);
        }
        unsent.sort_unstable_by_key(|queued| queued.number);
        let lost = std::mem::replace(&mut self.unwritten, Numbers::NONE);
        inner.lose(lost.and(Numbers::among(&unsent)), SendErrorReason::NotOpen);
        drop(inner);
        messages(unsent)
    }

    /// If it is over, what an outbox holds is given back, but not what was accepted since a handle
    /// has asked for a new start.
    pub(super) fn give_up(&mut self) -> Option<Event> {
        let State::Closed(_) = self.connection.state() else { return None };
        let mut inner = self.mailbox.lock();
        inner.show_state(self.connection.state());
        let last = inner.restart.unwrap_or(u64::MAX);
        let mut unsent = Vec::new();
        inner.queue.drain_to(last, &mut unsent);
        inner.lose(Numbers::among(&unsent), SendErrorReason::NotOpen);
        drop(inner);
        if unsent.is_empty() {
            return None;
        }
        let messages = messages(unsent);
        Some(self.unsent_event(UnsentReason::Closed, messages.len() as u64, messages))
    }
}

fn messages(queued: Vec<Queued>) -> Vec<Message> {
    queued.into_iter().map(|queued| queued.message).collect()
}
