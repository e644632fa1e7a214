use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
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
    /// A second one, for what is due before that, and when it fires. Boxed, for it is rare: a wait
    /// before a dial, mostly, after which the first is still good for the deadline of the dial.
    sooner: Option<Box<(Timer, Instant)>>,
}

impl AsyncIoClock {
    /// A clock whose origin is now.
    pub fn new() -> Self {
        Self { origin: StdInstant::now(), timer: Timer::never(), armed: None, sooner: None }
    }

    fn timer_at(&self, instant: Instant) -> Timer {
        let after_origin = Duration::from_nanos(instant.as_nanos());
        self.origin.checked_add(after_origin).map_or_else(Timer::never, Timer::at)
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
        let this = &mut *self;
        loop {
            if let Some(sooner) = &mut this.sooner {
                if Pin::new(&mut sooner.0).poll(cx).is_ready() {
                    this.sooner = None;
                }
            }
            if this.armed.is_some() && Pin::new(&mut this.timer).poll(cx).is_ready() {
                this.armed = None;
            }
            // Setting a timer costs more than an early wake-up, and deadlines mostly move away. One
            // that waits has just looked at the time.
            let sooner = this.sooner.as_ref().map(|sooner| sooner.1);
            if sooner.into_iter().chain(this.armed).any(|at| at <= deadline) {
                return Poll::Pending;
            }
            if this.now() >= deadline {
                return Poll::Ready(());
            }
            let timer = this.timer_at(deadline);
            match this.armed {
                None => (this.timer, this.armed) = (timer, Some(deadline)),
                Some(_) => this.sooner = Some(Box::new((timer, deadline))),
            }
        }
    }
}
