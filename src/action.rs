//! What the machine tells a driver.

use core::{fmt, time::Duration};

use crate::{Actions, CloseCode, Epoch, Failure, Nonce, Wake, time::Brief};

/// The machine's response to one event.
///
/// ```
/// use steadfast::{Action, Command, Instant, Outcome, Wake};
///
/// # use steadfast::{Backoff, Config, Machine, Seed};
/// # let mut machine = Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// let step = machine.handle(Instant::ORIGIN, Command::Start.into());
/// assert_eq!(step.outcome, Outcome::Applied);
/// for action in step.actions {
///     assert!(matches!(action, Action::Dial { .. })); // connect, and report what comes of it
/// }
/// assert!(matches!(step.wake, Wake::At(..))); // or give up waiting then
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "the actions must be carried out, in order, and the wake replaces the one before"]
pub struct Step {
    /// What to do, in this order.
    pub actions: Actions,
    /// When to call again if nothing happens before.
    pub wake: Wake,
    /// Whether the event applied.
    pub outcome: Outcome,
}

/// Whether an event applied.
///
/// ```
/// use steadfast::{Command, Instant, Outcome};
///
/// # use steadfast::{Backoff, Config, Machine, Seed};
/// # let mut machine = Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// let mut start = || machine.handle(Instant::ORIGIN, Command::Start.into()).outcome;
/// assert_eq!(start(), Outcome::Applied);
/// assert_eq!(start(), Outcome::Inapplicable); // it runs already
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_enums, reason = "a driver must obey each")]
pub enum Outcome {
    /// The event was taken into account.
    Applied,
    /// The event belongs to an epoch that is over; it had exactly the effect of a
    /// [`Tick`](crate::Event::Tick). A transport that reports
    /// [`Opened`](crate::Signal::Opened) this late must be dropped.
    Stale,
    /// The event makes no sense in this state, such as a second
    /// [`Start`](crate::Command::Start); it had exactly the effect of a
    /// [`Tick`](crate::Event::Tick).
    Inapplicable,
}

/// What a driver must carry out.
///
/// ```
/// use steadfast::{Action, Epoch, Nonce};
///
/// // There is no arm for the rest: a driver must obey each.
/// fn obey(action: Action) -> String {
///     match action {
///         Action::Dial { epoch, attempt, .. } => format!("dial {epoch}, attempt {attempt}"),
///         Action::Ping { epoch, nonce } => format!("ping {epoch}: {:?}", nonce.to_bytes()),
///         Action::Close { epoch, .. } => format!("close {epoch}"),
///         Action::Abort { epoch } => format!("drop {epoch}"),
///         Action::Notify(notice) => format!("tell {notice:?}"),
///     }
/// }
/// let ping = Action::Ping { epoch: Epoch::new(1), nonce: Nonce::new(7) };
/// assert_eq!(obey(ping), "ping 1: [0, 0, 0, 7]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_enums, reason = "a driver must obey each")]
pub enum Action {
    /// Connect, and report [`Opened`](crate::Signal::Opened) or [`Lost`](crate::Signal::Lost)
    /// with this epoch. At most one epoch is ever alive.
    Dial {
        /// The name of the new connection.
        epoch: Epoch,
        /// 0 for the first dial after a start, n for the n-th retry since the link was last
        /// stable.
        attempt: u32,
        /// Which credentials the request may carry.
        credentials: Credentials,
    },
    /// Send a Ping frame with the nonce as its payload, and flush. A message that asks for an
    /// answer in the application's own words will do as well.
    Ping {
        /// The connection.
        epoch: Epoch,
        /// The payload; the [`Pong`](crate::Signal::Pong) that answers it has the same.
        nonce: Nonce,
    },
    /// Send a Close frame (as the answer, if the peer's has come), keep reading until the closing
    /// handshake has ended, and report [`Lost`](crate::Signal::Lost).
    Close {
        /// The connection.
        epoch: Epoch,
        /// The code for the Close frame; `None` for a frame without one.
        code: Option<CloseCode>,
    },
    /// Drop the transport or the dial in progress at once. Nothing need be reported.
    Abort {
        /// The connection.
        epoch: Epoch,
    },
    /// Tell the application.
    Notify(Notice),
}

