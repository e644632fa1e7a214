//! What the model knows of one dial and the connection it may become.

use core::time::Duration;

use steadfast::{Epoch, Failure, FailureKind, Instant, Nonce, PeerClose, Signal, Timeout};

#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) epoch: Epoch,
    pub(super) dialed_at: Instant,
    pub(super) open: Option<Open>,
}

#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) at: Instant,
    /// When the Close frame left.
    pub(super) closing_at: Option<Instant>,
    pub(super) peer_close: Option<PeerClose>,
    /// The application stopped it.
    pub(super) by_us: bool,
    heard_at: Instant,
    /// The newest ping, while nothing has come in since.
    unanswered: Option<Instant>,
    /// The newest ping, while its own Pong is to come.
    timed: Option<(Nonce, Instant)>,
    paused: bool,
}

/// The spans of a heartbeat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    pub(super) interval: Option<Duration>,
    pub(super) pong_timeout: Duration,
    pub(super) probe_timeout: Duration,
}

impl Link {
    pub(super) fn new(epoch: Epoch, dialed_at: Instant) -> Self {
        Self { epoch, dialed_at, open: None }
    }

    pub(super) fn begin(&mut self, now: Instant) {
        self.open = Some(Open {
            at: now,
            closing_at: None,
            peer_close: None,
            by_us: false,
            heard_at: now,
            unanswered: None,
            timed: None,
            paused: false,
        });
    }

    /// The connection, while messages flow.
    pub(super) fn flowing(&mut self) -> Option<&mut Open> {
        self.open.as_mut().filter(|open| open.closing_at.is_none())
    }

    /// Why it ended, given what the transport said, or `None` if the machine cut it.
    pub(super) fn failure(&self, lost: Option<Failure>) -> Option<Failure> {
        let timeout = |timeout| FailureKind::Timeout(timeout).into();
        match &self.open {
            None => lost.or(Some(timeout(Timeout::Connect))),
            Some(open) if open.by_us => None,
            Some(open) => match open.peer_close {
                Some(close) => Some(close.into()),
                None => lost.or(Some(timeout(Timeout::Heartbeat))),
            },
        }
    }
}

impl Open {
    pub(super) fn hear(&mut self, now: Instant, signal: Signal) {
        match signal {
            Signal::Received | Signal::Pong(_) => {
                self.heard_at = now;
                self.unanswered = None;
            }
            Signal::CloseReceived(close) => self.peer_close = Some(close),
            Signal::ReadPaused => self.paused = true,
            Signal::ReadResumed => self.paused = false,
            _ => {}
        }
    }

    /// No ping leaves before its time, unless it was asked for.
    pub(super) fn ping(&mut self, now: Instant, nonce: Nonce, asked: bool, rhythm: Rhythm) {
        let Rhythm { interval, pong_timeout, .. } = rhythm;
        let passed = |since: Instant| now.saturating_duration_since(since);
        match self.unanswered {
            // Without a reader no answer is awaited, and pings only keep the path open.
            Some(pinged) if self.paused => assert!(Some(passed(pinged)) >= interval),
            Some(pinged) => assert!(passed(pinged) >= pong_timeout, "one ping at a time"),
            None if asked => {}
            None => {
                let interval = interval.expect("no ping of its own with the heartbeat off");
                assert!(passed(self.heard_at) >= interval, "a ping before its time");
            }
        }
        self.unanswered = Some(now);
        self.timed = Some((nonce, now));
    }

    pub(super) fn round_trip(&mut self, now: Instant, answer: Nonce) -> Option<Duration> {
        let (nonce, pinged) = self.timed.take_if(|(nonce, _)| *nonce == answer)?;
        assert_eq!(nonce, answer);
        Some(now.saturating_duration_since(pinged))
    }

    /// A link is given up only if a ping has had its time, and the answer could have been seen.
    pub(super) fn assert_dead(&self, now: Instant, rhythm: Rhythm) {
        assert!(!self.paused, "a paused reader is not a dead peer");
        let pinged = self.unanswered.expect("no link is given up without a ping");
        let patience = rhythm.pong_timeout.min(rhythm.probe_timeout);
        assert!(now.saturating_duration_since(pinged) >= patience, "given up too soon");
    }

    /// The latest wake there may be: silence never lasts longer unquestioned.
    pub(super) fn latest_wake(&self, now: Instant, rhythm: Rhythm) -> Option<Instant> {
        let probe = rhythm.probe_timeout.max(rhythm.pong_timeout);
        match rhythm.interval {
            Some(interval) => Some(now.saturating_add(interval.max(probe))),
            None if self.unanswered.is_some() && !self.paused => Some(now.saturating_add(probe)),
            None => None,
        }
    }
}
