//! What becomes of messages, held against what may become of them.

use std::collections::{BTreeMap, BTreeSet};

use steadfast::client::Message;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    Waits,
    Written,
    Unflushed,
    Unsent,
}

struct Entry {
    fate: Fate,
    /// Its place among all that were accepted.
    place: usize,
    ahead: bool,
    /// Which connection was open when it was accepted.
    connection: Option<usize>,
}

/// All that was accepted, by number.
#[derive(Default)]
pub(crate) struct Book {
    entries: BTreeMap<usize, Entry>,
    /// The place of the last message that was written in its turn.
    last: Option<usize>,
    /// How many have made room for others: which, is not told.
    pub(crate) displaced: u64,
    /// Messages of flushes that have failed: what is lost among them may have been told.
    excused: BTreeSet<usize>,
    /// The place of the first message after a start that may still be to come.
    restart: Option<usize>,
}

pub(crate) fn name(number: usize) -> String {
    format!("no. {number}")
}

fn number(message: &str) -> Option<usize> {
    message.strip_prefix("no. ")?.parse().ok()
}

impl Book {
    /// A message was accepted while this connection was open.
    pub(crate) fn accepted(&mut self, number: usize, ahead: bool, connection: Option<usize>) {
        let entry = Entry { fate: Fate::Waits, place: self.entries.len(), ahead, connection };
        assert!(self.entries.insert(number, entry).is_none());
    }

    pub(crate) fn count(&self, fate: Fate) -> usize {
        self.entries.values().filter(|entry| entry.fate == fate).count()
    }

    pub(crate) fn waiting(&self) -> Vec<usize> {
        let waits = self.entries.iter().filter(|(_, entry)| entry.fate == Fate::Waits);
        waits.map(|(number, _)| *number).collect()
    }

    fn decide(&mut self, message: &str, fate: Fate) -> Option<&Entry> {
        let entry = self.entries.get_mut(&number(message)?).expect("it was accepted");
        assert_eq!(entry.fate, Fate::Waits, "{message} has had a fate, and now {fate:?}");
        entry.fate = fate;
        Some(entry)
    }

    pub(crate) fn decide_all(&mut self, messages: &[Message], fate: Fate) {
        for message in messages {
            self.decide(message.as_text().unwrap(), fate).expect("a message of ours");
        }
    }

    /// Something was written on this connection, which gets what waits for any, if it is `released`, or
    /// only what was accepted for it.
    pub(crate) fn written(&mut self, message: &str, on: usize, keeps: bool, released: bool) {
        let Some(&Entry { place, ahead, connection, .. }) = self.decide(message, Fate::Written)
        else {
            return;
        };
        assert!(connection == Some(on) || keeps && !ahead, "{message} is not for this connection");
        if !ahead {
            assert!(released, "{message} was to wait");
            assert!(self.last.replace(place) < Some(place), "{message} is late");
        }
    }

    /// A flush of these has succeeded. Of what makes room, nothing is known.
    pub(crate) fn flushed(&self, numbers: Vec<usize>, displaces: bool) {
        for number in numbers {
            let fate = self.entries[&number].fate;
            let unknown = displaces && fate == Fate::Waits || self.excused.contains(&number);
            assert!(fate == Fate::Written || unknown, "no. {number} is {fate:?}");
        }
    }

    /// A flush of these has failed.
    pub(crate) fn not_flushed(&mut self, numbers: Vec<usize>) {
        self.excused.extend(numbers);
    }

    /// A start was asked for: what is accepted from now on is for the time after it.
    pub(crate) fn started(&mut self) {
        self.restart.get_or_insert(self.entries.len());
    }

    /// It was told to be over.
    pub(crate) fn closed(&mut self, displaces: bool) {
        let before = self.restart.take().unwrap_or(self.entries.len());
        for (number, entry) in self.entries.iter().filter(|(_, entry)| entry.place < before) {
            let is_over = entry.fate != Fate::Waits || displaces;
            assert!(is_over, "no. {number} waits though it is over");
        }
    }
}
