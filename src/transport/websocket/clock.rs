use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant as StdInstant},
};

use super::alarm::Alarm;
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
    origin: StdInstant,
    alarm: Alarm,
}

impl AsyncIoClock {
    /// A clock whose origin is now.
    pub fn new() -> Self {
        Self { origin: StdInstant::now(), alarm: Alarm::new() }
    }
}

impl Default for AsyncIoClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for AsyncIoClock {
    fn now(&self) -> Instant {
        Instant::ORIGIN.saturating_add(self.origin.elapsed())
    }

    fn poll_until(mut self: Pin<&mut Self>, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let now = StdInstant::now();
        let after_origin = Duration::from_nanos(deadline.as_nanos());
        // The platform cannot tell a time that far off, let alone reach it.
        let Some(at) = self.origin.checked_add(after_origin) else { return Poll::Pending };
        if now >= at {
            return Poll::Ready(());
        }
        // Deadlines mostly move away, and an early wake-up costs less than to follow each time.
        if !self.alarm.will_wake(cx.waker(), now, at) {
            self.alarm.set(at, cx.waker());
        }
        Poll::Pending
    }
}
