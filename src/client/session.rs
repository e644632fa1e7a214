//! Who a client is, over all its connections.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    str::FromStr,
};

use crate::{Epoch, Seed};

/// Identifies one client: 128 bits, the same for all its connections, so that a server that sees it
/// again can close the previous connection. With the number of the dial, which only grows, the
/// server also knows which of two is older.
///
/// It is displayed and parsed as 32 hexadecimal digits. It identifies, and proves nothing: do not
/// use it as a credential.
///
/// ```
/// use steadfast::client::SessionId;
///
/// let session: SessionId = "00112233445566778899aabbccddeeff".parse()?;
/// assert_eq!(session.to_string(), "00112233445566778899aabbccddeeff");
/// assert_ne!(SessionId::random(), SessionId::random());
/// # Ok::<(), steadfast::client::InvalidSessionId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u128);

/// A text that is not 32 hexadecimal digits.
///
/// ```
/// use steadfast::client::{InvalidSessionId, SessionId};
///
/// let error: InvalidSessionId = "me".parse::<SessionId>().unwrap_err();
/// assert_eq!(error.to_string(), "a session id has 32 hexadecimal digits");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id has 32 hexadecimal digits")]
#[non_exhaustive]
pub struct InvalidSessionId;

impl SessionId {
    /// The id with these bits.
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// An id from the operating system's randomness.
    pub fn random() -> Self {
        Self(u128::from(random()) << 64 | u128::from(random()))
    }

    /// The id of a client that repeats a run.
    pub(super) fn of(seed: Seed) -> Self {
        Self(u128::from(seed.get()) << 64 | u128::from(seed.entropy(Epoch::new(0))))
    }

    /// The bits.
    pub const fn get(self) -> u128 {
        self.0
    }
}

/// 64 bits from the operating system's randomness, different for each call.
pub(super) fn random() -> u64 {
    // The standard library keys its hash maps from the operating system, once a thread, and
    // differently for each map: enough for jitter and for names, and no dependency.
    RandomState::new().build_hasher().finish()
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, InvalidSessionId> {
        // A number may have a sign; a name may not.
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = u128::from_str_radix(text, 16).ok().filter(|_| digits);
        bits.map(Self).ok_or(InvalidSessionId)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_shown() {
        for id in [SessionId::new(0), SessionId::new(u128::MAX), SessionId::random()] {
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.to_string().len(), 32);
        }
    }

    #[test]
    fn what_is_not_32_hexadecimal_digits_is_no_id() {
        let signed = format!("+{}", "0".repeat(31));
        for text in ["", "0", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32), &signed] {
            assert_eq!(text.parse::<SessionId>(), Err(InvalidSessionId), "{text:?}");
        }
    }
}
