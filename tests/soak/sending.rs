//! How an application sends: into the outbox, ahead of it, and again.

use fastrand::Rng;
use futures::{
    future::{Either, select},
    pin_mut,
};
use steadfast::{Epoch, client::Overflow};

use crate::{
    client::{Client, pause},
    letter::Letter,
    settings::{Again, WINDOW},
};

impl Client {
    /// Sends again what may be missing, ahead of what waits, and releases that.
    pub(crate) fn resynchronise(&self, epoch: Epoch) {
        let unacknowledged = self.unacknowledged.borrow();
        // The last of these are still in the outbox.
        let lost = unacknowledged.len().saturating_sub(self.handle.queued());
        for number in unacknowledged.range(..lost) {
            let ticket = self.book.borrow_mut().issue(Some(epoch.get()));
            let payload = Letter { ticket, number: *number }.payload(self.padding());
            if self.handle.send_ahead(payload).is_err() {
                return;
            }
            let mut book = self.book.borrow_mut();
            book.accepted(ticket);
            book.tally.resent += 1;
        }
        self.book.borrow_mut().resynchronised(epoch.get());
        self.handle.resynchronised(epoch);
    }

    /// Sends some messages ahead that are only for the connection that is open, if one is.
    pub(crate) fn send_ahead(&self) {
        if self.habits.again == Again::Unacknowledged {
            // What is not queued it takes for lost, so only its own words go ahead.
            return;
        }
        for _ in 0..4 {
            let epoch = self.book.borrow().epoch();
            let ticket = self.book.borrow_mut().issue(Some(epoch));
            let payload = Letter { ticket, number: 0 }.payload(self.padding());
            if self.handle.send_ahead(payload).is_ok() {
                self.book.borrow_mut().accepted(ticket);
            }
        }
    }

    /// Gives the outbox a message, and takes it back if that takes too long.
    pub(crate) async fn send(&self, rng: &mut Rng) {
        let resends = self.habits.again == Again::Unacknowledged;
        if resends && self.unacknowledged.borrow().len() >= WINDOW || self.book.borrow().is_full() {
            return;
        }
        let again = self.again.borrow_mut().pop_front();
        let number = again.unwrap_or(self.last_number.get() + 1);
        let ticket = self.book.borrow_mut().issue(None);
        let payload = Letter { ticket, number }.payload(self.padding());
        let is_accepted = match self.habits.outbox.overflow {
            Overflow::Wait => {
                let (sending, enough) = (self.handle.send(payload), pause(rng, 0..20));
                pin_mut!(enough);
                match select(sending, enough).await {
                    Either::Left((sent, _)) => sent.is_ok(),
                    Either::Right(_) => {
                        self.book.borrow_mut().tally.withdrawn += 1;
                        false
                    }
                }
            }
            _ => self.handle.try_send(payload).is_ok(),
        };
        match (is_accepted, again) {
            (false, None) => {}
            (false, Some(number)) => self.again.borrow_mut().push_front(number),
            (true, _) => {
                self.book.borrow_mut().accepted(ticket);
                self.count(number, again.is_some(), resends);
            }
        }
    }

    fn count(&self, number: u32, is_again: bool, resends: bool) {
        if is_again {
            self.book.borrow_mut().tally.resent += 1;
            return;
        }
        self.last_number.set(number);
        if resends {
            self.unacknowledged.borrow_mut().push_back(number);
        }
    }

    fn padding(&self) -> usize {
        if self.habits.is_heavy { 4 << 10 } else { 40 }
    }
}
