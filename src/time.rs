//! The machine's own notion of time: nanoseconds since an origin that the driver chose.
//!
//! There is no `now()` here and no subtraction that could panic. Every operation saturates.

use core::{fmt, time::Duration};

/// A point in time: whole nanoseconds since an origin that the driver chose.
///
/// Any monotonic clock will do, as long as one machine always sees the same one. The range is
/// 584 years; everything saturates at its end.
///
/// ```
/// use core::time::Duration;
/// use steadfast::Instant;
///
/// let start = Instant::from_millis(1_000);
/// let later = start.saturating_add(Duration::from_millis(250));
/// assert_eq!(later.saturating_duration_since(start), Duration::from_millis(250));
/// assert_eq!(start.saturating_duration_since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Instant(u64);

impl Instant {
    /// The origin of the driver's clock.
    pub const ORIGIN: Self = Self(0);

    /// A deadline that is never due: the machine keeps its own present below it.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// The latest present a machine can live in, so that a deadline after it can exist.
    pub(crate) const LAST: Self = Self(u64::MAX - 1);

    /// The instant `nanos` nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `millis` milliseconds after the origin.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// This instant moved forward by `duration`, or the end of time.
    pub fn saturating_add(self, duration: Duration) -> Self {
        self.after(Nanos::saturating_from(duration))
    }

    /// How long after `earlier` this instant is; zero if it is not.
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.since(earlier).duration()
    }

    pub(crate) const fn after(self, span: Nanos) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    pub(crate) const fn since(self, earlier: Self) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }

    /// A deadline as it is told from `now`: how far ahead, if it is, or never.
    #[cfg(feature = "testing")]
    pub(crate) fn ahead(self, now: Self) -> Self {
        if self == Self::NEVER { self } else { Self(self.since(now).0) }
    }

    /// Something that was, as it is told from `now`: how long ago, as far as the `horizon`.
    #[cfg(feature = "testing")]
    pub(crate) fn age(self, now: Self, horizon: Nanos) -> Self {
        Self(now.since(self).min(horizon).0)
    }
}

/// A span of time in nanoseconds, half the size of [`Duration`] and free to compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Nanos(pub(crate) u64);

impl Nanos {
    /// The span of a timer that is switched off: any instant after it is [`Instant::NEVER`].
    pub(crate) const FOREVER: Self = Self(u64::MAX);

    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    pub(crate) fn checked_from(duration: Duration) -> Option<Self> {
        u64::try_from(duration.as_nanos()).ok().map(Self)
    }

    pub(crate) fn saturating_from(duration: Duration) -> Self {
        Self::checked_from(duration).unwrap_or(Self::FOREVER)
    }

    pub(crate) const fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    pub(crate) const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(crate) const fn saturating_mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

/// A duration for people: microseconds below a millisecond, milliseconds below a second, then
/// seconds with one decimal.
pub(crate) struct Brief(pub(crate) Duration);

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        match micros {
            0..1_000 => write!(f, "{micros} µs"),
            1_000..1_000_000 => write!(f, "{} ms", micros / 1_000),
            _ => write!(f, "{}.{} s", micros / 1_000_000, micros / 100_000 % 10),
        }
    }
}

/// When the machine wants to be called again if nothing else happens.
///
/// It comes with every [`Step`](crate::Step) and replaces the one before.
///
/// ```
/// use steadfast::{Command, Instant, Timer, Wake};
///
/// # use steadfast::{Backoff, Config, Machine, Seed};
/// # let mut machine = Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// let wake = machine.handle(Instant::ORIGIN, Command::Start.into()).wake;
/// assert_eq!(wake, Wake::At(Instant::from_millis(10_000), Timer::Connect));
/// assert_eq!(wake.instant(), Some(Instant::from_millis(10_000)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_enums, reason = "a driver must obey each")]
pub enum Wake {
    /// Call [`Machine::handle`](crate::Machine::handle) with [`Event::Tick`](crate::Event::Tick)
    /// at this instant or as soon after it as possible. It is strictly later than the `now` that
    /// was passed in.
    At(Instant, Timer),
    /// No deadline is running: only an event can change anything.
    Idle,
}

impl Wake {
    /// The instant, if a deadline is running.
    pub const fn instant(self) -> Option<Instant> {
        match self {
            Self::At(at, _) => Some(at),
            Self::Idle => None,
        }
    }
}

/// The deadline that a [`Wake`] is for.
///
/// ```
/// use steadfast::{Timer, Wake};
///
/// // What a timer that fires late costs.
/// fn is_urgent(wake: Wake) -> bool {
///     matches!(wake, Wake::At(_, Timer::Pong | Timer::Silence))
/// }
/// # assert!(!is_urgent(Wake::Idle));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Timer {
    /// Dialing must have ended.
    Connect,
    /// The link has been silent long enough for a ping.
    Ping,
    /// The answer to a ping must have come.
    Pong,
    /// Something must have come in: the heartbeat is the server's.
    Silence,
    /// The closing handshake must have ended.
    Close,
    /// The wait before the next dial is over.
    Retry,
}
