//! Putting a connection together.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
};

use super::{Clock, Connection, Dial, HeartbeatMessage};
use crate::{Backoff, Command, Config, Instant, Machine, Policy, Seed, StateMachine};

/// A connection that is not dialed yet: a dialer, a clock, and the defaults for the rest.
#[derive(Clone)]
pub struct Builder<D, K, P = Backoff> {
    dialer: D,
    clock: K,
    config: Config,
    policy: P,
    seed: Seed,
    heartbeat: Option<HeartbeatMessage>,
}

impl<D, K> Builder<D, K> {
    /// With the default configuration and policy, and a random seed.
    pub fn new(dialer: D, clock: K) -> Self {
        Self {
            dialer,
            clock,
            config: Config::default(),
            policy: Backoff::default(),
            seed: random_seed(),
            heartbeat: None,
        }
    }
}

impl<D, K, P> Builder<D, K, P> {
    /// With this configuration.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// With this policy.
    pub fn with_policy<Q: Policy>(self, policy: Q) -> Builder<D, K, Q> {
        let Self { dialer, clock, config, seed, heartbeat, .. } = self;
        Builder { dialer, clock, config, policy, seed, heartbeat }
    }

    /// With this seed, to repeat a run. Never give two clients of one server the same.
    #[must_use]
    pub fn with_seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// With messages of the application's own in place of Ping frames. When they are sent is still
    /// up to the [`Heartbeat`](crate::Heartbeat) of the configuration.
    #[must_use]
    pub fn with_heartbeat_message(mut self, heartbeat: HeartbeatMessage) -> Self {
        self.heartbeat = Some(heartbeat);
        self
    }

    /// With the dialer changed.
    #[must_use]
    pub fn map_dialer<E>(self, change: impl FnOnce(D) -> E) -> Builder<E, K, P> {
        let Self { dialer, clock, config, policy, seed, heartbeat } = self;
        Builder { dialer: change(dialer), clock, config, policy, seed, heartbeat }
    }

    /// The connection. It has begun to dial, and goes on when it is polled.
    pub fn build(self) -> Connection<D, K, Machine<P>>
    where
        D: Dial,
        K: Clock,
        P: Policy,
    {
        self.build_with(Machine::new)
    }

    /// The connection, driving what `machine` makes: a [`Machine`], or something around one.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use steadfast::{Machine, client::{Builder, DialContext}, testing};
    ///
    /// # let dialer = |_: DialContext| async {
    /// #     Ok::<_, testing::MemoryError>(testing::pair(1).0)
    /// # };
    /// let connection = Builder::new(dialer, testing::ManualClock::new())
    ///     .build_with(|config, policy, seed, now| Machine::new(config, policy, seed, now));
    /// # }
    /// ```
    pub fn build_with<M>(
        self,
        machine: impl FnOnce(Config, P, Seed, Instant) -> M,
    ) -> Connection<D, K, M>
    where
        D: Dial,
        K: Clock,
        M: StateMachine,
    {
        let machine = machine(self.config, self.policy, self.seed, self.clock.now());
        let mut connection = Connection::new(machine, self.dialer, self.clock, self.heartbeat);
        connection.command(Command::Start);
        connection
    }
}

impl<D, K, P: fmt::Debug> fmt::Debug for Builder<D, K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("config", &self.config)
            .field("policy", &self.policy)
            .field("seed", &self.seed)
            .field("heartbeat", &self.heartbeat)
            .finish_non_exhaustive()
    }
}

/// A seed from the operating system's randomness, different for each call.
pub fn random_seed() -> Seed {
    // The standard library keys its hash maps from the operating system, once a thread, and
    // differently for each map: enough for jitter, and no dependency.
    Seed::new(RandomState::new().build_hasher().finish())
}
