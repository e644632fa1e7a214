//! Putting a connection together.

use std::fmt;

use super::{
    Clock, Connection, Dial, HeartbeatMessage, SessionId, connection::Settings, log::Log, session,
};
use crate::{Backoff, Command, Config, Instant, Machine, Policy, Seed, StateMachine};

/// Builds a [`Connection`] from a dialer, a clock, and defaults for the rest.
#[derive(Clone)]
pub struct Builder<D, K, P = Backoff> {
    dialer: D,
    clock: K,
    config: Config,
    policy: P,
    seed: Option<Seed>,
    extras: Extras,
}

/// What is the same for a builder of any type.
#[derive(Clone)]
struct Extras {
    session: Option<SessionId>,
    heartbeat: Option<HeartbeatMessage>,
    retain: bool,
    span: Option<Span>,
}

#[cfg(feature = "tracing")]
type Span = tracing::Span;
#[cfg(not(feature = "tracing"))]
type Span = std::convert::Infallible;

impl<D, K> Builder<D, K> {
    /// With the default configuration and policy, a random seed and a random session id.
    pub fn new(dialer: D, clock: K) -> Self {
        Self {
            dialer,
            clock,
            config: Config::default(),
            policy: Backoff::default(),
            seed: None,
            extras: Extras { session: None, heartbeat: None, retain: false, span: None },
        }
    }
}

impl<D, K, P> Builder<D, K, P> {
    /// Sets the configuration of the machine: timeouts and heartbeat.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the retry policy.
    pub fn with_policy<Q: Policy>(self, policy: Q) -> Builder<D, K, Q> {
        let Self { dialer, clock, config, seed, extras, .. } = self;
        Builder { dialer, clock, config, policy, seed, extras }
    }

    /// Sets the seed, to repeat a run; the session id, unless set, also follows from it. Never give
    /// two clients of one server the same seed.
    #[must_use]
    pub fn with_seed(mut self, seed: Seed) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the session id, such as one that was saved before a restart of the program. Two clients
    /// that run at the same time must not share one.
    #[must_use]
    pub fn with_session(mut self, session: SessionId) -> Self {
        self.extras.session = Some(session);
        self
    }

    /// Keeps each message until it has been flushed, so that
    /// [`Down::unflushed_messages`](super::Down::unflushed_messages) can return those that were not.
    /// Some of these may have arrived all the same: resend only what may arrive twice. Costs a clone
    /// for each message, and a flush after at most 256.
    #[must_use]
    pub fn retain_unflushed(mut self) -> Self {
        self.extras.retain = true;
        self
    }

    /// Sets the span for what is logged through `tracing`, instead of one named `websocket`. If it has
    /// a field `session`, the session id is recorded in it.
    #[cfg(feature = "tracing")]
    #[must_use]
    pub fn with_span(mut self, span: tracing::Span) -> Self {
        self.extras.span = Some(span);
        self
    }

    /// Sends application messages in place of Ping frames. When they are sent is still up to the
    /// [`Heartbeat`](crate::Heartbeat) of the configuration.
    #[must_use]
    pub fn with_heartbeat_message(mut self, heartbeat: HeartbeatMessage) -> Self {
        self.extras.heartbeat = Some(heartbeat);
        self
    }

    /// Replaces the dialer by what `change` makes of it.
    #[must_use]
    pub fn map_dialer<E>(self, change: impl FnOnce(D) -> E) -> Builder<E, K, P> {
        let Self { dialer, clock, config, policy, seed, extras } = self;
        Builder { dialer: change(dialer), clock, config, policy, seed, extras }
    }

    /// The connection. Its first dial has begun, and proceeds when the connection is polled.
    pub fn build(self) -> Connection<D, K, Machine<P>>
    where
        D: Dial,
        K: Clock,
        P: Policy,
    {
        self.build_with(Machine::new)
    }

    /// The connection, driving what `machine` returns: a [`Machine`], or a wrapper around one.
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
        let Extras { session, heartbeat, retain, span } = self.extras;
        let session = session.or(self.seed.map(SessionId::of)).unwrap_or_else(SessionId::random);
        let seed = self.seed.unwrap_or_else(random_seed);
        let log = Log::new(span, session);
        let heartbeat = heartbeat.map(Box::new);
        let settings = Settings { session, seed, log, heartbeat, retain };
        let machine = machine(self.config, self.policy, seed, self.clock.now());
        let mut connection = Connection::new(machine, self.dialer, self.clock, settings);
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
            .field("session", &self.extras.session)
            .field("heartbeat", &self.extras.heartbeat)
            .finish_non_exhaustive()
    }
}

/// A seed from the operating system's randomness, different for each call.
///
/// ```
/// assert_ne!(steadfast::client::random_seed(), steadfast::client::random_seed());
/// ```
pub fn random_seed() -> Seed {
    Seed::new(session::random())
}
