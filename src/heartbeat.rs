//! The settings of a heartbeat.

use core::time::Duration;

/// How a dead peer is detected.
///
/// There are two kinds. With the usual one, [`HeartbeatKind::Ping`], a silent peer is pinged, and
/// given up after `interval + pong_timeout × (1 + reprobes)`: 40 s by default. With
/// [`HeartbeatKind::Expect`], it is the server that keeps the connection busy, and a silent peer is
/// given up after `interval`. To have no heartbeat at all, set `None` in the
/// [`Config`](crate::Config).
///
/// What counts as a sign of life is up to the transport: a whole frame or, for the default one, any
/// byte of it. While these arrive, no pings are sent. While the driver does not read, silence proves
/// nothing, and the peer is not given up.
///
/// What a ping looks like is up to the driver: a Ping frame (RFC 6455 §5.5.2), or a message of the
/// application's own protocol, such as the client's `HeartbeatMessage`.
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Config, Heartbeat, HeartbeatKind};
///
/// // The server sends something every 15 s.
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
    /// After this long without receiving anything, a ping is sent or, if the kind is
    /// [`HeartbeatKind::Expect`], the peer is given up. Default 20 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub interval: Duration,
    /// Something must be received this soon after a ping. If the machine is called more than this
    /// after a heartbeat deadline, it assumes that the driver was suspended. Default 10 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub pong_timeout: Duration,
    /// How many more pings are sent, each with its own `pong_timeout`, before the peer is given
    /// up. Ignored if the kind is [`HeartbeatKind::Expect`]. Default 1.
    pub reprobes: u8,
    /// Who keeps the connection busy. Default [`HeartbeatKind::Ping`].
    pub kind: HeartbeatKind,
}

impl Heartbeat {
    /// A heartbeat from the server: something must be received at least once in `within`, and no
    /// pings are sent. The other settings are the defaults.
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
    /// The client does: it pings a silent peer and awaits the answer.
    #[default]
    Ping,
    /// The server does: a peer that has been silent for the interval is given up
    /// ([`Timeout::Silence`](crate::Timeout::Silence)) without a ping.
    ///
    /// There are exceptions: on [`Command::Probe`](crate::Command::Probe), when the network comes
    /// back, and after the driver was suspended, one ping is sent, with the `probe_timeout` for the
    /// answer. Any server answers a Ping frame (RFC 6455 §5.5.2). A requested probe gives a silent
    /// peer no more time.
    Expect,
}
