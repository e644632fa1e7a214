use std::sync::{Arc, Mutex, PoisonError};

use super::ManualClock;
use crate::{
    Epoch, Failure, Instant,
    client::{Clock, DialContext, Frame},
};

/// Something that a [`Server`](super::Server) has seen.
///
/// ```
/// use steadfast::testing::{Observation, Server};
///
/// fn last(server: &Server) -> Option<Observation> {
///     server.log().pop()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observation {
    /// When.
    pub at: Instant,
    /// Of which dial, and the connection that it became: 1 for the first that reached the server,
    /// whichever client's.
    pub dial: u64,
    /// What the client calls that dial. Two clients have the same epochs.
    pub epoch: Epoch,
    /// What.
    pub what: Observed,
}

/// What a [`Server`](super::Server) sees.
///
/// ```
/// use steadfast::testing::{Observation, Observed};
///
/// fn refusals(log: &[Observation]) -> usize {
///     log.iter().filter(|seen| matches!(seen.what, Observed::Refused(_))).count()
/// }
/// # assert_eq!(refusals(&[]), 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observed {
    /// The client has dialed.
    Dialed(DialContext),
    /// The dial has been accepted.
    Accepted,
    /// The dial has been refused.
    Refused(Failure),
    /// The server has read this frame.
    Received(Frame),
    /// The server has sent this frame, which may still be on its way.
    Sent(Frame),
    /// The client has let go of the dial or the connection.
    Dropped,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Observation>>>);

impl Log {
    pub(super) fn with<R>(&self, look: impl FnOnce(&mut Vec<Observation>) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes down what becomes of one dial.
#[derive(Clone, Debug)]
pub(super) struct Tap {
    pub(super) log: Log,
    pub(super) clock: ManualClock,
    pub(super) dial: u64,
    pub(super) epoch: Epoch,
}

impl Tap {
    pub(super) fn observe(&self, what: Observed) {
        let seen = Observation { at: self.clock.now(), dial: self.dial, epoch: self.epoch, what };
        self.log.with(|log| log.push(seen));
    }
}

/// Held by the client as long as its dial or connection is alive.
#[derive(Debug)]
pub(super) struct Held(pub(super) Tap);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.observe(Observed::Dropped);
    }
}
