//! How a peer closes: the code of its Close frame, and what its reason asks for.

use core::{fmt, num::NonZeroU16, time::Duration};

use crate::{Failure, FailureKind};

/// The status code of a Close frame (RFC 6455 §7.4).
///
/// ```
/// use steadfast::CloseCode;
///
/// assert_eq!(CloseCode::new(1012), CloseCode::SERVICE_RESTART);
/// assert_eq!(CloseCode::SERVICE_RESTART.to_string(), "1012 (service restart)");
/// assert!(!CloseCode::ABNORMAL.is_sendable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection has been fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the endpoint is going away.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: protocol error.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data that cannot be accepted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: a Close frame without a code. Never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: no Close frame at all. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: data that is not what its type says, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a policy was violated.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: the server did not negotiate an extension that the client needs.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// 1011: the server met an unexpected condition.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the server is restarting.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the server is overloaded; try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway received an invalid response from upstream.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015: TLS failed. Never on the wire.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// The code with this number; not checked against RFC 6455 §7.4.2, for a peer may send any.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether an endpoint may put this code into a Close frame: 1000–1003, 1007–1014 and
    /// 3000–4999 (RFC 6455 §7.4 and the IANA registry).
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self::new(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.get()
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            1000 => "normal",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no status",
            1006 => "abnormal",
            1007 => "invalid payload",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "mandatory extension",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS handshake",
            _ => return write!(f, "{}", self.0),
        };
        write!(f, "{} ({name})", self.0)
    }
}

/// A Close frame of the peer, as the machine sees it: its code, and what its reason asks for.
///
/// ```
/// use core::time::Duration;
/// use steadfast::{CloseCode, Failure, PeerClose};
///
/// let close = PeerClose::from(CloseCode::SERVICE_RESTART).with_spread_over(Duration::from_secs(90));
/// assert_eq!(Failure::from(close).spread_over(), Some(Duration::from_secs(90)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PeerClose {
    code: CloseCode,
    // Two bytes: every event has room for it.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    spread_over_seconds: Option<NonZeroU16>,
}

impl PeerClose {
    /// The code; [`CloseCode::NO_STATUS`] if the frame had none.
    pub const fn code(self) -> CloseCode {
        self.code
    }

    /// With the wish that the clients return at random within this long, as
    /// [`Failure::with_spread_over`] has it. Rounded up to whole seconds, at most 18 hours.
    #[must_use]
    pub fn with_spread_over(mut self, spread: Duration) -> Self {
        let seconds = spread.as_nanos().div_ceil(1_000_000_000);
        self.spread_over_seconds = NonZeroU16::new(u16::try_from(seconds).unwrap_or(u16::MAX));
        self
    }
}

impl From<CloseCode> for PeerClose {
    fn from(code: CloseCode) -> Self {
        Self { code, spread_over_seconds: None }
    }
}

impl From<PeerClose> for Failure {
    fn from(close: PeerClose) -> Self {
        let seconds = close.spread_over_seconds.map_or(0, NonZeroU16::get);
        let failure = Self::from(FailureKind::Closed(close.code));
        failure.with_spread_over(Duration::from_secs(seconds.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_close_says_what_its_reason_asked_for_in_whole_seconds() {
        let close = PeerClose::from(CloseCode::SERVICE_RESTART);
        let told = |wish| Failure::from(close.with_spread_over(wish)).spread_over();
        assert_eq!(told(Duration::ZERO), None);
        assert_eq!(told(Duration::from_nanos(1)), Some(Duration::from_secs(1)));
        assert_eq!(told(Duration::from_secs(90)), Some(Duration::from_secs(90)));
        assert_eq!(told(Duration::MAX), Some(Duration::from_secs(u16::MAX.into())));
        assert_eq!(Failure::from(close).kind(), FailureKind::Closed(CloseCode::SERVICE_RESTART));
    }

    #[test]
    fn codes_that_are_never_on_the_wire_are_not_sendable() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
            assert!(!CloseCode::new(code).is_sendable(), "{code}");
        }
        for code in [1000, 1003, 1007, 1014, 3000, 4999] {
            assert!(CloseCode::new(code).is_sendable(), "{code}");
        }
    }
}
