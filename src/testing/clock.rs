use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::{Instant, client::Clock};

/// A clock that stands still until it is told to move. Clones share one time.
///
/// ```
/// use std::time::Duration;
/// use steadfast::{Instant, client::Clock, testing::ManualClock};
///
/// let clock = ManualClock::new();
/// clock.advance(Duration::from_secs(3_600));
/// assert_eq!(clock.now(), Instant::from_millis(3_600_000));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    now: Instant,
    alarms: Vec<(Instant, Waker)>,
}

impl ManualClock {
    /// A clock that stands at its origin.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves time forward and wakes whoever waits for an instant up to there.
    pub fn advance(&self, by: Duration) {
        let to = self.lock().now.saturating_add(by);
        self.advance_to(to);
    }

    /// Moves time to `to`, if that is later, and wakes whoever waits for an instant up to there.
    pub fn advance_to(&self, to: Instant) {
        let mut shared = self.lock();
        shared.now = shared.now.max(to);
        let now = shared.now;
        let (due, rest) = shared.alarms.drain(..).partition::<Vec<_>, _>(|(at, _)| *at <= now);
        shared.alarms = rest;
        drop(shared);
        for (_, waker) in due {
            waker.wake();
        }
    }

    /// The earliest instant that somebody waits for: where to advance to next.
    pub fn next_alarm(&self) -> Option<Instant> {
        self.lock().alarms.iter().map(|(at, _)| *at).min()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.lock().now
    }

    fn poll_until(self: Pin<&mut Self>, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let mut shared = self.lock();
        if shared.now >= deadline {
            return Poll::Ready(());
        }
        shared.alarms.retain(|(_, waker)| !waker.will_wake(cx.waker()));
        shared.alarms.push((deadline, cx.waker().clone()));
        Poll::Pending
    }
}
