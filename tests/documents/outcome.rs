//! What comes of a step, in the words of the page.

use std::time::Duration;

use steadfast::{
    Action, Actions, ClosedReason, Credentials, Instant, Notice, Outcome, State, Timer, Wake,
};

use crate::explore::{DELAY, Input, ONLINE_SPREAD, RETRY_AFTER, Transition};

/// A state without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    Idle,
    Connecting,
    Open,
    Closing,
    Backoff,
    Offline,
    Closed,
}

impl Place {
    pub(crate) const ALL: [Self; 7] = [
        Self::Idle,
        Self::Connecting,
        Self::Open,
        Self::Closing,
        Self::Backoff,
        Self::Offline,
        Self::Closed,
    ];

    pub(crate) fn of(state: State) -> Self {
        match state {
            State::Idle => Self::Idle,
            State::Connecting => Self::Connecting,
            State::Open => Self::Open,
            State::Closing => Self::Closing,
            State::Backoff => Self::Backoff,
            State::Offline => Self::Offline,
            State::Closed(_) => Self::Closed,
            other => panic!("the page does not know {other:?}"),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What comes of an event, as far as the page tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// It belongs to an epoch that is over.
    Stale,
    /// It makes no sense here.
    Inapplicable,
    Applied {
        then: Place,
        deadline: Deadline,
        actions: [&'static str; Actions::MAX],
    },
}

/// Which deadline runs, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deadline {
    AsItWas,
    None,
    Until(&'static str, &'static str),
}

impl std::fmt::Display for Deadline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AsItWas => f.write_str("as it was"),
            Self::None => f.write_str("none"),
            Self::Until(timer, span) => write!(f, "{timer}, {span}"),
        }
    }
}

impl Told {
    pub(crate) fn of(taken: &Transition<'_>) -> Self {
        match taken.step.outcome {
            Outcome::Stale => Self::Stale,
            Outcome::Inapplicable => Self::Inapplicable,
            Outcome::Applied => Self::Applied {
                actions: actions(taken),
                then: Place::of(taken.to.machine.state()),
                deadline: deadline(taken),
            },
        }
    }
}

fn actions(taken: &Transition<'_>) -> [&'static str; Actions::MAX] {
    let mut words = [""; Actions::MAX];
    words.iter_mut().zip(taken.step.actions).for_each(|(word, action)| *word = name(action));
    words
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Dial { credentials: Credentials::Current, .. } => "`Dial`",
        Action::Dial { credentials: Credentials::Refresh, .. } => "`Dial` with fresh credentials",
        Action::Ping { .. } => "`Ping`",
        Action::Close { .. } => "`Close`",
        Action::Abort { .. } => "`Abort`",
        Action::Notify(Notice::Up { .. }) => "*Up*",
        Action::Notify(Notice::Down { .. }) => "*Down*",
        Action::Notify(Notice::DialFailed { .. }) => "*DialFailed*",
        Action::Notify(Notice::Rescheduled { .. }) => "*Rescheduled*",
        Action::Notify(Notice::RoundTrip { .. }) => "*RoundTrip*",
        Action::Notify(Notice::Closed { reason }) => match reason {
            ClosedReason::Stopped => "*Closed* (stopped)",
            ClosedReason::Fatal(_) => "*Closed* (fatal)",
            ClosedReason::GaveUp(_) => "*Closed* (gave up)",
            other => panic!("the page does not know {other:?}"),
        },
        Action::Notify(other) => panic!("the page does not know {other:?}"),
    }
}

fn deadline(taken: &Transition<'_>) -> Deadline {
    // Where nothing runs, only what leaves the heartbeat alone leaves it as it was.
    let is_left = taken.to.machine.state() == State::Open
        && matches!(taken.input, Input::Online | Input::Offline);
    let (at, timer) = match taken.step.wake {
        wake if wake == taken.from.machine.wake() && (wake != Wake::Idle || is_left) => {
            return Deadline::AsItWas;
        }
        Wake::Idle => return Deadline::None,
        Wake::At(at, timer) => (at, timer),
    };
    let known =
        spans(taken, timer).into_iter().find_map(|(until, name)| (until == at).then_some(name));
    let span = known.unwrap_or_else(|| {
        let (input, now, from) = (taken.input, taken.at, &taken.from);
        panic!("no name for {timer:?} at {at:?}: {input:?} at {now:?} in {from:#?}")
    });
    let name = match timer {
        Timer::Connect => "Connect",
        Timer::Ping => "Ping",
        Timer::Pong => "Pong",
        Timer::Silence => "Silence",
        Timer::Close => "Close",
        Timer::Retry => "Retry",
        other => panic!("the page does not know {other:?}"),
    };
    Deadline::Until(name, span)
}

