//! Calls of a machine, for people to read.

use std::fmt::{self, Display};

use super::Entry;
use crate::{
    Action, ClosedReason, Command, Credentials, Event, Failure, Instant, Network, Notice, Outcome,
    Signal, State, Timer, Wake, time::Brief,
};

/// Calls of a machine as a table: time, state after the call, event, actions, wake.
///
/// ```
/// use steadfast::{
///     Backoff, Command, Config, Event, FailureKind, Instant, Jitter, Machine, Seed, Signal,
///     trace::{Entry, Timeline},
/// };
///
/// let policy = Backoff::builder().with_jitter(Jitter::None).build()?;
/// let mut machine = Machine::new(Config::default(), policy, Seed::new(7), Instant::ORIGIN);
/// let start = Entry::of(&mut machine, Instant::ORIGIN, Command::Start.into());
/// let refused = Signal::Lost(FailureKind::Refused.into());
/// let refused = Event::Transport(machine.epoch(), refused);
/// let refused = Entry::of(&mut machine, Instant::from_millis(40), refused);
/// assert_eq!(
///     Timeline(&[start, refused]).to_string(),
///     "\
/// time    state       event                        actions; wake
/// 0 s     connecting  start                        dial 1 (attempt 0); connect due in 10 s
/// 0.04 s  backoff     lost 1 (connection refused)  tell dial failed 1 (attempt 0, connection refused, retry 1 in 500 ms); retry due in 0.5 s
/// "
/// );
/// # Ok::<(), steadfast::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "a view and nothing else")]
pub struct Timeline<'a>(pub &'a [Entry]);

const HEAD: [&str; 4] = ["time", "state", "event", "actions; wake"];

impl Display for Timeline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self.0.iter().map(|entry| Row::from(entry).cells()).collect();
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([HEAD[column].len()]).max().unwrap_or(0)
        };
        let (time, state, event) = (width(0), width(1), width(2));
        for row in std::iter::once(&HEAD.map(String::from)).chain(&rows) {
            writeln!(f, "{:time$}  {:state$}  {:event$}  {}", row[0], row[1], row[2], row[3])?;
        }
        Ok(())
    }
}

/// One row of the table, of which the last column is not padded.
impl Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Row::from(self).cells().join("  "))
    }
}

/// A call of a machine in words, for a table of one's own: what a [`Timeline`] shows of it.
///
/// ```
/// use steadfast::{Backoff, Command, Config, Instant, Machine, Seed, trace::{Entry, Row}};
///
/// let mut machine =
///     Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// let row = Row::from(&Entry::of(&mut machine, Instant::from_millis(30), Command::Start.into()));
/// assert_eq!((row.time.as_str(), row.state.as_str()), ("0.03 s", "connecting"));
/// assert_eq!((row.event.as_str(), row.actions), ("start", vec!["dial 1 (attempt 0)".to_owned()]));
/// assert_eq!(row.wake, "connect due in 10 s");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// When it was: seconds since the origin of the driver's clock, exact.
    pub time: String,
    /// The state that the call left.
    pub state: String,
    /// What the machine was told, and whether it applied.
    pub event: String,
    /// What the machine said is to be done, in order.
    pub actions: Vec<String>,
    /// When it wants to be called again, and why.
    pub wake: String,
}

impl From<&Entry> for Row {
    fn from(entry: &Entry) -> Self {
        let Entry { at, event, step, state } = entry;
        let mut event = Shown(*event).to_string();
        match step.outcome {
            Outcome::Applied => {}
            Outcome::Stale => event.push_str(", stale"),
            Outcome::Inapplicable => event.push_str(", inapplicable"),
        }
        Self {
            time: since(*at, Instant::ORIGIN),
            state: Shown(*state).to_string(),
            event,
            actions: step.actions.iter().map(|action| Shown(action).to_string()).collect(),
            wake: match step.wake {
                Wake::At(due, timer) => format!("{} due in {}", Shown(timer), since(due, *at)),
                Wake::Idle => "no wake".to_owned(),
            },
        }
    }
}

