//! Calls of a machine, for people to read.

use std::fmt::{self, Display, Write};

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
        let rows: Vec<_> = self.0.iter().map(row).collect();
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
        f.write_str(&row(self).join("  "))
    }
}

fn row(entry: &Entry) -> [String; 4] {
    let Entry { at, event, step, state } = entry;
    let mut answer = String::new();
    for action in step.actions {
        let _ = write!(answer, "{}; ", Shown(action));
    }
    match step.wake {
        Wake::At(due, timer) => {
            let _ = write!(answer, "{} due in {}", Shown(timer), since(due, *at));
        }
        Wake::Idle => answer.push_str("no wake"),
    }
    let mut event = Shown(*event).to_string();
    match step.outcome {
        Outcome::Applied => {}
        Outcome::Stale => event.push_str(", stale"),
        Outcome::Inapplicable => event.push_str(", inapplicable"),
    }
    [since(*at, Instant::ORIGIN), Shown(*state).to_string(), event, answer]
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