/// Whether the deadline may be the one from before or one that has begun now.
pub(crate) fn is_ambiguous(taken: &Transition<'_>) -> bool {
    match taken.step.wake {
        Wake::At(at, timer) if taken.from.machine.wake() == taken.step.wake => {
            taken.at == taken.from.now && spans(taken, timer).iter().any(|(until, _)| *until == at)
        }
        _ => false,
    }
}

/// The instants at which a deadline may be, with the names of the spans.
fn spans(taken: &Transition<'_>, timer: Timer) -> Vec<(Instant, &'static str)> {
    let config = taken.from.machine.config().to_builder();
    let heartbeat = config.heartbeat.unwrap_or_default();
    let past = &taken.to.past;
    let from_now = |span: Duration| taken.at.saturating_add(span);
    let from_ping = |span: Duration| past.pinged_at.saturating_add(span);
    match timer {
        Timer::Connect => vec![(from_now(config.connect_timeout), "`connect_timeout`")],
        Timer::Close => vec![(from_now(config.close_timeout), "`close_timeout`")],
        Timer::Silence => vec![(from_now(heartbeat.interval), "`interval`")],
        // Whoever stops or resumes reading moves the deadline of the ping that is out.
        Timer::Ping if taken.input == Input::ReadPaused => {
            vec![(from_ping(heartbeat.interval), "`interval` since the ping")]
        }
        Timer::Ping => vec![(from_now(heartbeat.interval), "`interval`")],
        Timer::Pong if taken.input == Input::ReadResumed => vec![
            (from_ping(taken.from.pong_timeout()), "`pong_timeout` since the ping"),
            (from_now(taken.from.pong_timeout()), "`pong_timeout`"),
        ],
        Timer::Pong => vec![
            (from_now(config.probe_timeout), "`probe_timeout`"),
            (from_now(taken.from.pong_timeout()), "`pong_timeout`"),
            (taken.from.due().unwrap_or_default(), "when the silence would have been too long"),
        ],
        Timer::Retry => {
            let soonest = past.earliest.max(taken.at);
            vec![
                (from_now(DELAY), "the policy's delay"),
                (from_now(DELAY + RETRY_AFTER), "`Retry-After` and the policy's delay"),
                (past.earliest, "when the floor has passed"),
                (soonest.saturating_add(ONLINE_SPREAD), "within `online_spread` of the soonest"),
            ]
        }
        other => panic!("the page does not know {other:?}"),
    }
}

impl Input {
    /// The event.
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::Start => "`Start`",
            Self::Stop => "`Stop`",
            Self::RetryNow => "`RetryNow`",
            Self::Probe => "`Probe`",
            Self::Online => "`Network(Online)`",
            Self::Offline => "`Network(Offline)`",
            Self::Opened => "`Opened`",
            Self::Received => "`Received`",
            Self::Pong | Self::OlderPong => "`Pong`",
            Self::Closed => "`CloseReceived`",
            Self::ReadPaused => "`ReadPaused`",
            Self::ReadResumed => "`ReadResumed`",
            Self::Lost
            | Self::LostWithRetryAfter
            | Self::LostForCredentials
            | Self::LostForGood => "`Lost`",
            Self::OlderEpoch => "anything of an older epoch",
            Self::Time => "the deadline is due",
        }
    }

    /// Which of these events.
    pub(crate) fn which(self) -> &'static str {
        match self {
            Self::Pong => "to the newest ping",
            Self::OlderPong => "to an older ping",
            Self::Lost => "to be retried",
            Self::LostWithRetryAfter => "with `Retry-After`",
            Self::LostForCredentials => "credentials refused",
            Self::LostForGood => "for good",
            _ => "",
        }
    }
}
