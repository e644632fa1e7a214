//! How a machine behaves, checked once.

use core::time::Duration;

use crate::{
    ConfigError, Heartbeat, HeartbeatKind,
    error::{fits, positive},
    time::Nanos,
};

/// How a machine behaves. Every value is valid: [`ConfigBuilder::build`] has checked it.
///
/// A machine takes it by value or by reference, so many machines can share one.
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Config, ConfigError};
///
/// let config = Config::builder().with_connect_timeout(Duration::from_secs(5)).build()?;
/// assert_eq!(config.to_builder().connect_timeout, Duration::from_secs(5));
///
/// let wrong = Config::builder().with_connect_timeout(Duration::ZERO).build();
/// assert_eq!(wrong.unwrap_err(), ConfigError::Zero { field: "connect_timeout" });
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "ConfigBuilder", into = "ConfigBuilder"))]
pub struct Config {
    pub(crate) connect_timeout: Nanos,
    pub(crate) close_timeout: Nanos,
    pub(crate) stable_after: Nanos,
    pub(crate) probe_timeout: Nanos,
    pub(crate) online_spread: Nanos,
    /// [`Nanos::FOREVER`] if the heartbeat is off.
    pub(crate) ping_interval: Nanos,
    pub(crate) pong_timeout: Nanos,
    pub(crate) reprobes: u8,
    pub(crate) heartbeat_kind: HeartbeatKind,
    pub(crate) first_connect: FirstConnect,
}

impl Config {
    /// A builder that holds the defaults.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// Longer than each span that is not switched off: what was so long ago is all the same.
    #[cfg(feature = "testing")]
    pub(crate) fn horizon(&self) -> Nanos {
        let spans = [
            self.connect_timeout,
            self.close_timeout,
            self.stable_after,
            self.probe_timeout,
            self.pong_timeout,
            self.ping_interval,
        ];
        let longest = spans.into_iter().filter(|span| *span != Nanos::FOREVER).max();
        longest.unwrap_or_default().saturating_add(Nanos(1))
    }

    /// A builder that holds this configuration.
    pub fn to_builder(&self) -> ConfigBuilder {
        ConfigBuilder {
            connect_timeout: self.connect_timeout.duration(),
            close_timeout: self.close_timeout.duration(),
            stable_after: self.stable_after.duration(),
            probe_timeout: self.probe_timeout.duration(),
            online_spread: self.online_spread.duration(),
            heartbeat: (self.ping_interval != Nanos::FOREVER).then(|| Heartbeat {
                interval: self.ping_interval.duration(),
                pong_timeout: self.pong_timeout.duration(),
                reprobes: self.reprobes,
                kind: self.heartbeat_kind,
            }),
            first_connect: self.first_connect,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Nanos::from_millis(10_000),
            close_timeout: Nanos::from_millis(2_000),
            stable_after: Nanos::from_millis(10_000),
            probe_timeout: Nanos::from_millis(3_000),
            online_spread: Nanos::from_millis(1_000),
            ping_interval: Nanos::from_millis(20_000),
            pong_timeout: Nanos::from_millis(10_000),
            reprobes: 1,
            heartbeat_kind: HeartbeatKind::Ping,
            first_connect: FirstConnect::Retry,
        }
    }
}

/// Builds a [`Config`].
///
/// ```
/// use core::time::Duration;
/// use steadfast::{Config, Heartbeat};
///
/// let builder = Config::builder()
///     .with_connect_timeout(Duration::from_secs(5))
///     .with_heartbeat(Heartbeat::default().with_interval(Duration::from_secs(10)));
/// assert_eq!(builder.close_timeout, Duration::from_secs(2)); // the default
/// let config: Config = builder.build()?;
/// # Ok::<(), steadfast::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct ConfigBuilder {
    /// How long name resolution, TCP, TLS and the upgrade may take together. Default 10 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub connect_timeout: Duration,
    /// How long the closing handshake may take. Default 2 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub close_timeout: Duration,
    /// How long a connection must have been open to count as stable. Only then is the retry counter
    /// reset. Default 10 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub stable_after: Duration,
    /// How soon a ping must be answered that is sent after the driver was suspended, or on
    /// [`Command::Probe`](crate::Command::Probe); the heartbeat's `pong_timeout` if that is
    /// shorter. Default 3 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub probe_timeout: Duration,
    /// When the network comes back, a pending retry is moved to a random time within this span, which
    /// starts as soon as the policy's floor and a server's `Retry-After` allow. May be zero.
    /// Default 1 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
    pub online_spread: Duration,
    /// How a dead peer is detected; `None` turns that off. Default [`Heartbeat::default`].
    pub heartbeat: Option<Heartbeat>,
    /// Whether to retry before there has ever been a connection. Default [`FirstConnect::Retry`].
    pub first_connect: FirstConnect,
}

impl ConfigBuilder {
    /// Sets [`connect_timeout`](Self::connect_timeout).
    #[must_use]
    pub fn with_connect_timeout(mut self, connect_timeout: Duration) -> Self {
        self.connect_timeout = connect_timeout;
        self
    }

    /// Sets [`close_timeout`](Self::close_timeout).
    #[must_use]
    pub fn with_close_timeout(mut self, close_timeout: Duration) -> Self {
        self.close_timeout = close_timeout;
        self
    }