/// Which credentials the request of a dial may carry.
///
/// ```
/// use steadfast::Credentials;
///
/// fn token(credentials: Credentials, cached: &str) -> String {
///     match credentials {
///         Credentials::Current => cached.to_owned(),
///         Credentials::Refresh => "a new one".to_owned(), // the server has refused the cached one
///     }
/// }
/// assert_eq!(token(Credentials::Refresh, "an old one"), "a new one");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_enums, reason = "a driver must obey each")]
pub enum Credentials {
    /// Those in use.
    #[default]
    Current,
    /// Fresh ones: the server refused those in use.
    Refresh,
}

/// What a driver tells the application.
///
/// ```
/// use steadfast::Notice;
///
/// fn is_out_of_date(notice: Notice) -> bool {
///     matches!(notice, Notice::Up { reconnected: true, .. })
/// }
/// # let up = Notice::Up {
/// #     epoch: steadfast::Epoch::new(2),
/// #     reconnected: true,
/// #     attempt: 1,
/// #     downtime: core::time::Duration::from_secs(3),
/// # };
/// # assert!(is_out_of_date(up));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Notice {
    /// The connection is open.
    Up {
        /// The connection.
        epoch: Epoch,
        /// Whether there was one before: what the application knows may be out of date.
        reconnected: bool,
        /// How many retries it took since the link was last stable.
        attempt: u32,
        /// How long the link was down; for the first connection, how long connecting took.
        #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
        downtime: Duration,
    },
    /// An open connection has ended.
    Down {
        /// The connection.
        epoch: Epoch,
        /// Why, or `None` if the application stopped it.
        failure: Option<Failure>,
        /// How long it was open.
        #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
        uptime: Duration,
        /// What follows.
        next: Next,
    },
    /// A dial has failed.
    DialFailed {
        /// The dial.
        epoch: Epoch,
        /// Its number, as in [`Action::Dial`].
        attempt: u32,
        /// Why.
        failure: Failure,
        /// What follows.
        next: Next,
    },
    /// The wait was changed from outside, by
    /// [`RetryNow`](crate::Command::RetryNow) or [`Network`](crate::Command::Network), or begun
    /// by a [`Start`](crate::Command::Start) without a network.
    Rescheduled {
        /// What follows.
        next: Next,
    },
    /// The peer answered a ping.
    RoundTrip {
        /// The connection.
        epoch: Epoch,
        /// Between the ping and its answer.
        #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
        round_trip: Duration,
    },
    /// The client has stopped or given up, until the next [`Start`](crate::Command::Start).
    Closed {
        /// Why.
        reason: ClosedReason,
    },
}

/// What follows after a connection or a dial has ended.
///
/// ```
/// use core::time::Duration;
/// use steadfast::Next;
///
/// let next = Next::Retry { attempt: 3, delay: Duration::from_millis(312) };
/// assert_eq!(next.to_string(), "retry 3 in 312 ms");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Next {
    /// A dial.
    Retry {
        /// Its number, as in [`Action::Dial`].
        attempt: u32,
        /// How long until then.
        #[cfg_attr(feature = "serde", serde(with = "crate::human_duration"))]
        delay: Duration,
    },
    /// A dial, once the network is back.
    Offline {
        /// Its number, as in [`Action::Dial`].
        attempt: u32,
    },
    /// Nothing: see the [`Notice::Closed`] that follows.
    Closed,
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry { attempt, delay } => write!(f, "retry {attempt} in {}", Brief(*delay)),
            Self::Offline { attempt } => write!(f, "retry {attempt} when the network is back"),
            Self::Closed => f.write_str("no retry"),
        }
    }
}

/// Why the machine closed.
///
/// ```
/// use steadfast::{ClosedReason, FailureKind};
///
/// let reason = ClosedReason::GaveUp(FailureKind::Refused.into());
/// assert_eq!(reason.to_string(), "gave up: connection refused");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ClosedReason {
    /// The application stopped it.
    Stopped,
    /// A failure that another attempt would only repeat, by the policy's classifier.
    Fatal(Failure),
    /// The policy gave up; this is the last failure.
    GaveUp(Failure),
}

impl fmt::Display for ClosedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::Fatal(failure) => write!(f, "not retried: {failure}"),
            Self::GaveUp(failure) => write!(f, "gave up: {failure}"),
        }
    }
}
