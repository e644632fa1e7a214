use super::{Model, link::Link, model::Refresh};
use crate::{Failure, Instant};

/// What decides the future of a [`Model`], as [`Shape`](crate::Shape) is for a machine: its state
/// with times relative to its present and names relative to the newest.
///
/// What is left out is what each call has just been compared with: the wake, and what is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelShape {
    live: Option<Link>,
    is_up: bool,
    was_up: bool,
    failures: u32,
    last_failure: Option<Failure>,
    refresh: Refresh,
    running: bool,
    online: bool,
    stopped_at: Option<Instant>,
    earliest: Instant,
}

impl<P> Model<P> {
    /// What decides its future.
    pub fn shape(&self) -> ModelShape {
        let horizon = self.config.horizon();
        let age = |then: Instant| then.age(self.now, horizon);
        ModelShape {
            live: self.live.as_ref().map(|link| Link {
                epoch: crate::Epoch::default(),
                dialed_at: age(link.dialed_at),
                open: link.open.as_ref().map(|open| open.relative(self.now, self.nonce, horizon)),
            }),
            is_up: self.up.is_some(),
            was_up: self.ups > 0,
            failures: self.failures,
            last_failure: self.last_failure,
            refresh: self.refresh,
            running: self.running,
            online: self.online,
            stopped_at: self.stopped_at.map(age),
            earliest: self.earliest.ahead(self.now),
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
