//! The states.
//!
//! ```text
//!               Start               Opened            Stop, CloseReceived
//! Idle, Closed ───────► Connecting ────────► Open ────────────────────────► Closing
//!                         ▲    │              │                              │   │
//!                         │    │ Lost,        │ Lost,                        │   │ Lost, timeout
//!                         │    │ timeout      │ silence                      │   │ after Stop
//!                         │    ▼              ▼                              │   ▼
//!                         │   the policy is asked ◄──────────────────────────┘ Closed
//!                         │    │         │            Lost, timeout
//!             retry time, │    │ wait    │ gave up,   after the peer's Close
//!                RetryNow │    ▼         ▼ fatal
//!                         └─ Backoff   Closed
//!                              ▲
//!                              │ Network
//!                              ▼
//!                            Offline ──RetryNow──► Connecting
//! ```
//!
//! `Stop` leads from Connecting, Backoff and Offline straight to Closed; `Start` without a network
//! leads to Offline; sooner after the last dial or link than the floor or a server's `Retry-After`
//! allows, it leads to Backoff.
//!
//! Each state owns its deadline, so leaving the state cancels it.

use core::fmt;

use crate::{ClosedReason, Failure, Timer, Wake, pulse::Pulse, time::Instant};

/// The state of a machine.
///
/// ```
/// use steadfast::{ClosedReason, FailureKind, State};
///
/// let state = State::Closed(ClosedReason::GaveUp(FailureKind::Refused.into()));
/// assert_eq!(state.to_string(), "closed, gave up: connection refused");
/// ```
///
/// In the diagram, the second line of a state names the deadlines that run in it.
/// `docs/transitions.md` has every state with every event.
///
#[cfg_attr(doc, doc = include_str!("../../docs/states.svg"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum State {
    /// Not started yet.
    Idle,
    /// A dial is under way.
    Connecting,
    /// Messages flow.
    Open,
    /// The closing handshake is under way.
    Closing,
    /// Waiting for the next dial.
    Backoff,
    /// Waiting for the network before the next dial.
    Offline,
    /// Over, until it is started again.
    Closed(ClosedReason),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("idle"),
            Self::Connecting => f.write_str("connecting"),
            Self::Open => f.write_str("open"),
            Self::Closing => f.write_str("closing"),
            Self::Backoff => f.write_str("backoff"),
            Self::Offline => f.write_str("offline"),
            Self::Closed(reason) => write!(f, "closed, {reason}"),
        }
    }
}

/// The state with its own data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    Idle,
    Connecting {
        deadline: Instant,
    },
    Open(Pulse),
    Closing {
        deadline: Instant,
        then: AfterClose,
    },
    Backoff {
        until: Instant,
        /// What `RetryNow` cannot undercut: the policy's floor, or a server's `Retry-After`.
        earliest: Instant,
    },
    Offline {
        earliest: Instant,
    },
    Closed {
        end: End,
        /// What `Start` cannot undercut either.
        earliest: Instant,
    },
}

/// A [`ClosedReason`] without its failure, which is kept as the last one: it is a third of the
/// size, and the largest state is the size of them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum End {
    Stopped,
    Fatal,
    GaveUp,
}

impl End {
    pub(super) fn reason(self, last_failure: Option<Failure>) -> ClosedReason {
        match (self, last_failure) {
            (Self::Fatal, Some(failure)) => ClosedReason::Fatal(failure),
            (Self::GaveUp, Some(failure)) => ClosedReason::GaveUp(failure),
            (Self::Stopped, _) | (Self::Fatal | Self::GaveUp, None) => ClosedReason::Stopped,
        }
    }
}

/// Why a connection is being closed, and so what comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum AfterClose {
    /// The application stopped it.
    Stop,
    /// The application stopped it and has started again since.
    Restart,
    /// The peer closed it, for the reason that is kept as the last failure.
    Retry,
}

impl Phase {
    #[inline]
    pub(super) fn state(&self, last_failure: Option<Failure>) -> State {
        match self {
            Self::Idle => State::Idle,
            Self::Connecting { .. } => State::Connecting,
            Self::Open(_) => State::Open,
            Self::Closing { .. } => State::Closing,
            Self::Backoff { .. } => State::Backoff,
            Self::Offline { .. } => State::Offline,
            Self::Closed { end, .. } => State::Closed(end.reason(last_failure)),
        }
    }

    #[inline]
    pub(super) fn wake(&self) -> Wake {
        let (at, timer) = match self {
            Self::Open(pulse) => return pulse.wake(),
            Self::Connecting { deadline } => (*deadline, Timer::Connect),
            Self::Closing { deadline, .. } => (*deadline, Timer::Close),
            Self::Backoff { until, .. } => (*until, Timer::Retry),
            Self::Idle | Self::Offline { .. } | Self::Closed { .. } => return Wake::Idle,
        };
        Wake::At(at, timer)
    }
}
