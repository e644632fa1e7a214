//! Why a dial or a connection ended, in eight bytes and without secrets.

use core::{fmt, num::NonZeroU32, time::Duration};

use crate::time::Brief;

/// Why a dial or a connection ended, as the policy sees it: small, `Copy`, and without a URL,
/// header or payload in it.
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Failure, FailureKind};
///
/// let busy = Failure::from(FailureKind::Http(503)).with_retry_after(Duration::from_secs(7));
/// assert_eq!(busy.retry_after(), Some(Duration::from_secs(7)));
/// assert_eq!(busy.to_string(), "upgrade refused with HTTP 503, retry after 7.0 s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Failure {
    kind: FailureKind,
    retry_after_ms: Option<NonZeroU32>,
}

impl Failure {
    /// What happened.
    pub const fn kind(self) -> FailureKind {
        self.kind
    }

    /// How long the server asked us to stay away (`Retry-After`, RFC 9110 §10.2.3), unclamped.
    /// Whole milliseconds, at most 49 days; `None` if it did not say, or said zero.
    pub const fn retry_after(self) -> Option<Duration> {
        match self.retry_after_ms {
            Some(millis) => Some(Duration::from_millis(millis.get() as u64)),
            None => None,
        }
    }

    /// This failure with the server's wish attached. Rounded up to whole milliseconds.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        let millis = wait.as_nanos().div_ceil(1_000_000);
        self.retry_after_ms = NonZeroU32::new(u32::try_from(millis).unwrap_or(u32::MAX));
        self
    }
}

impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        Self { kind, retry_after_ms: None }
    }
}

/// What happened to a dial or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum FailureKind {
    /// The connection closed with this code: the peer's, or [`CloseCode::NO_STATUS`] for a Close
    /// frame without one, or [`CloseCode::ABNORMAL`] for an end without a Close frame.
    Closed(CloseCode),
    /// The peer broke the protocol on an open connection, and this is the code that we close
    /// with (RFC 6455 §7.1.7): 1002, 1007 or 1009.
    Violation(CloseCode),
    /// The server answered the upgrade request with this HTTP status instead of 101.
    Http(u16),
    /// The server's answer to the upgrade request was not a valid one: not HTTP, too long, a wrong
    /// `Sec-WebSocket-Accept`, a subprotocol that was not asked for (RFC 6455 §4.1).
    Handshake,
    /// Nothing listens there.
    Refused,
    /// The peer, or something between, reset the connection.
    Reset,
    /// No route to the host or its network.
    Unreachable,
    /// The host name could not be resolved.
    NameResolution,
    /// A deadline of the machine, or one of the dialer's own, ran out.
    Timeout(Timeout),
    /// The certificate or the host name in it is wrong: someone else may be answering.
    Certificate,
    /// TLS failed for another reason.
    Tls,
    /// The dialer could not make a request to send, for example because fetching a token failed.
    Request,
    /// The request can never be sent: the dialer knows that trying again is useless.
    Misconfigured,
    /// Any other input or output error.
    Io,
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Timeout {
    /// Name resolution, TCP, TLS and the upgrade, together.
    Connect,
    /// The answer to the last ping.
    Heartbeat,
    /// The network's own time-out (`ETIMEDOUT`).
    Network,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        match self.retry_after() {
            Some(wait) => write!(f, ", retry after {}", Brief(wait)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Closed(CloseCode::NO_STATUS) => f.write_str("closed by the peer without a code"),
            Self::Closed(CloseCode::ABNORMAL) => f.write_str("connection ended without a Close"),
            Self::Closed(code) => write!(f, "closed by the peer with {code}"),
            Self::Violation(code) => write!(f, "the peer broke the protocol, closed with {code}"),
            Self::Http(status) => write!(f, "upgrade refused with HTTP {status}"),
            Self::Handshake => f.write_str("invalid answer to the upgrade request"),
            Self::Refused => f.write_str("connection refused"),
            Self::Reset => f.write_str("connection reset"),
            Self::Unreachable => f.write_str("host unreachable"),
            Self::NameResolution => f.write_str("host name not resolved"),
            Self::Timeout(Timeout::Connect) => f.write_str("connecting timed out"),
            Self::Timeout(Timeout::Heartbeat) => f.write_str("no answer to ping"),
            Self::Timeout(Timeout::Network) => f.write_str("network timed out"),
            Self::Certificate => f.write_str("certificate not valid for this host"),
            Self::Tls => f.write_str("TLS failed"),
            Self::Request => f.write_str("request could not be made"),
            Self::Misconfigured => f.write_str("request can never succeed"),
            Self::Io => f.write_str("input/output error"),
        }
    }
}

/// The status code of a Close frame (RFC 6455 §7.4).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_eight_bytes() {
        assert_eq!(size_of::<Failure>(), 8);
    }

    #[test]
    fn retry_after_rounds_up_and_saturates() {
        let of = |wait| Failure::from(FailureKind::Http(503)).with_retry_after(wait).retry_after();
        assert_eq!(of(Duration::ZERO), None);
        assert_eq!(of(Duration::from_nanos(1)), Some(Duration::from_millis(1)));
        assert_eq!(of(Duration::from_millis(1_500)), Some(Duration::from_millis(1_500)));
        assert_eq!(of(Duration::MAX), Some(Duration::from_millis(u64::from(u32::MAX))));
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
