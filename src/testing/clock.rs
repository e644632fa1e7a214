use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::{Instant, client::Clock};

/// A clock that stands still until it is told to move. Clones share one time; each has an alarm of
/// its own.
///
/// ```
/// use std::time::Duration;
/// use steadfast::{Instant, client::Clock, testing::ManualClock};
///
/// let clock = ManualClock::new();
/// clock.advance(Duration::from_secs(3_600));
/// assert_eq!(clock.now(), Instant::from_millis(3_600_000));
/// ```
pub struct ManualClock {
    shared: Arc<Mutex<Shared>>,
    /// Whose alarm it is. The waker would not do: one task may wait for several instants.
    alarm: u64,
}

#[derive(Default)]
struct Shared {
    now: Instant,
    clones: u64,
    alarms: BTreeMap<u64, (Instant, Waker)>,
}

impl ManualClock {
    /// A clock that stands at its origin.
    pub fn new() -> Self {
        Self { shared: Arc::default(), alarm: 0 }
    }

    /// Moves time forward and wakes whoever waits for an instant up to there, earlier ones first.
    pub fn advance(&self, by: Duration) {
        let to = self.lock().now.saturating_add(by);
        self.advance_to(to);
    }

    /// Moves time to `to`, if that is later, and wakes whoever waits for an instant up to there,
    /// earlier ones first.
    pub fn advance_to(&self, to: Instant) {
        let mut shared = self.lock();
        shared.now = shared.now.max(to);
        let now = shared.now;
        let (due, rest) = mem::take(&mut shared.alarms).into_iter().partition(|(_, a)| a.0 <= now);
        shared.alarms = rest;
        drop(shared);
        let mut due: Vec<_> = BTreeMap::into_values(due).collect();
        due.sort_by_key(|(at, _)| *at);
        for (_, waker) in due {
            waker.wake();
        }
    }

    /// The earliest instant that somebody waits for: where to advance to next.
    pub fn next_alarm(&self) -> Option<Instant> {
        self.lock().alarms.values().map(|(at, _)| *at).min()
    }

    /// Waits for so long.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now().saturating_add(duration))
    }

    /// Waits until then.
    pub fn sleep_until(&self, until: Instant) -> Sleep {
        Sleep { clock: self.clone(), until }
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
        let earlier = match deadline {
            // Nobody need be woken at the end of time.
            Instant::NEVER => shared.alarms.remove(&self.alarm),
            _ => shared.alarms.insert(self.alarm, (deadline, cx.waker().clone())),
        };
        // Dropping a waker may drop a task, and with it other clones of this clock.
        drop(shared);
        drop(earlier);
        Poll::Pending
    }
}

impl Clone for ManualClock {
    fn clone(&self) -> Self {
        let mut shared = self.lock();
        shared.clones += 1;
        Self { shared: self.shared.clone(), alarm: shared.clones }
    }
}

impl Drop for ManualClock {
    fn drop(&mut self) {
        let alarm = self.lock().alarms.remove(&self.alarm);
        drop(alarm);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// The future of [`ManualClock::sleep`] and [`ManualClock::sleep_until`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Sleep {
    clock: ManualClock,
    until: Instant,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let until = self.until;
        Pin::new(&mut self.clock).poll_until(cx, until)
    }
}
