//! A look at a client from outside.

use super::{Clock, Connection, Dial, Message, SessionId, mailbox::Inner};
use crate::{CloseCode, Failure, FailureKind, Instant, State, StateMachine, Stats, Timeout};

/// The state and counters of a client: a copy of a few hundred bytes, cheap enough to poll ten
/// thousand clients each second. Counters saturate, and are never reset.
///
/// ```
/// use steadfast::client::Snapshot;
///
/// fn gauge(snapshot: &Snapshot) -> String {
///     let up = u8::from(snapshot.state == steadfast::State::Open);
///     format!("websocket_up{{session=\"{}\"}} {up}", snapshot.session)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The session id.
    pub session: SessionId,
    /// The state.
    pub state: State,
    /// When the link last went up or down, by the client's [`Clock`](super::Clock); before it was
    /// ever up, when it was started last.
    pub since: Instant,
    /// Failures in a row since the link was last stable.
    pub failures: u32,
    /// The last failure since the link was last stable.
    pub last_failure: Option<Failure>,
    /// What the machine has counted.
    pub stats: Stats,
    /// How the connections that were open have ended.
    pub drops: Drops,
    /// What has been sent and received.
    pub traffic: Traffic,
    /// How many accepted messages wait to be given to the transport.
    pub queued: usize,
    /// How many bytes of payload these have.
    pub queued_bytes: usize,
    /// How many messages have been given to the transport and not been written yet.
    pub unflushed: u64,
}

impl<D, K, M> Connection<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    /// How it is and what it has been through.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            session: self.settings.session,
            state: self.machine.state(),
            since: self.machine.since(),
            failures: self.machine.failures(),
            last_failure: self.machine.last_failure(),
            stats: self.machine.stats(),
            drops: self.drops,
            traffic: self.traffic,
            queued: 0,
            queued_bytes: 0,
            unflushed: self.unflushed(),
        }
    }

    /// Brings what the handles see of it up to date. What is counted for each message is copied each
    /// time, the rest only if the machine has been called since.
    #[inline]
    pub(super) fn update(&mut self, inner: &mut Inner) {
        match std::mem::take(&mut self.called) {
            true => inner.show(self.snapshot(), self.machine.epoch()),
            false => {
                let Snapshot { traffic, unflushed, .. } = &mut inner.snapshot;
                (*traffic, *unflushed) = (self.traffic, self.unflushed());
            }
        }
        inner.open = self.is_open();
    }
}

/// How connections that were open have ended, by cause.
///
/// ```
/// use steadfast::client::Snapshot;
///
/// fn share_of_silent_peers(snapshot: &Snapshot) -> f64 {
///     f64::from(snapshot.drops.silent) / f64::from(snapshot.drops.total().max(1))
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drops {
    /// The peer closed them with a Close frame.
    pub closed: u32,
    /// They ended without one: reset, unreachable, or simply gone.
    pub lost: u32,
    /// The peer had gone silent.
    pub silent: u32,
    /// The peer broke the protocol.
    pub violated: u32,
    /// The application stopped them.
    pub stopped: u32,
}

impl Drops {
    /// All of them.
    pub fn total(&self) -> u32 {
        [self.closed, self.lost, self.silent, self.violated, self.stopped]
            .into_iter()
            .fold(0, u32::saturating_add)
    }

    pub(super) fn count(&mut self, failure: Option<Failure>) {
        let counter = match failure.map(Failure::kind) {
            None => &mut self.stopped,
            Some(FailureKind::Closed(code)) if code != CloseCode::ABNORMAL => &mut self.closed,
            Some(FailureKind::Timeout(Timeout::Heartbeat | Timeout::Silence)) => &mut self.silent,
            Some(FailureKind::Violation(_)) => &mut self.violated,
            Some(_) => &mut self.lost,
        };
        *counter = counter.saturating_add(1);
    }
}

/// Messages of the application, both ways.
///
/// ```
/// use steadfast::client::Traffic;
///
/// fn received_since(before: Traffic, now: Traffic) -> u64 {
///     now.bytes_received - before.bytes_received
/// }
/// # assert_eq!(received_since(Traffic::default(), Traffic::default()), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Messages that were given to a transport.
    pub messages_sent: u64,
    /// Messages that came in.
    pub messages_received: u64,
    /// Bytes of the payload of what was given to a transport.
    pub bytes_sent: u64,
    /// Bytes of the payload of what came in.
    pub bytes_received: u64,
}

impl Traffic {
    #[inline]
    pub(super) fn receive(&mut self, message: &Message) {
        self.messages_received += 1;
        self.bytes_received = self.bytes_received.saturating_add(message.len() as u64);
    }

    #[inline]
    pub(super) fn send(&mut self, message: &Message) {
        self.messages_sent += 1;
        self.bytes_sent = self.bytes_sent.saturating_add(message.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_is_counted_under_its_cause() {
        let mut drops = Drops::default();
        for kind in [
            FailureKind::Closed(CloseCode::GOING_AWAY),
            FailureKind::Closed(CloseCode::NO_STATUS),
            FailureKind::Closed(CloseCode::ABNORMAL),
            FailureKind::Reset,
            FailureKind::Timeout(Timeout::Network),
            FailureKind::Timeout(Timeout::Heartbeat),
            FailureKind::Timeout(Timeout::Silence),
            FailureKind::Violation(CloseCode::PROTOCOL_ERROR),
        ] {
            drops.count(Some(kind.into()));
        }
        drops.count(None);
        let expected = Drops { closed: 2, lost: 3, silent: 2, violated: 1, stopped: 1 };
        assert_eq!((drops, drops.total()), (expected, 9));
    }
}
