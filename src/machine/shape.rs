//! What decides the future of a machine, for those who search all of it.

use core::borrow::Borrow;

use super::{Machine, retry::Retry, state::Phase};
use crate::{Config, time::Instant};

/// What decides the future of a machine: its state with times relative to its present and names
/// relative to its newest, randomness to come left aside.
///
/// Two machines with one configuration and one policy that have the same shape answer the same to
/// the same events, told relative to their present and their newest epoch and nonce, and have the
/// same shape again after that; except for
///
/// - what they draw at random, and what a policy with a memory of its own remembers,
/// - spans longer than the longest of the configuration that are only told, such as an uptime,
/// - what they have counted and measured, and the end of time.
///
/// So a search that has met a shape need not go on from there a second time.
///
/// ```
/// use steadfast::{Backoff, Command, Config, Instant, Machine, Seed};
///
/// let started = |at: Instant| {
///     let mut machine = Machine::new(Config::default(), Backoff::default(), Seed::new(7), at);
///     let _ = machine.handle(at, Command::Start.into());
///     machine.shape()
/// };
/// assert_eq!(started(Instant::ORIGIN), started(Instant::from_millis(77)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    phase: Phase,
    since: Instant,
    /// How long it has been open, until that is stable.
    open_for: Instant,
    retry: Retry,
    was_open: bool,
}

impl<P, C: Borrow<Config>> Machine<P, C> {
    /// What decides its future.
    pub fn shape(&self) -> Shape {
        let config = self.config.borrow();
        let (now, horizon) = (self.now, config.horizon());
        let open_for = match &self.phase {
            Phase::Open(_) => self.since.age(now, config.stable_after),
            _ => Instant::ORIGIN,
        };
        let phase = match &self.phase {
            Phase::Idle => Phase::Idle,
            Phase::Connecting { deadline } => Phase::Connecting { deadline: deadline.ahead(now) },
            Phase::Open(pulse) => Phase::Open(pulse.relative(now, horizon)),
            Phase::Closing { deadline, then } => {
                Phase::Closing { deadline: deadline.ahead(now), then: *then }
            }
            Phase::Backoff { until, earliest } => {
                Phase::Backoff { until: until.ahead(now), earliest: earliest.ahead(now) }
            }
            Phase::Offline { earliest } => Phase::Offline { earliest: earliest.ahead(now) },
            Phase::Closed { end, earliest } => {
                Phase::Closed { end: *end, earliest: earliest.ahead(now) }
            }
        };
        Shape {
            phase,
            since: self.since.age(now, horizon),
            open_for,
            retry: self.retry.relative(now),
            was_open: self.opens > 0,
        }
    }
}

impl Shape {
    /// The shape for a policy that looks at no span of time, to which `failures` in a row and more
    /// are all the same, and for those who compare what is told of spans elsewhere. Such a policy is
    /// a [`Backoff`](crate::Backoff) without a limit of time and without decorrelated jitter, from
    /// where its cap is reached.
    #[must_use]
    pub fn counting_to(self, failures: u32) -> Self {
        Self { since: Instant::ORIGIN, retry: self.retry.counting_to(failures), ..self }
    }
}
