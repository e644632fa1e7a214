//! Names for one dial and for one ping.

use core::fmt;

/// One dial and the connection it may become. Strictly increasing, never reused by a machine.
///
/// A driver tags all it reports with the epoch of the [`Dial`](crate::Action::Dial) it came from,
/// so that late events of an old connection can never affect the current one.
///
/// ```
/// use steadfast::{Action, Command, Epoch, Instant};
///
/// # use steadfast::{Backoff, Config, Machine, Seed};
/// # let mut machine = Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// let step = machine.handle(Instant::ORIGIN, Command::Start.into());
/// let first = Epoch::new(1);
/// assert!(step.actions.iter().any(|action| matches!(action, Action::Dial { epoch, .. } if epoch == first)));
/// assert_eq!(machine.epoch(), first);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch with this number. The first dial of a machine has the number 1.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identifies one ping. Its four bytes are the payload of the Ping frame (RFC 6455 §5.5.2), and a
/// Pong with the same bytes is the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Nonce(u32);

impl Nonce {
    /// The nonce with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The payload of the Ping frame, big-endian.
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// The nonce that a Pong's payload carries; `None` if the payload is not four bytes long, as
    /// that of an unsolicited Pong may be.
    ///
    /// ```
    /// use steadfast::Nonce;
    ///
    /// let nonce = Nonce::new(7);
    /// assert_eq!(Nonce::from_payload(&nonce.to_bytes()), Some(nonce));
    /// assert_eq!(Nonce::from_payload(b"hello"), None);
    /// ```
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        payload.try_into().ok().map(|bytes| Self(u32::from_be_bytes(bytes)))
    }

    // Reuse after 2^32 pings is harmless: only the newest ping of the current epoch is ever
    // compared.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}
