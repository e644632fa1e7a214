//! What one client was given, wrote and was told, message by message, each held against the rest as
//! it happens. A message goes under a new ticket each time an outbox is given it.

use std::{cell::RefCell, rc::Rc};

use steadfast::client::{Down, Message, Release, Unsent, UnsentReason};

use crate::{
    letter::Letter,
    record::{Entry, Fate, Link, Tally},
};

pub(crate) type SharedBook = Rc<RefCell<Book>>;

/// How many faults one client tells of.
const MOST_FAULTS: usize = 5;

/// No client has more connections than one for so many tickets.
const LETTERS_PER_LINK: usize = 10;

/// How much room a book keeps for what has to be sent again.
const SPARE: usize = 1_000;

pub(crate) struct Book {
    name: usize,
    release: Release,
    retains: bool,
    entries: Vec<Entry>,
    /// Tickets, in the order in which they were given to a transport.
    given: Vec<u32>,
    links: Vec<Link>,
    live: usize,
    told_up: u64,
    resynchronised: u64,
    last_place: u32,
    last_place_ahead: u32,
    /// Up to which sequence number the server has all.
    complete: u32,
    pub(crate) tally: Tally,
    faults: Vec<String>,
}

impl Book {
    /// With room for so many tickets and connections, taken at once: what is counted later is not
    /// the book's.
    pub(crate) fn new(name: usize, release: Release, retains: bool, tickets: usize) -> Self {
        Self {
            name,
            release,
            retains,
            entries: Vec::with_capacity(tickets),
            given: Vec::with_capacity(tickets),
            links: Vec::with_capacity(tickets / LETTERS_PER_LINK),
            live: 0,
            told_up: 0,
            resynchronised: 0,
            last_place: 0,
            last_place_ahead: 0,
            complete: 0,
            tally: Tally::default(),
            faults: Vec::with_capacity(MOST_FAULTS),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() + SPARE > self.entries.capacity()
    }

    fn check(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds && self.faults.len() < MOST_FAULTS {
            self.faults.push(format!("client {}: {}", self.name, fault()));
        }
    }

    pub(crate) fn require(&mut self, holds: bool, seen: &dyn std::fmt::Debug) {
        self.check(holds, || format!("{seen:?}"));
    }

    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The books are large enough, or what the memory is compared with is wrong.
    pub(crate) fn has_kept_its_size(&self, tickets: usize) -> bool {
        let links = tickets / LETTERS_PER_LINK;
        [self.entries.capacity(), self.given.capacity()] == [tickets; 2]
            && self.links.capacity() == links
    }

    pub(crate) fn issue(&mut self, ahead_on: Option<u64>) -> u32 {
        let ahead_on = ahead_on.map(|epoch| u32::try_from(epoch).expect("few dials"));
        self.entries.push(Entry { fate: Fate::Issued, ahead_on, place: 0, has_arrived: false });
        u32::try_from(self.entries.len() - 1).expect("few messages")
    }

    pub(crate) fn accepted(&mut self, ticket: u32) {
        self.tally.accepted += 1;
        let entry = &mut self.entries[ticket as usize];
        entry.place = u32::try_from(self.tally.accepted).expect("few messages");
        let before = std::mem::replace(&mut entry.fate, Fate::Waiting);
        self.check(before == Fate::Issued, || format!("{ticket} accepted when {before:?}"));
    }

    /// Answers which connection was the last before.
    pub(crate) fn told_up(&mut self, epoch: u64) -> u64 {
        let before = std::mem::replace(&mut self.told_up, epoch);
        self.check(before < epoch, || format!("up on {epoch} after {before}"));
        before
    }

    /// The connection that was told of last.
    pub(crate) fn epoch(&self) -> u64 {
        self.told_up
    }

    pub(crate) fn resynchronised(&mut self, epoch: u64) {
        self.resynchronised = epoch;
    }

    /// A dial begins: what came of the one before must be gone.
    pub(crate) fn dialing(&mut self, epoch: u64) {
        self.live += 1;
        let live = self.live;
        self.check(live == 1, || format!("{live} connections or dials at once, on dial {epoch}"));
    }

    /// A dial, or the connection that came of it, has been dropped.
    pub(crate) fn dropped(&mut self, epoch: u64) {
        self.live -= 1;
        if let Some(link) = self.link(epoch) {
            link.has_ended = true;
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.live
    }

    pub(crate) fn opened(&mut self, epoch: u64) {
        let begin = self.given.len();
        self.links.push(Link { epoch, begin, flushed: begin, arrived: 0, has_ended: false });
    }

    pub(crate) fn opens(&self) -> usize {
        self.links.len()
    }

    fn link(&mut self, epoch: u64) -> Option<&mut Link> {
        self.links.iter_mut().rev().find(|link| link.epoch == epoch)
    }

    /// The transport of this connection is given a message.
    pub(crate) fn given(&mut self, epoch: u64, message: &Message) {
        let ticket = Letter::of(message.as_bytes()).ticket;
        let Some(entry) = self.entries.get_mut(ticket as usize) else {
            return self.check(false, || format!("{ticket} was never issued"));
        };
        let before = std::mem::replace(&mut entry.fate, Fate::Given);
        let entry = *entry;
        self.given.push(ticket);
        self.tally.given += 1;
        self.check(before == Fate::Waiting, || format!("{ticket} written when {before:?}"));
        let told_up = self.told_up;
        self.check(told_up == epoch, || format!("{ticket} on {epoch}, told up of {told_up}"));
        let last = match entry.ahead_on {
            Some(expected) => {
                self.check(u64::from(expected) == epoch, || {
                    format!("{ticket}, sent ahead on {expected}, written on {epoch}")
                });
                &mut self.last_place_ahead
            }
            None => {
                let released = self.release == Release::OnUp || self.resynchronised == epoch;
                self.check(released, || format!("{ticket} written before the resynchronisation"));
                &mut self.last_place
            }
        };
        let last = std::mem::replace(last, entry.place);
        self.check(last < entry.place, || format!("{ticket} overtaken by the {last}th accepted"));
    }

    /// The transport of this connection has written all it was given.
    pub(crate) fn flushed(&mut self, epoch: u64) {
        let flushed = self.given.len();
        if let Some(link) = self.link(epoch) {
            link.flushed = flushed;
        }
    }

    /// The server has read a message: the very next one of those that this connection was given.
    pub(crate) fn arrived(&mut self, epoch: u64, letter: Letter) {
        let found = self.links.iter().position(|link| link.epoch == epoch);
        let Some(index) = found else {
            return self.check(false, || format!("a message on {epoch}, which never opened"));
        };
        let end = self.links.get(index + 1).map_or(self.given.len(), |next| next.begin);
        let link = &mut self.links[index];
        let expected = self.given[link.begin..end].get(link.arrived).copied();
        link.arrived += 1;
        let Letter { ticket, .. } = letter;
        self.check(expected == Some(ticket), || {
            format!("{ticket} arrived on {epoch} in place of {expected:?}")
        });
        if let Some(entry) = self.entries.get_mut(ticket as usize) {
            let twice = std::mem::replace(&mut entry.has_arrived, true);
            self.check(!twice, || format!("{ticket} arrived twice"));
        }
    }

    /// What has arrived of a client that sends again what is not acknowledged: no number is
    /// missing below another.
    pub(crate) fn arrived_complete(&mut self, number: u32) {
        let complete = self.complete;
        self.check(number <= complete + 1, || format!("{number} arrived, but only {complete}"));
        self.complete = complete.max(number);
    }

    pub(crate) fn complete(&self) -> u32 {
        self.complete
    }

    pub(crate) fn acknowledged(&mut self, ticket: u32) {
        self.tally.acknowledged += 1;
        let entry = self.entries[ticket as usize];
        let fate = entry.fate;
        self.check(fate == Fate::Given && entry.has_arrived, || {
            format!("{ticket} acknowledged when {fate:?}")
        });
    }

    fn told_unsent(&mut self, message: &Message, is_ahead: bool, why: &str) {
        let ticket = Letter::of(message.as_bytes()).ticket;
        self.tally.unsent += 1;
        let entry = &mut self.entries[ticket as usize];
        let before = std::mem::replace(&mut entry.fate, Fate::Unsent);
        let was_ahead = entry.ahead_on.is_some();
        self.check(before == Fate::Waiting, || format!("{ticket} {why} when {before:?}"));
        self.check(was_ahead == is_ahead, || format!("{ticket} {why}: sent ahead: {was_ahead}"));
    }

    pub(crate) fn unsent(&mut self, unsent: &Unsent) {
        if unsent.reason == UnsentReason::Displaced {
            self.tally.displaced += unsent.count;
            return;
        }
        let (count, held) = (unsent.count, unsent.messages.len() as u64);
        self.check(count == held, || format!("{count} unsent, {held} given back"));
        for message in &unsent.messages {
            self.told_unsent(message, false, "unsent");
        }
    }

    pub(crate) fn down(&mut self, down: &Down) {
        let (epoch, all) = (self.told_up, self.given.len());
        let Some(link) = self.link(epoch) else {
            return self.check(false, || format!("down on {epoch}, which never opened"));
        };
        let (flushed, has_ended) = (link.flushed, link.has_ended);
        self.check(has_ended, || format!("told of the end of {epoch}, which has not ended"));
        let (told, unflushed) = (down.unflushed, self.given[flushed..all].to_vec());
        self.tally.unflushed += told;
        self.check(told == unflushed.len() as u64, || {
            format!("told of {told} unflushed, there are {}", unflushed.len())
        });
        let tickets = |messages: &[Message]| -> Vec<u32> {
            messages.iter().map(|message| Letter::of(message.as_bytes()).ticket).collect()
        };
        let retained = tickets(&down.unflushed_messages);
        let expected = if self.retains { unflushed } else { Vec::new() };
        self.check(retained == expected, || format!("{retained:?} came back, not {expected:?}"));
        for message in &down.unsent {
            self.told_unsent(message, true, "unsent with its connection");
        }
    }

    /// So many wait. Those that made room for others may not have been told of yet.
    pub(crate) fn balances(&mut self, queued: usize, all_told: bool) {
        let Tally { accepted, given, unsent, displaced, .. } = self.tally;
        let settled = given + unsent + displaced + queued as u64;
        let holds = if all_told { accepted == settled } else { accepted >= settled };
        self.check(holds, || {
            format!("{accepted} accepted, {given} written, {unsent} unsent, {displaced} displaced, {queued} queued")
        });
    }

    /// It is over, and the client says that it gave a transport so many.
    pub(crate) fn close(&mut self, sent: u64) {
        self.balances(0, true);
        let vanished = self.entries.iter().filter(|entry| entry.fate == Fate::Waiting).count();
        let Tally { given, displaced, .. } = self.tally;
        self.check(vanished as u64 == displaced, || {
            format!("{vanished} accepted messages came to no end, {displaced} made room")
        });
        self.check(sent == given, || format!("{sent} counted as sent, {given} were"));
    }
}
