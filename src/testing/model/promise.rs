use std::fmt;

use super::Violation;

/// What a machine promises, whatever its driver does: the fifteen sentences that everything here
/// is checked against.
///
/// ```
/// use steadfast::testing::model::Promise;
///
/// assert_eq!(Promise::ALL.len(), 15);
/// assert_eq!(
///     Promise::StaleIsInert.to_string(),
///     "promise 4, stale is inert: an event of an epoch that is not current changes nothing"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums, reason = "there are fifteen")]
pub enum Promise {
    /// After a step, the wake is `Idle` or strictly later than `now`: no hot loop can exist.
    Progress,
    /// `Idle` only in Idle and Closed, offline, or Open with the heartbeat off.
    NoStall,
    /// At most one epoch that is not dead; the old one gets Close or Abort before a new Dial.
    OneConnection,
    /// An event of an epoch that is not current changes nothing.
    StaleIsInert,
    /// At most four actions a step, no allocation, fixed size. The type of the answer keeps it, so
    /// nothing can be found to break it.
    Bounded,
    /// Inbound traffic is applied before deadlines due at the same instant.
    EvidenceBeatsTheClock,
    /// Nothing the client sends postpones a heartbeat.
    OnlyInboundIsLife,
    /// The attempt counter returns to 0 only after `stable_after` in Open.
    StabilityResets,
    /// Going backwards is harmless and counted.
    TimeIsClamped,
    /// After a suspend an expired heartbeat probes once with a short deadline instead of killing a
    /// live link.
    GapRule,
    /// Floor ≤ delay ≤ cap after jitter; a server's Retry-After is obeyed within limits.
    BoundedDelay,
    /// Giving up reports the real last failure; no wait is announced after the final attempt.
    LastErrorSurvives,
    /// After Stop no Dial follows until Start; a stop ends within the close timeout.
    StopMeansStop,
    /// Connect, handshake and close cannot hang.
    EveryPhaseHasADeadline,
    /// Configuration, seed and events give identical steps, on every platform.
    DeterministicReplay,
}

impl Promise {
    /// All of them, in order.
    pub const ALL: [Self; 15] = [
        Self::Progress,
        Self::NoStall,
        Self::OneConnection,
        Self::StaleIsInert,
        Self::Bounded,
        Self::EvidenceBeatsTheClock,
        Self::OnlyInboundIsLife,
        Self::StabilityResets,
        Self::TimeIsClamped,
        Self::GapRule,
        Self::BoundedDelay,
        Self::LastErrorSurvives,
        Self::StopMeansStop,
        Self::EveryPhaseHasADeadline,
        Self::DeterministicReplay,
    ];

    /// Its number, from 1 to 15.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// Its name, in a few words.
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// What it says.
    pub const fn sentence(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Progress => (
                "progress",
                "after a step, the wake is Idle or strictly later than now: no hot loop can exist",
            ),
            Self::NoStall => {
                ("no stall", "Idle only in Idle/Closed, offline, or Open with the heartbeat off")
            }
            Self::OneConnection => (
                "one connection",
                "at most one non-dead epoch; the old one gets Close/Abort before a new Dial",
            ),
            Self::StaleIsInert => {
                ("stale is inert", "an event of an epoch that is not current changes nothing")
            }
            Self::Bounded => ("bounded", "at most 4 actions a step, no allocation, fixed size"),
            Self::EvidenceBeatsTheClock => (
                "evidence beats the clock",
                "inbound traffic is applied before deadlines due at the same instant",
            ),
            Self::OnlyInboundIsLife => {
                ("only inbound is life", "nothing the client sends postpones a heartbeat")
            }
            Self::StabilityResets => (
                "stability resets, connecting does not",
                "the attempt counter returns to 0 only after stable_after in Open",
            ),
            Self::TimeIsClamped => ("time is clamped", "going backwards is harmless and counted"),
            Self::GapRule => (
                "gap rule",
                "after a suspend an expired heartbeat probes once with a short deadline instead \
                 of killing a live link",
            ),
            Self::BoundedDelay => (
                "floor ≤ delay ≤ cap after jitter",
                "still jittered at the cap; a server's Retry-After is obeyed within limits, never \
                 ignored, never an amplifier",
            ),
            Self::LastErrorSurvives => (
                "the last error survives",
                "giving up reports the real last failure; no wait is announced after the final \
                 attempt",
            ),
            Self::StopMeansStop => (
                "stop means stop",
                "after Stop no Dial follows until Start; a stop during connecting, backoff or \
                 closing ends within the close timeout",
            ),
            Self::EveryPhaseHasADeadline => {
                ("every phase has a deadline", "connect, handshake and close cannot hang")
            }
            Self::DeterministicReplay => (
                "deterministic replay",
                "configuration, seed and event log give identical steps, on every platform",
            ),
        }
    }

    /// An error that says `what` was found, unless the promise `holds`.
    pub(crate) fn requires(
        self,
        holds: bool,
        what: impl FnOnce() -> String,
    ) -> Result<(), Violation> {
        if holds { Ok(()) } else { Err(self.broken(what())) }
    }

    /// An error that says `what` was found.
    pub(crate) fn broken(self, what: impl Into<String>) -> Violation {
        Violation { promise: self, what: what.into(), calls: Vec::new() }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "promise {}, {}: {}", self.number(), self.name(), self.sentence())
    }
}