    /// Sets [`stable_after`](Self::stable_after).
    #[must_use]
    pub fn with_stable_after(mut self, stable_after: Duration) -> Self {
        self.stable_after = stable_after;
        self
    }

    /// Sets [`probe_timeout`](Self::probe_timeout).
    #[must_use]
    pub fn with_probe_timeout(mut self, probe_timeout: Duration) -> Self {
        self.probe_timeout = probe_timeout;
        self
    }

    /// Sets [`online_spread`](Self::online_spread).
    #[must_use]
    pub fn with_online_spread(mut self, online_spread: Duration) -> Self {
        self.online_spread = online_spread;
        self
    }

    /// Sets [`heartbeat`](Self::heartbeat).
    #[must_use]
    pub fn with_heartbeat(mut self, heartbeat: impl Into<Option<Heartbeat>>) -> Self {
        self.heartbeat = heartbeat.into();
        self
    }

    /// Sets [`first_connect`](Self::first_connect).
    #[must_use]
    pub fn with_first_connect(mut self, first_connect: FirstConnect) -> Self {
        self.first_connect = first_connect;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// Names the first invalid field: a duration that is zero (except
    /// [`online_spread`](Self::online_spread)) or longer than 584 years.
    pub fn build(self) -> Result<Config, ConfigError> {
        let probe_timeout = positive("probe_timeout", self.probe_timeout)?;
        let (ping_interval, pong_timeout, reprobes, heartbeat_kind) = match self.heartbeat {
            Some(heartbeat) => (
                positive("heartbeat.interval", heartbeat.interval)?,
                positive("heartbeat.pong_timeout", heartbeat.pong_timeout)?,
                heartbeat.reprobes,
                heartbeat.kind,
            ),
            None => (Nanos::FOREVER, probe_timeout, 0, HeartbeatKind::Ping),
        };
        Ok(Config {
            connect_timeout: positive("connect_timeout", self.connect_timeout)?,
            close_timeout: positive("close_timeout", self.close_timeout)?,
            stable_after: positive("stable_after", self.stable_after)?,
            probe_timeout,
            online_spread: fits("online_spread", self.online_spread)?,
            ping_interval,
            pong_timeout,
            reprobes,
            heartbeat_kind,
            first_connect: self.first_connect,
        })
    }
}

impl Default for ConfigBuilder {
    fn default() -> Self {
        Config::default().to_builder()
    }
}

impl TryFrom<ConfigBuilder> for Config {
    type Error = ConfigError;

    fn try_from(builder: ConfigBuilder) -> Result<Self, ConfigError> {
        builder.build()
    }
}

impl From<Config> for ConfigBuilder {
    fn from(config: Config) -> Self {
        config.to_builder()
    }
}

/// Whether to retry before there has ever been a connection.
///
/// ```
/// use steadfast::{Config, FirstConnect};
///
/// // For a tool that people start by hand, with an address that they have typed.
/// let config = Config::builder().with_first_connect(FirstConnect::Once).build()?;
/// # Ok::<(), steadfast::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum FirstConnect {
    /// The first connection is retried like any other.
    #[default]
    Retry,
    /// If the first dial fails, give up, so that a wrong address is reported at once.
    Once,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_check() {
        assert_eq!(Config::builder().build(), Ok(Config::default()));
    }

    #[test]
    fn each_duration_that_cannot_work_is_named() {
        type Set = fn(ConfigBuilder, Duration) -> ConfigBuilder;
        let fields: [(&str, Set); 6] = [
            ("connect_timeout", ConfigBuilder::with_connect_timeout),
            ("close_timeout", ConfigBuilder::with_close_timeout),
            ("stable_after", ConfigBuilder::with_stable_after),
            ("probe_timeout", ConfigBuilder::with_probe_timeout),
            ("heartbeat.interval", |b, d| b.with_heartbeat(Heartbeat::default().with_interval(d))),
            ("heartbeat.pong_timeout", |b, d| {
                b.with_heartbeat(Heartbeat::default().with_pong_timeout(d))
            }),
        ];
        for (field, set) in fields {
            let built = |duration| set(Config::builder(), duration).build();
            assert_eq!(built(Duration::ZERO), Err(ConfigError::Zero { field }));
            assert_eq!(built(Duration::MAX), Err(ConfigError::TooLong { field }));
            assert!(built(Duration::from_nanos(1)).is_ok(), "{field}");
            assert_eq!(built(Duration::from_nanos(u64::MAX)), Err(ConfigError::TooLong { field }));
            assert!(built(Duration::from_nanos(u64::MAX - 1)).is_ok(), "{field}");
        }
        assert_eq!(
            Config::builder().with_online_spread(Duration::MAX).build(),
            Err(ConfigError::TooLong { field: "online_spread" })
        );
        assert!(Config::builder().with_online_spread(Duration::ZERO).build().is_ok());
    }

    #[test]
    fn a_configuration_without_heartbeat_keeps_being_without() {
        let config = Config::builder().with_heartbeat(None).build().unwrap();
        assert_eq!(config.to_builder().heartbeat, None);
        assert_eq!(config.to_builder().build(), Ok(config));
    }
}
