//! What can happen, and when.

use std::time::Duration;

use steadfast::{
    CloseCode, Command, Epoch, Event, FailureKind, Instant, Network, Nonce, PeerClose, Signal,
    State, Wake,
};

use crate::setup::Pair;

/// What can happen: each kind of event, and both sides of each distinction that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    Tick,
    Start,
    Stop,
    RetryNow,
    Probe,
    Online,
    Offline,
    Opened,
    Received,
    PongToTheNewest,
    PongToAnOlder,
    Closed,
    ClosedForARestart,
    ReadPaused,
    ReadResumed,
    Reset,
    Refused401,
    Refused404,
    LostBefore,
}

impl Input {
    pub(crate) const ALL: [Self; 19] = [
        Self::Tick,
        Self::Start,
        Self::Stop,
        Self::RetryNow,
        Self::Probe,
        Self::Online,
        Self::Offline,
        Self::Opened,
        Self::Received,
        Self::PongToTheNewest,
        Self::PongToAnOlder,
        Self::Closed,
        Self::ClosedForARestart,
        Self::ReadPaused,
        Self::ReadResumed,
        Self::Reset,
        Self::Refused401,
        Self::Refused404,
        Self::LostBefore,
    ];

    pub(crate) fn event(self, pair: &Pair) -> Event {
        let signal = |signal| Event::Transport(pair.machine.epoch(), signal);
        let pong =
            |age| signal(Signal::Pong(Nonce::new(pair.model.nonce().get().wrapping_sub(age))));
        let close = |close: PeerClose| signal(Signal::CloseReceived(close));
        let lost = |kind: FailureKind| signal(Signal::Lost(kind.into()));
        match self {
            Self::Tick => Event::Tick,
            Self::Start => Command::Start.into(),
            Self::Stop => Command::Stop.into(),
            Self::RetryNow => Command::RetryNow.into(),
            Self::Probe => Command::Probe.into(),
            Self::Online => Command::Network(Network::Online).into(),
            Self::Offline => Command::Network(Network::Offline).into(),
            Self::Opened => signal(Signal::Opened),
            Self::Received => signal(Signal::Received),
            Self::PongToTheNewest => pong(0),
            Self::PongToAnOlder => pong(1),
            Self::Closed => close(CloseCode::NORMAL.into()),
            Self::ClosedForARestart => {
                let spread = Duration::from_secs(1);
                close(PeerClose::from(CloseCode::SERVICE_RESTART).with_spread_over(spread))
            }
            Self::ReadPaused => signal(Signal::ReadPaused),
            Self::ReadResumed => signal(Signal::ReadResumed),
            Self::Reset => lost(FailureKind::Reset),
            Self::Refused401 => lost(FailureKind::Http(401)),
            Self::Refused404 => lost(FailureKind::Http(404)),
            Self::LostBefore => {
                let before = Epoch::new(pair.machine.epoch().get().wrapping_sub(1));
                Event::Transport(before, Signal::Lost(FailureKind::Reset.into()))
            }
        }
    }
}

/// When it can happen: around the deadline, and around the instant from which a connection is
/// stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum When {
    Same,
    JustBefore,
    Due,
    JustAfter,
    JustBeforeStable,
    Stable,
    /// As a driver is that has slept for an hour.
    FarAfter,
}

impl When {
    /// Every instant that matters, once.
    pub(crate) fn all(pair: &Pair) -> Vec<(Self, Instant)> {
        let now = pair.model.now();
        let nanos = |instant: Instant, nanos: i64| {
            Instant::from_nanos(instant.as_nanos().saturating_add_signed(nanos))
        };
        let far = |from: Instant| from.saturating_add(Duration::from_secs(3_600));
        let mut instants = vec![(Self::Same, now)];
        match pair.machine.wake() {
            Wake::Idle => instants.push((Self::FarAfter, far(now))),
            Wake::At(due, _) => instants.extend([
                (Self::JustBefore, nanos(due, -1)),
                (Self::Due, due),
                (Self::JustAfter, nanos(due, 1)),
                (Self::FarAfter, far(due)),
            ]),
        }
        if pair.machine.state() == State::Open {
            let stable_after = pair.machine.config().to_builder().stable_after;
            let stable = pair.machine.since().saturating_add(stable_after);
            instants.extend([(Self::JustBeforeStable, nanos(stable, -1)), (Self::Stable, stable)]);
        }
        let mut once: Vec<(Self, Instant)> = Vec::new();
        for (when, at) in instants {
            if at >= now && once.iter().all(|(_, other)| *other != at) {
                once.push((when, at));
            }
        }
        once
    }
}