impl Row {
    fn cells(self) -> [String; 4] {
        let mut answer = self.actions;
        answer.push(self.wake);
        [self.time, self.state, self.event, answer.join("; ")]
    }
}

/// Seconds, exact: what a deadline does depends on the nanosecond.
fn since(later: Instant, earlier: Instant) -> String {
    let passed = later.saturating_duration_since(earlier);
    let fraction = format!(".{:09}", passed.subsec_nanos());
    format!("{}{} s", passed.as_secs(), fraction.trim_end_matches(['0', '.']))
}

/// Something of the machine, in a few words.
struct Shown<T>(T);

impl Display for Shown<State> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Idle => "idle",
            State::Connecting => "connecting",
            State::Open => "open",
            State::Closing => "closing",
            State::Backoff => "backoff",
            State::Offline => "offline",
            State::Closed(ClosedReason::Stopped) => "closed",
            State::Closed(ClosedReason::Fatal(_)) => "closed, fatal",
            State::Closed(ClosedReason::GaveUp(_)) => "closed, gave up",
        })
    }
}

impl Display for Shown<Event> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Event::Tick => f.write_str("tick"),
            Event::Command(command) => f.write_str(match command {
                Command::Start => "start",
                Command::Stop => "stop",
                Command::RetryNow => "retry now",
                Command::Probe => "probe",
                Command::Network(Network::Online) => "network online",
                Command::Network(Network::Offline) => "network offline",
            }),
            Event::Transport(epoch, signal) => match signal {
                Signal::Opened => write!(f, "opened {epoch}"),
                Signal::Received => write!(f, "received {epoch}"),
                Signal::Pong(nonce) => write!(f, "pong {epoch} (nonce {})", nonce.get()),
                Signal::CloseReceived(close) => {
                    write!(f, "close received {epoch} ({})", Failure::from(close))
                }
                Signal::ReadPaused => write!(f, "read paused {epoch}"),
                Signal::ReadResumed => write!(f, "read resumed {epoch}"),
                Signal::Lost(failure) => write!(f, "lost {epoch} ({failure})"),
            },
        }
    }
}

impl Display for Shown<Action> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Action::Dial { epoch, attempt, credentials } => {
                let fresh = match credentials {
                    Credentials::Current => "",
                    Credentials::Refresh => ", fresh credentials",
                };
                write!(f, "dial {epoch} (attempt {attempt}{fresh})")
            }
            Action::Ping { epoch, nonce } => write!(f, "ping {epoch} (nonce {})", nonce.get()),
            Action::Close { epoch, code: Some(code) } => write!(f, "close {epoch} with {code}"),
            Action::Close { epoch, code: None } => write!(f, "close {epoch} without a code"),
            Action::Abort { epoch } => write!(f, "abort {epoch}"),
            Action::Notify(notice) => write!(f, "tell {}", Shown(notice)),
        }
    }
}

impl Display for Shown<Notice> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Notice::Up { epoch, reconnected, attempt, downtime } => {
                let word = if reconnected { "up again" } else { "up" };
                write!(f, "{word} {epoch} (attempt {attempt}, after {})", Brief(downtime))
            }
            Notice::Down { epoch, failure, uptime, next } => {
                write!(f, "down {epoch} (after {}, ", Brief(uptime))?;
                match failure {
                    Some(failure) => write!(f, "{failure}, {next})"),
                    None => write!(f, "stopped, {next})"),
                }
            }
            Notice::DialFailed { epoch, attempt, failure, next } => {
                write!(f, "dial failed {epoch} (attempt {attempt}, {failure}, {next})")
            }
            Notice::Rescheduled { next } => write!(f, "rescheduled ({next})"),
            Notice::RoundTrip { epoch, round_trip } => {
                write!(f, "round trip {epoch} ({})", Brief(round_trip))
            }
            Notice::Closed { reason } => write!(f, "closed ({reason})"),
        }
    }
}

impl Display for Shown<Timer> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Timer::Connect => "connect",
            Timer::Ping => "ping",
            Timer::Pong => "pong",
            Timer::Silence => "silence",
            Timer::Close => "close",
            Timer::Retry => "retry",
        })
    }
}
