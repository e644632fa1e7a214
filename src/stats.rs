//! What a machine has counted.

use crate::RoundTrip;

/// Counters of a machine since it was created, and measurements since the connection opened.
/// Counters saturate.
///
/// ```
/// # use steadfast::{Backoff, Config, Instant, Machine, Seed};
/// # let mut machine = Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// # use steadfast::{Action, Command, Event, Signal};
/// # let at = Instant::from_millis;
/// # let _ = machine.handle(at(0), Command::Start.into());
/// # let _ = machine.handle(at(80), Event::Transport(machine.epoch(), Signal::Opened));
/// # let step = machine.handle(at(1_000), Command::Probe.into());
/// # let Some(Action::Ping { epoch, nonce }) = step.actions.iter().next() else { panic!("no ping") };
/// # let _ = machine.handle(at(1_040), Event::Transport(epoch, Signal::Pong(nonce)));
/// let stats = machine.stats();
/// assert_eq!((stats.dials, stats.opens, stats.stale), (1, 1, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Stats {
    /// Dials.
    pub dials: u64,
    /// Connections that opened.
    pub opens: u32,
    /// Events of an epoch that was over.
    pub stale: u32,
    /// Events that made no sense in the state they met.
    pub inapplicable: u32,
    /// Calls with a `now` before an earlier one.
    pub clock_regressions: u32,
    /// How long the peer takes to answer a ping; `None` before it has answered one on the link that
    /// is open, and without such a link.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub round_trip: Option<RoundTrip>,
}
