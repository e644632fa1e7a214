use super::{Model, link::Open, reference::Refresh};
use crate::{Failure, HeartbeatKind, Instant, PeerClose};

/// What decides the future of a [`Model`], as [`Shape`](crate::Shape) is for a machine: its state
/// with times relative to its present and names relative to the newest.
///
/// What is left out is what the machine has just been compared with, so that its shape has it: the
/// wake and all that the wake follows from, since when the link has been up or down, and what is
/// counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelShape {
    live: Option<Option<OpenShape>>,
    is_up: bool,
    was_up: bool,
    failures: u32,
    last_failure: Option<Failure>,
    refresh: Refresh,
    running: bool,
    online: bool,
    stopping: bool,
    earliest: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct OpenShape {
    open_for: Instant,
    closing: bool,
    peer_close: Option<PeerClose>,
    by_us: bool,
    unanswered: Option<Instant>,
    /// If that does not follow from the wake.
    heard_at: Option<Instant>,
    /// How many pings ago, and how long ago.
    timed: Option<(u32, Instant)>,
    paused: bool,
    pings: u16,
    excused: bool,
    hurried: bool,
}

impl<P> Model<P> {
    /// What decides its future.
    pub fn shape(&self) -> ModelShape {
        ModelShape {
            live: self.live.as_ref().map(|link| link.open.as_ref().map(|open| self.open(open))),
            is_up: self.up.is_some(),
            was_up: self.ups > 0,
            failures: self.failures,
            last_failure: self.last_failure,
            refresh: self.refresh,
            running: self.running,
            online: self.online,
            stopping: self.stopped_at.is_some(),
            earliest: self.earliest.ahead(self.now),
        }
    }

    fn open(&self, open: &Open) -> OpenShape {
        let horizon = self.config.horizon();
        let age = |then: Instant| then.age(self.now, horizon);
        let expects =
            self.config.heartbeat_kind == HeartbeatKind::Expect && open.unanswered.is_some();
        OpenShape {
            open_for: open.at.age(self.now, self.config.stable_after),
            closing: open.closing_at.is_some(),
            peer_close: open.peer_close,
            by_us: open.by_us,
            unanswered: open.unanswered.map(age),
            heard_at: expects.then(|| age(open.heard_at)),
            timed: open
                .timed
                .map(|(nonce, pinged)| (self.nonce.get().wrapping_sub(nonce.get()), age(pinged))),
            paused: open.paused,
            pings: open.pings,
            excused: open.excused,
            hurried: open.hurried,
        }
    }
}

impl ModelShape {
    /// The shape for a policy to which `failures` in a row and more are all the same.
    #[must_use]
    pub fn counting_to(mut self, failures: u32) -> Self {
        self.failures = self.failures.min(failures);
        self
    }
}
