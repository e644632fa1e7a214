use std::{ops::RangeInclusive, time::Duration};

use crate::{Failure, Seed, client::TransportError};

/// What goes wrong on one connection: data for a [`Faulty`](super::Faulty). By default nothing.
///
/// All of it is what a WebSocket over TCP can show: frames come late, or stop coming, or the
/// connection breaks. They are never reordered, repeated or altered, because TCP forbids it.
///
/// ```
/// use std::time::Duration;
/// use steadfast::{FailureKind, testing::{Fault, Faults, When}};
///
/// let (slow, slower) = (Duration::from_millis(80), Duration::from_millis(300));
/// let faults = Faults::none()
///     .with_latency_in(slow..=slower)
///     .with_latency_out(slow..=slow)
///     .with(When::AfterFrames(10), Fault::BlockWrites(Duration::from_secs(5)))
///     .with(When::After(Duration::from_secs(60)), Fault::Fail(FailureKind::Reset.into()));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    pub(super) seed: Seed,
    pub(super) latency_in: RangeInclusive<Duration>,
    pub(super) latency_out: RangeInclusive<Duration>,
    pub(super) spurious_percent: u8,
    pub(super) faults: Vec<(When, Fault)>,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        let at_once = Duration::ZERO..=Duration::ZERO;
        Self {
            seed: Seed::new(0),
            latency_in: at_once.clone(),
            latency_out: at_once,
            spurious_percent: 0,
            faults: Vec::new(),
        }
    }

    /// Where the randomness of latency and spurious wake-ups starts.
    #[must_use]
    pub fn with_seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// Each frame that comes in takes as long as is drawn from this range. One that was faster
    /// waits for the one before it.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[must_use]
    #[track_caller]
    pub fn with_latency_in(mut self, latency: RangeInclusive<Duration>) -> Self {
        assert_not_empty(&latency);
        self.latency_in = latency;
        self
    }

    /// The same for what goes out.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[must_use]
    #[track_caller]
    pub fn with_latency_out(mut self, latency: RangeInclusive<Duration>) -> Self {
        assert_not_empty(&latency);
        self.latency_out = latency;
        self
    }

    /// So many polls in a hundred, at most 90, are in vain: they answer `Pending` and wake the
    /// task, as a socket may whose readiness was a rumour.
    #[must_use]
    pub fn with_spurious_percent(mut self, percent: u8) -> Self {
        self.spurious_percent = percent.min(90);
        self
    }

    /// One more fault.
    #[must_use]
    pub fn with(mut self, when: When, fault: Fault) -> Self {
        self.faults.push((when, fault));
        self
    }
}

#[track_caller]
fn assert_not_empty(latency: &RangeInclusive<Duration>) {
    assert!(!latency.is_empty(), "a latency must not end before it begins, as {latency:?} does");
}

impl Default for Faults {
    fn default() -> Self {
        Self::none()
    }
}

/// When a fault begins.
///
/// ```
/// use std::time::Duration;
/// use steadfast::testing::{Fault, Faults, When};
///
/// let faults = Faults::none().with(When::After(Duration::from_secs(3)), Fault::Stall);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a connection has these two measures")]
pub enum When {
    /// Once so many frames have been read or given, both directions together.
    AfterFrames(u64),
    /// So long after the connection was opened.
    After(Duration),
}

/// Something that goes wrong on a connection.
///
/// ```
/// use steadfast::{FailureKind, testing::{Fault, Faults, When}};
///
/// let reset = Fault::Fail(FailureKind::Reset.into());
/// let faults = Faults::none().with(When::AfterFrames(10), reset);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is half-open: nothing comes in any more, and what goes out is lost. After 64
    /// frames the buffers are full, and there is no room for more.
    Stall,
    /// The connection breaks: reading and writing fail. What is on its way is lost. One whose end
    /// has been read only fails to write.
    Fail(Failure),
    /// Writing fails, and is seen to at the next flush. What has come in can still be read, as from
    /// a socket whose peer has closed.
    FailWrites(Failure),
    /// There is no room to write for so long. Of several, the one that ends last counts.
    BlockWrites(Duration),
    /// Nothing can be read for so long. What comes in is kept, and the peer feels it. Of several,
    /// the one that ends last counts.
    PauseReads(Duration),
    /// The peer's Close is cut off, even if it is on its way: the connection ends instead.
    TruncateClose,
}

/// How a [`Faulty`](super::Faulty) connection fails.
///
/// ```
/// use steadfast::testing::{FaultError, MemoryError};
///
/// fn was_meant(error: &FaultError<MemoryError>) -> bool {
///     matches!(error, FaultError::Injected(_))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(clippy::exhaustive_enums, reason = "a fault is injected or it is not")]
pub enum FaultError<E> {
    /// As it was told to.
    #[error("injected fault: {0}")]
    Injected(Failure),
    /// By itself.
    #[error(transparent)]
    Inner(E),
}

impl<E: TransportError> TransportError for FaultError<E> {
    fn failure(&self) -> Failure {
        match self {
            Self::Injected(failure) => *failure,
            Self::Inner(error) => error.failure(),
        }
    }
}
