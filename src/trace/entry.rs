use crate::{Event, Instant, State, StateMachine, Step};

/// One call of a machine: what it was told, and what it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::exhaustive_structs, reason = "a call has no more to it")]
pub struct Entry {
    /// What the driver's clock said.
    pub at: Instant,
    /// What the machine was told.
    pub event: Event,
    /// What it answered.
    pub step: Step,
    /// The state that left it in.
    pub state: State,
}

impl Entry {
    /// Tells `machine` of `event`, and keeps the call.
    ///
    /// ```
    /// use steadfast::{Backoff, Command, Config, Instant, Machine, Seed, State, trace::Entry};
    ///
    /// let mut machine =
    ///     Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
    /// let entry = Entry::of(&mut machine, Instant::ORIGIN, Command::Start.into());
    /// assert_eq!(entry.state, State::Connecting);
    /// ```
    pub fn of(machine: &mut impl StateMachine, at: Instant, event: Event) -> Self {
        let step = machine.handle(at, event);
        Self { at, event, step, state: machine.state() }
    }
}
