//! Scripts: what happens, when, to whom, told in a way that fits every machine.

use std::time::Duration;

use crate::{
    Action, Command, Epoch, Event, Instant, Nonce, Signal, StateMachine, time::Nanos, trace::Entry,
};

/// When something happens, told from the time before and from the wake.
///
/// Where no deadline is running, the wake counts as one second away.
///
/// ```
/// use std::time::Duration;
/// use steadfast::testing::strategies::{Input, Line, When};
///
/// // A driver that has slept for an hour.
/// let line = Line::new(When::Late(Duration::from_secs(3_600)), Input::Tick);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "whoever plays a script must obey each")]
pub enum When {
    /// No time has passed.
    Same,
    /// At the wake.
    Due,
    /// A nanosecond before the wake.
    JustBefore,
    /// A nanosecond after the wake.
    JustAfter,
    /// This long after the time before.
    After(Duration),
    /// This long after the wake: the driver was late, or suspended.
    Late(Duration),
    /// The driver's clock is this long before the latest it has shown.
    Back(Duration),
}

/// What happens, with ages in place of names: 0 is the newest epoch or nonce, 1 the one before it,
/// −1 one that does not exist yet.
///
/// ```
/// use steadfast::{FailureKind, Signal, testing::strategies::Input};
///
/// let newest = Input::Signal(0, Signal::Lost(FailureKind::Reset.into()));
/// let the_one_before = Input::Signal(1, Signal::Lost(FailureKind::Reset.into()));
/// assert_ne!(newest, the_one_before);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "whoever plays a script must obey each")]
pub enum Input {
    /// Nothing but time.
    Tick,
    /// The application or the platform wants something.
    Command(Command),
    /// The transport of the epoch of this age reports.
    Signal(i8, Signal),
    /// A Pong comes in on the transport of the epoch of the first age, with the nonce of the
    /// second.
    Pong(i8, i8),
}

impl From<Command> for Input {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

/// The newest transport reports.
impl From<Signal> for Input {
    fn from(signal: Signal) -> Self {
        Self::Signal(0, signal)
    }
}

/// One line of a [`Script`].
///
/// ```
/// use steadfast::{Command, testing::strategies::{Line, When}};
///
/// let line = Line::new(When::Due, Command::RetryNow);
/// assert_eq!(line.when, When::Due);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a line has no more to it")]
pub struct Line {
    /// When it happens.
    pub when: When,
    /// What happens.
    pub input: Input,
}

impl Line {
    /// `input` happens at `when`.
    pub fn new(when: When, input: impl Into<Input>) -> Self {
        Self { when, input: input.into() }
    }
}

/// What happens to a machine, line by line.
///
/// ```
/// use steadfast::{
///     Backoff, Command, Config, FailureKind, Instant, Machine, Seed, Signal, State,
///     testing::strategies::{Input, Line, Script, When},
/// };
///
/// let script: Script = [
///     Line::new(When::Same, Command::Start),
///     Line::new(When::Same, Signal::Lost(FailureKind::Refused.into())),
///     Line::new(When::Due, Input::Tick),
/// ]
/// .into();
/// let mut machine =
///     Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// let entries = script.play(&mut machine);
/// assert_eq!(entries.len(), 3);
/// assert_eq!(entries[2].state, State::Connecting);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Script {
    lines: Vec<Line>,
}

impl Script {
    /// The lines in order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Plays the lines on `machine` from the origin of its clock on, and answers the calls, one for
    /// each line.
    pub fn play(&self, machine: &mut impl StateMachine) -> Vec<Entry> {
        let mut player = Player::default();
        self.lines.iter().map(|line| player.play(machine, *line)).collect()
    }
}

impl FromIterator<Line> for Script {
    fn from_iter<I: IntoIterator<Item = Line>>(lines: I) -> Self {
        Self { lines: lines.into_iter().collect() }
    }
}

impl<const N: usize> From<[Line; N]> for Script {
    fn from(lines: [Line; N]) -> Self {
        lines.into_iter().collect()
    }
}

/// Plays one line after the other, for a test that looks on in between: it knows the time and the
/// newest nonce, which a machine does not tell.
///
/// ```
/// use steadfast::{
///     Backoff, Command, Config, Instant, Machine, Seed, State,
///     testing::strategies::{Line, Player, When},
/// };
///
/// let mut machine = Machine::new(Config::default(), Backoff::default(), Seed::new(1), Instant::ORIGIN);
/// let mut player = Player::new(Instant::ORIGIN);
/// let entry = player.play(&mut machine, Line::new(When::Same, Command::Start));
/// assert_eq!(entry.state, State::Connecting);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Player {
    /// The latest time shown.
    now: Instant,
    nonce: Nonce,
}

impl Player {
    /// A player that begins at `now`. By default that is the origin of the clock.
    pub fn new(now: Instant) -> Self {
        Self { now, nonce: Nonce::default() }
    }

    /// The call that `line` is, on `machine` as it stands.
    pub fn call(&self, machine: &impl StateMachine, line: Line) -> (Instant, Event) {
        (self.instant(machine, line.when), self.event(machine, line.input))
    }

    /// Plays `line` on `machine`.
    pub fn play(&mut self, machine: &mut impl StateMachine, line: Line) -> Entry {
        let (at, event) = self.call(machine, line);
        let entry = Entry::of(machine, at, event);
        self.now = self.now.max(at);
        for action in entry.step.actions {
            if let Action::Ping { nonce, .. } = action {
                self.nonce = nonce;
            }
        }
        entry
    }

    fn instant(&self, machine: &impl StateMachine, when: When) -> Instant {
        let a_second_on = || self.now.saturating_add(Duration::from_secs(1));
        let due = machine.wake().instant().unwrap_or_else(a_second_on);
        match when {
            When::Same => self.now,
            When::Due => due,
            When::JustBefore => before(due, Duration::from_nanos(1)),
            When::JustAfter => due.saturating_add(Duration::from_nanos(1)),
            When::After(span) => self.now.saturating_add(span),
            When::Late(span) => due.saturating_add(span),
            When::Back(span) => before(self.now, span),
        }
    }

    fn event(&self, machine: &impl StateMachine, input: Input) -> Event {
        let epoch = |age: i8| {
            let newest = machine.epoch().get();
            Epoch::new(newest.saturating_add_signed(-i64::from(age)))
        };
        match input {
            Input::Tick => Event::Tick,
            Input::Command(command) => command.into(),
            Input::Signal(age, signal) => Event::Transport(epoch(age), signal),
            Input::Pong(age, nonce_age) => {
                let nonce = self.nonce.get().wrapping_add_signed(-i32::from(nonce_age));
                Event::Transport(epoch(age), Signal::Pong(Nonce::new(nonce)))
            }
        }
    }
}

fn before(instant: Instant, span: Duration) -> Instant {
    let nanos = instant.as_nanos().saturating_sub(Nanos::saturating_from(span).0);
    Instant::from_nanos(nanos)
}
