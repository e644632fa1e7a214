use core::time::Duration;

use super::{Fleet, FleetError, Scenario};
use crate::{Config, Failure, FailureKind, Seed, time::Nanos};

/// The most clients: some 1.5 GiB of them.
const MOST_CLIENTS: u32 = 10_000_000;

/// The longest simulation.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// The settings of a [`Fleet`], not checked yet.
///
/// ```
/// use steadfast::fleet::{Fleet, Scenario};
///
/// let builder = Fleet::builder().with_clients(500).with_scenario(Scenario::outage());
/// let fleet: Fleet = builder.build()?;
/// # Ok::<(), steadfast::fleet::FleetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetBuilder {
    /// How many clients. Default 10,000.
    pub clients: u32,
    /// How many connections the server accepts in a second. Default 1,000.
    pub capacity_per_second: u32,
    /// How many places the server's accept queue has, the one being served included. Default 128.
    pub backlog: u32,
    /// How an attempt fails that finds the queue full: HTTP 503 with a `Retry-After`, for
    /// example. Default [`FailureKind::Refused`].
    pub refusal: Failure,
    /// What happens. Default [`Scenario::restart`].
    pub scenario: Scenario,
    /// How each machine behaves; a heartbeat is switched off. Default [`Config::default`].
    pub config: Config,
    /// From which all randomness comes: each machine's seed by its number, and the moments of a
    /// cold start. Default 1.
    pub seed: Seed,
    /// When the simulation ends at the latest. Default one hour.
    pub horizon: Duration,
}

impl FleetBuilder {
    /// Sets [`clients`](Self::clients).
    #[must_use]
    pub fn with_clients(mut self, clients: u32) -> Self {
        self.clients = clients;
        self
    }

    /// Sets [`capacity_per_second`](Self::capacity_per_second).
    #[must_use]
    pub fn with_capacity_per_second(mut self, capacity_per_second: u32) -> Self {
        self.capacity_per_second = capacity_per_second;
        self
    }

    /// Sets [`backlog`](Self::backlog).
    #[must_use]
    pub fn with_backlog(mut self, backlog: u32) -> Self {
        self.backlog = backlog;
        self
    }

    /// Sets [`refusal`](Self::refusal).
    #[must_use]
    pub fn with_refusal(mut self, refusal: impl Into<Failure>) -> Self {
        self.refusal = refusal.into();
        self
    }

    /// Sets [`scenario`](Self::scenario).
    #[must_use]
    pub fn with_scenario(mut self, scenario: Scenario) -> Self {
        self.scenario = scenario;
        self
    }

    /// Sets [`config`](Self::config).
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// Sets [`horizon`](Self::horizon).
    #[must_use]
    pub fn with_horizon(mut self, horizon: Duration) -> Self {
        self.horizon = horizon;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// Names the first field that cannot work: no clients or over ten million, no capacity, no
    /// backlog, a horizon of zero or over a day, a `stable_after` of over a day; a scenario without
    /// parts or with over a thousand, one that is not over at the horizon, instances that are down
    /// for longer than the interval.
    pub fn build(mut self) -> Result<Fleet, FleetError> {
        for (field, number) in [
            ("clients", self.clients),
            ("capacity_per_second", self.capacity_per_second),
            ("backlog", self.backlog),
        ] {
            if number == 0 {
                return Err(FleetError::Zero { field });
            }
        }
        if self.clients > MOST_CLIENTS {
            return Err(FleetError::TooMany { field: "clients", most: MOST_CLIENTS });
        }
        if self.horizon.is_zero() {
            return Err(FleetError::Zero { field: "horizon" });
        }
        if self.horizon > LONGEST {
            return Err(FleetError::TooLong { field: "horizon", longest: LONGEST });
        }
        // All that time passes on the machines' clock before t = 0, which must leave room for more.
        if self.config.to_builder().stable_after > LONGEST {
            return Err(FleetError::TooLong { field: "config.stable_after", longest: LONGEST });
        }
        self.scenario.check(self.horizon)?;
        self.config = without_heartbeat(&self.config);
        Ok(Fleet { settings: self })
    }
}

impl Default for FleetBuilder {
    fn default() -> Self {
        Self {
            clients: 10_000,
            capacity_per_second: 1_000,
            backlog: 128,
            refusal: FailureKind::Refused.into(),
            scenario: Scenario::restart(),
            config: without_heartbeat(&Config::default()),
            seed: Seed::new(1),
            horizon: Duration::from_secs(3_600),
        }
    }
}

/// Without one, nothing is due for a client that is connected.
fn without_heartbeat(config: &Config) -> Config {
    Config { ping_interval: Nanos::FOREVER, ..config.clone() }
}
