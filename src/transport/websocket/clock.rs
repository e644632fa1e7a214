use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant as StdInstant},
};

use async_io::Timer;

use crate::{Instant, client::Clock};

/// The monotonic clock and the timers of `async-io`, which run on any executor.
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
    timer: Timer,
    /// When the timer fires; `None` if it has to be set first.
    armed: Option<Instant>,
}

impl AsyncIoClock {
    /// A clock whose origin is now.
    pub fn new() -> Self {
        Self { origin: StdInstant::now(), timer: Timer::never(), armed: None }
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
        while self.now() < deadline {
            // Setting a timer costs more than an early wake-up, and deadlines mostly move away.
            if self.armed.is_none_or(|at| at > deadline) {
                let after_origin = Duration::from_nanos(deadline.as_nanos());
                match self.origin.checked_add(after_origin) {
                    Some(at) => self.timer.set_at(at),
                    None => self.timer = Timer::never(),
                }
                self.armed = Some(deadline);
            }
            ready!(Pin::new(&mut self.timer).poll(cx));
            self.armed = None;
        }
        Poll::Ready(())
    }
}
