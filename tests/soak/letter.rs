//! What is in a message: its ticket, its number and padding.

const HEAD: usize = 8;

/// A message that a client was given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Letter {
    /// A new one for each time that an outbox is given it.
    pub(crate) ticket: u32,
    /// Its place among the client's messages, from 1: the same each time.
    pub(crate) number: u32,
}

impl Letter {
    /// The payload, with so much padding.
    pub(crate) fn payload(self, padding: usize) -> Vec<u8> {
        let mut payload = Vec::with_capacity(HEAD + padding);
        payload.extend(self.ticket.to_be_bytes());
        payload.extend(self.number.to_be_bytes());
        payload.resize(HEAD + padding, 0x5a);
        payload
    }

    pub(crate) fn of(payload: &[u8]) -> Self {
        let word = |at: usize| {
            let bytes = payload.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            u32::from_be_bytes(bytes.expect("a ticket and a number"))
        };
        Self { ticket: word(0), number: word(4) }
    }
}
