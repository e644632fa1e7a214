//! What the queue between handles and driver holds, and for how long.

use std::{fmt, time::Duration};

use super::Message;

/// A queue that keeps messages while there is no connection, and sends them, in order, on the next
/// one. See [`Connection::split_with_outbox`](super::Connection::split_with_outbox).
///
/// It holds messages that have not been given to a transport. One that was, but not flushed before
/// the connection ended, is counted in [`Down::unflushed`](super::Down::unflushed) and not sent again
/// automatically, as nobody knows whether it arrived. To have it returned, see
/// [`Builder::retain_unflushed`](super::Builder::retain_unflushed).
///
/// ```
/// use std::time::Duration;
/// use steadfast::client::{Outbox, Overflow, Release};
///
/// let outbox = Outbox::default()
///     .with_max_messages(1_000)
///     .with_overflow(Overflow::DropOldest)
///     .with_time_to_live(Duration::from_secs(5))
///     .with_release(Release::OnResync);
/// assert_eq!(outbox.max_bytes, 1 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outbox {
    /// The maximum number of waiting messages. Default 256; zero counts as one.
    pub max_messages: usize,
    /// The maximum number of waiting payload bytes. Default 1 MiB. A longer message is never accepted.
    pub max_bytes: usize,
    /// What happens to a message that there is no room for. Default [`Overflow::Reject`].
    pub overflow: Overflow,
    /// How long a message may wait before it is returned as [`Unsent`](super::Event::Unsent); `None`
    /// is no limit. Default 30 s.
    pub time_to_live: Option<Duration>,
    /// When waiting messages are sent on a new connection. Default [`Release::OnUp`].
    pub release: Release,
}

/// What happens to a message that there is no room for.
///
/// ```
/// use steadfast::client::{Outbox, Overflow};
///
/// // Prices: a newer one makes an older one worthless.
/// let outbox = Outbox::default().with_overflow(Overflow::DropOldest);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// It comes back in the error.
    #[default]
    Reject,
    /// The oldest waiting messages are dropped to make room. For messages that a newer one makes
    /// worthless.
    DropOldest,
    /// [`Handle::send`](super::Handle::send) waits for room;
    /// [`Handle::try_send`](super::Handle::try_send) returns it.
    Wait,
}

/// When waiting messages are sent on a new connection.
///
/// ```
/// use steadfast::client::{Handle, Outbox, Release, Up};
///
/// let outbox = Outbox::default().with_release(Release::OnResync);
///
/// /// Waiting messages are sent after the question, not before.
/// fn up(handle: &Handle, up: Up) -> Result<(), Box<dyn std::error::Error>> {
///     handle.send_ahead("where were we?")?;
///     handle.resynchronised(up.epoch);
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Release {
    /// Once its [`Up`](super::Event::Up) has been delivered.
    #[default]
    OnUp,
    /// Once the application says that it has
    /// [resynchronised](super::Handle::resynchronised) on it. Messages sent to do so go
    /// [ahead](super::Handle::send_ahead) of the waiting ones.
    OnResync,
}

impl Outbox {
    /// Sets [`max_messages`](Self::max_messages).
    #[must_use]
    pub fn with_max_messages(mut self, max_messages: usize) -> Self {
        self.max_messages = max_messages;
        self
    }

    /// Sets [`max_bytes`](Self::max_bytes).
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Sets [`overflow`](Self::overflow).
    #[must_use]
    pub fn with_overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Sets [`time_to_live`](Self::time_to_live).
    #[must_use]
    pub fn with_time_to_live(mut self, time_to_live: impl Into<Option<Duration>>) -> Self {
        self.time_to_live = time_to_live.into();
        self
    }

    /// Sets [`release`](Self::release).
    #[must_use]
    pub fn with_release(mut self, release: Release) -> Self {
        self.release = release;
        self
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            max_messages: 256,
            max_bytes: 1 << 20,
            overflow: Overflow::Reject,
            time_to_live: Some(Duration::from_secs(30)),
            release: Release::OnUp,
        }
    }
}

/// Messages that an [`Outbox`] accepted and that will not be sent.
///
/// ```
/// use steadfast::client::{Unsent, UnsentReason};
///
/// fn too_late(unsent: Unsent) {
///     if unsent.reason == UnsentReason::Expired {
///         eprintln!("{unsent}: {:?}", unsent.messages); // 2 messages waited too long
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsent {
    /// Why.
    pub reason: UnsentReason,
    /// How many.
    pub count: u64,
    /// The messages, oldest first; empty for those dropped to make room, which are only counted.
    pub messages: Vec<Message>,
}

/// Why a message that an [`Outbox`] accepted will not be sent.
///
/// ```
/// use steadfast::client::UnsentReason;
///
/// fn is_ours_to_keep(reason: UnsentReason) -> bool {
///     reason == UnsentReason::Closed
/// }
/// # assert!(!is_ours_to_keep(UnsentReason::Displaced));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnsentReason {
    /// It waited for longer than its time to live.
    Expired,
    /// It made room for a newer one.
    Displaced,
    /// The connection is over: stopped, or given up.
    Closed,
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.count == 1 { "" } else { "s" };
        let why = match self.reason {
            UnsentReason::Expired => "waited too long",
            UnsentReason::Displaced => "made room for newer ones",
            UnsentReason::Closed => "can no longer be sent",
        };
        write!(f, "{} message{plural} {why}", self.count)
    }
}
