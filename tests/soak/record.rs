//! What a book keeps of each message and of each connection.

/// Where a message is, as far as its client has been seen to do or say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// Not accepted, or not yet.
    Issued,
    /// In the outbox.
    Waiting,
    Given,
    Unsent,
}

/// A message under one ticket.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) fate: Fate,
    /// The connection it was sent ahead on; `None` for what goes through the outbox.
    pub(crate) ahead_on: Option<u32>,
    /// When it was accepted, among all that were.
    pub(crate) place: u32,
    pub(crate) has_arrived: bool,
}

/// A connection that was open.
pub(crate) struct Link {
    pub(crate) epoch: u64,
    /// Where in `given` it begins, and how far it has been flushed.
    pub(crate) begin: usize,
    pub(crate) flushed: usize,
    pub(crate) arrived: usize,
    pub(crate) has_ended: bool,
}

/// How many messages of a client came to which end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) accepted: u64,
    pub(crate) given: u64,
    pub(crate) unflushed: u64,
    pub(crate) acknowledged: u64,
    pub(crate) resent: u64,
    pub(crate) unsent: u64,
    pub(crate) displaced: u64,
    pub(crate) withdrawn: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.given += other.given;
        self.unflushed += other.unflushed;
        self.acknowledged += other.acknowledged;
        self.resent += other.resent;
        self.unsent += other.unsent;
        self.displaced += other.displaced;
        self.withdrawn += other.withdrawn;
    }
}
