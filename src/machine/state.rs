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

use crate::{ClosedReason, Failure, Timer, Wake, pulse::Pulse, time::Instant};

/// The state a machine is in, for looking at.
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
