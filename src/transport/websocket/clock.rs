use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::alarm::{self, Alarm};
use crate::{Instant, client::Clock};

/// The monotonic clock of the system and the timers of `async-io`, which run on any executor. All
/// these clocks share one such timer, so a fleet's deadlines are cheap.
///
/// On Linux and macOS this clock stands still while the computer sleeps, so a delay continues where
/// it stopped, and a link that died meanwhile is noticed by the heartbeat. If the platform notifies
/// you of waking up, [`probe`](crate::client::Connection::probe) at once.
///
/// ```
/// use steadfast::{client::Clock, transport::AsyncIoClock};
///
/// let clock = AsyncIoClock::new();
/// let before = clock.now();
/// assert!(clock.now() >= before);
/// ```
#[derive(Debug)]
pub struct AsyncIoClock {
    /// By the clock of the alarms.
    origin: Instant,
    alarm: Alarm,
}

impl AsyncIoClock {
    /// A clock whose origin is now.
    pub fn new() -> Self {
        Self { origin: alarm::now(), alarm: Alarm::new() }
    }

    fn since_origin(&self, now: Instant) -> Instant {
        Instant::ORIGIN.saturating_add(now.saturating_duration_since(self.origin))
    }
}

impl Default for AsyncIoClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for AsyncIoClock {
    fn now(&self) -> Instant {
        self.since_origin(alarm::now())
    }

    fn poll_until(mut self: Pin<&mut Self>, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let now = alarm::now();
        if self.since_origin(now) >= deadline {
            return Poll::Ready(());
        }
        let at = self.origin.saturating_add(Duration::from_nanos(deadline.as_nanos()));
        // Deadlines mostly move away, and an early wake-up costs less than to follow each time.
        if !self.alarm.will_wake(cx.waker(), now, at) {
            self.alarm.set(at, cx.waker());
        }
        Poll::Pending
    }
}
