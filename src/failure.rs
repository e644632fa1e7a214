//! Why a dial or a connection ended, in eight bytes and without secrets.

use core::{fmt, num::NonZeroU32, time::Duration};

use crate::{CloseCode, time::Brief};

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
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    wish: Option<Wish>,
}

impl Failure {
    /// What happened.
    pub const fn kind(self) -> FailureKind {
        self.kind
    }

    /// How long the server asked us to stay away (`Retry-After`, RFC 9110 §10.2.3), unclamped.
    /// Whole milliseconds, at most 24 days; `None` if it did not say, or said zero.
    pub const fn retry_after(self) -> Option<Duration> {
        match self.wish {
            Some(wish) => wish.retry_after(),
            None => None,
        }
    }

    /// Over how long the server asked its clients to spread their return, because it drops many at
    /// once, unclamped. Whole milliseconds, at most 24 days; `None` if it did not say, or said
    /// zero.
    pub const fn spread_over(self) -> Option<Duration> {
        match self.wish {
            Some(wish) => wish.spread_over(),
            None => None,
        }
    }

    /// This failure with the server's wish that each client stay away this long, in place of any
    /// other wish. Rounded up to whole milliseconds.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.wish = Wish::new(wait, 0);
        self
    }

    /// This failure with the server's wish that its clients return at random within this long, in
    /// place of any other wish. Rounded up to whole milliseconds.
    #[must_use]
    pub fn with_spread_over(mut self, spread: Duration) -> Self {
        self.wish = Wish::new(spread, Wish::SPREAD);
        self
    }
}

/// What a server asks for: milliseconds in the lower 31 bits, and above them whether to stay away
/// for so long or to spread over it. Packed, because a failure must stay small.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "NamedWish", into = "NamedWish"))]
struct Wish(NonZeroU32);

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spread_over() {
            Some(over) => write!(f, "spread over {over:?}"),
            None => write!(f, "retry after {:?}", self.retry_after().unwrap_or_default()),
        }
    }
}

impl Wish {
    const SPREAD: u32 = 1 << 31;

    fn new(duration: Duration, flag: u32) -> Option<Self> {
        let millis = duration.as_nanos().div_ceil(1_000_000);
        let millis = u32::try_from(millis).unwrap_or(u32::MAX).min(Self::SPREAD - 1);
        NonZeroU32::new(millis).map(|millis| Self(millis | flag))
    }

    const fn retry_after(self) -> Option<Duration> {
        match self.0.get() & Self::SPREAD {
            0 => Some(Duration::from_millis(self.0.get() as u64)),
            _ => None,
        }
    }

    const fn spread_over(self) -> Option<Duration> {
        match self.0.get() & Self::SPREAD {
            0 => None,
            _ => Some(Duration::from_millis((self.0.get() & !Self::SPREAD) as u64)),
        }
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum NamedWish {
    #[serde(with = "crate::human_duration")]
    RetryAfter(Duration),
    #[serde(with = "crate::human_duration")]
    SpreadOver(Duration),
}

#[cfg(feature = "serde")]
impl From<Wish> for NamedWish {
    fn from(wish: Wish) -> Self {
        let retry_after = wish.retry_after().map(Self::RetryAfter);
        retry_after.unwrap_or(Self::SpreadOver(wish.spread_over().unwrap_or_default()))
    }
}

#[cfg(feature = "serde")]
impl TryFrom<NamedWish> for Wish {
    type Error = &'static str;

    fn try_from(named: NamedWish) -> Result<Self, Self::Error> {
        match named {
            NamedWish::RetryAfter(wait) => Self::new(wait, 0),
            NamedWish::SpreadOver(over) => Self::new(over, Self::SPREAD),
        }
        .ok_or("a wish of no duration is none")
    }
}

impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        Self { kind, wish: None }
    }
}

/// What happened to a dial or a connection.
///
/// ```
/// use steadfast::{CloseCode, FailureKind};
///
/// assert_eq!(FailureKind::Http(503).to_string(), "upgrade refused with HTTP 503");
/// let closed = FailureKind::Closed(CloseCode::SERVICE_RESTART);
/// assert_eq!(closed.to_string(), "closed by the peer with 1012 (service restart)");
/// ```
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
    /// The server answered the upgrade request with this HTTP status instead of 101, or a proxy did
    /// not make a tunnel to it.
    Http(u16),
    /// The server's answer to the upgrade request was not a valid one: not HTTP, too long, a wrong
    /// `Sec-WebSocket-Accept` (RFC 6455 §4.1).
    Handshake,
    /// The server has selected none of the subprotocols that were offered, or one that was not
    /// (RFC 6455 §4.1).
    Subprotocol,
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
///
/// ```
/// use steadfast::{FailureKind, Timeout};
///
/// assert_eq!(FailureKind::Timeout(Timeout::Heartbeat).to_string(), "no answer to ping");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Timeout {
    /// Name resolution, TCP, TLS and the upgrade, together.
    Connect,
    /// The answer to the last ping.
    Heartbeat,
    /// Anything at all, on a connection that the server keeps busy
    /// ([`HeartbeatKind::Expect`](crate::HeartbeatKind::Expect)).
    Silence,
    /// The network's own time-out (`ETIMEDOUT`).
    Network,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        match (self.retry_after(), self.spread_over()) {
            (Some(wait), _) => write!(f, ", retry after {}", Brief(wait)),
            (_, Some(over)) => write!(f, ", spread over {}", Brief(over)),
            (None, None) => Ok(()),
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
            Self::Subprotocol => f.write_str("no subprotocol in common with the server"),
            Self::Refused => f.write_str("connection refused"),
            Self::Reset => f.write_str("connection reset"),
            Self::Unreachable => f.write_str("host unreachable"),
            Self::NameResolution => f.write_str("host name not resolved"),
            Self::Timeout(Timeout::Connect) => f.write_str("connecting timed out"),
            Self::Timeout(Timeout::Heartbeat) => f.write_str("no answer to ping"),
            Self::Timeout(Timeout::Silence) => f.write_str("nothing came in for too long"),
            Self::Timeout(Timeout::Network) => f.write_str("network timed out"),
            Self::Certificate => f.write_str("certificate not valid for this host"),
            Self::Tls => f.write_str("TLS failed"),
            Self::Request => f.write_str("request could not be made"),
            Self::Misconfigured => f.write_str("request can never succeed"),
            Self::Io => f.write_str("input/output error"),
        }
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
        assert_eq!(of(Duration::MAX), Some(Duration::from_millis(u64::from(u32::MAX / 2))));
    }

    #[test]
    fn a_failure_carries_one_wish_of_the_server() {
        let busy = Failure::from(FailureKind::Closed(CloseCode::SERVICE_RESTART));
        let spread = busy.with_spread_over(Duration::from_millis(1_500));
        assert_eq!(spread.spread_over(), Some(Duration::from_millis(1_500)));
        assert_eq!(spread.retry_after(), None);
        let after = spread.with_retry_after(Duration::from_secs(1));
        assert_eq!(
            (after.spread_over(), after.retry_after()),
            (None, Some(Duration::from_secs(1)))
        );
        assert_eq!(busy.with_spread_over(Duration::ZERO), busy);
        let longest = Duration::from_millis(u64::from(u32::MAX / 2));
        assert_eq!(busy.with_spread_over(Duration::MAX).spread_over(), Some(longest));
    }
}
