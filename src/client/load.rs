//! How much waits, in messages and in bytes.

use super::Message;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl Load {
    #[inline]
    pub(super) fn of(message: &Message) -> Self {
        Self { messages: 1, bytes: message.len() }
    }

    pub(super) fn of_all<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Self {
        messages.into_iter().fold(Self::default(), |load, message| load.plus(Self::of(message)))
    }

    /// Clones of one payload may add up to more than there is memory.
    #[inline]
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, other: Self) {
        *self = self.plus(other);
    }

    #[inline]
    pub(super) fn subtract(&mut self, other: Self) {
        self.messages = self.messages.saturating_sub(other.messages);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }

    /// Whether one more, of this length, is within these limits.
    #[inline]
    pub(super) fn has_room(self, length: usize, limits: Self) -> bool {
        let bytes = limits.bytes.checked_sub(self.bytes);
        self.messages < limits.messages && bytes.is_some_and(|bytes| length <= bytes)
    }
}
