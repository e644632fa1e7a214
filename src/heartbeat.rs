//! The settings of a heartbeat.

use core::time::Duration;

/// When to doubt a silent peer.
///
/// There are two kinds. With the usual one, [`HeartbeatKind::Ping`], a peer that has gone silent is
/// asked, and given up after `interval + pong_timeout × (1 + reprobes)`: 40 s by default. With
/// [`HeartbeatKind::Expect`] the server is the one that keeps the connection busy, and a peer that
/// has gone silent is given up after `interval`. No heartbeat at all is `None` in the
/// [`Config`](crate::Config).
///
/// What counts as a sign of life is up to the transport: a whole frame, or, for the default one, any
/// byte of it. While it flows, nothing is sent. While the driver does not read, silence proves
/// nothing, and no peer is given up.
///
/// What a ping looks like is up to the driver: a Ping frame (RFC 6455 §5.5.2), or a message of the
/// application's own protocol, as the client's `HeartbeatMessage` has it.
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Config, Heartbeat, HeartbeatKind};
///
/// // The server says something every 15 s.
/// let heartbeat = Heartbeat::expect(Duration::from_secs(40));
/// assert_eq!(heartbeat.kind, HeartbeatKind::Expect);
/// let config = Config::builder().with_heartbeat(heartbeat).build()?;
/// # Ok::<(), steadfast::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Heartbeat {
    /// A ping is sent, or the peer is given up, when nothing has come in for this long. Default
    /// 20 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub interval: Duration,
    /// Something must come in this soon after a ping. A deadline that is met later than this was
    /// met by a driver that had been suspended. Default 10 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub pong_timeout: Duration,
    /// How many more pings are sent, each with its own `pong_timeout`, before the peer is given
    /// up. Without meaning if the kind is [`HeartbeatKind::Expect`]. Default 1.
    pub reprobes: u8,
    /// Who keeps the connection busy. Default [`HeartbeatKind::Ping`].
    pub kind: HeartbeatKind,
}

impl Heartbeat {
    /// A heartbeat of the server's: something must come in `within` this long of what came in
    /// before, and nothing is sent. The other settings are the defaults.
    pub fn expect(within: Duration) -> Self {
        Self { interval: within, kind: HeartbeatKind::Expect, ..Self::default() }
    }

    /// Sets [`interval`](Self::interval).
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets [`pong_timeout`](Self::pong_timeout).
    #[must_use]
    pub fn with_pong_timeout(mut self, pong_timeout: Duration) -> Self {
        self.pong_timeout = pong_timeout;
        self
    }

    /// Sets [`reprobes`](Self::reprobes).
    #[must_use]
    pub fn with_reprobes(mut self, reprobes: u8) -> Self {
        self.reprobes = reprobes;
        self
    }

    /// Sets [`kind`](Self::kind).
    #[must_use]
    pub fn with_kind(mut self, kind: HeartbeatKind) -> Self {
        self.kind = kind;
        self
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(20),
            pong_timeout: Duration::from_secs(10),
            reprobes: 1,
            kind: HeartbeatKind::Ping,
        }
    }
}

/// Who keeps a connection busy.
///
/// ```
/// use steadfast::{Heartbeat, HeartbeatKind};
///
/// assert_eq!(Heartbeat::default().kind, HeartbeatKind::Ping);
/// let theirs = Heartbeat::default().with_kind(HeartbeatKind::Expect);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum HeartbeatKind {
    /// We do: a peer that is silent is sent a ping, and its answer awaited.
    #[default]
    Ping,
    /// The server does: a peer that has been silent for the interval is given up
    /// ([`Timeout::Silence`](crate::Timeout::Silence)), and not sent a ping.
    ///
    /// Except on [`Command::Probe`](crate::Command::Probe), when the network comes back, and when
    /// the driver had been suspended: a link that may be alive is then asked once before it is
    /// given up, with the `probe_timeout` for the answer. Any server answers a Ping frame
    /// (RFC 6455 §5.5.2). A probe that was asked for gives a silent peer no more time.
    Expect,
}
