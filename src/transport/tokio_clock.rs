use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    runtime::{Handle, TryCurrentError},
    time::{Instant as TokioInstant, Sleep, sleep_until},
};

use crate::{Instant, client::Clock};

/// The clock and the timers of a tokio runtime, to the millisecond.
///
/// A tokio program needs it only to save the thread that the timers of async-io run on, or to test
/// with paused time: `tokio::time::pause` stops this clock, and `advance` moves it.
///
/// ```
/// use steadfast::{client::Builder, transport::TokioClock};
/// # use steadfast::client::{Conn, DialContext, DialError};
/// # async fn run<C: Conn>(
/// #     dialer: impl FnMut(DialContext) -> std::future::Ready<Result<C, DialError>>,
/// # ) -> Result<(), tokio::runtime::TryCurrentError> {
/// let connection = Builder::new(dialer, TokioClock::try_current()?).build();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TokioClock {
    origin: TokioInstant,
    sleep: Pin<Box<Sleep>>,
    /// When the timer fires; `None` if it has to be set first.
    armed: Option<Instant>,
}

impl TokioClock {
    /// A clock with the timers of this runtime, whose origin is now. Its connection may be polled
    /// anywhere while the runtime lives; only one with paused time must be polled within it.
    ///
    /// # Panics
    ///
    /// In tokio, if the runtime was built without its timers (`enable_time`), and when it is polled
    /// after the runtime was shut down.
    #[track_caller]
    pub fn new(runtime: &Handle) -> Self {
        let _within = runtime.enter();
        let origin = TokioInstant::now();
        Self { origin, sleep: Box::pin(sleep_until(origin)), armed: None }
    }

    /// The same for the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// If it is called in none.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new) does.
    #[track_caller]
    pub fn try_current() -> Result<Self, TryCurrentError> {
        Handle::try_current().map(|runtime| Self::new(&runtime))
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        Instant::ORIGIN.saturating_add(self.origin.elapsed())
    }

    fn poll_until(mut self: Pin<&mut Self>, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        while self.now() < deadline {
            // Setting a timer costs more than an early wake-up, and deadlines mostly move away.
            if self.armed.is_none_or(|at| at > deadline) {
                let after_origin = Duration::from_nanos(deadline.as_nanos());
                // The platform cannot tell a time that far off, let alone reach it.
                let Some(at) = self.origin.checked_add(after_origin) else { return Poll::Pending };
                self.sleep.as_mut().reset(at);
                self.armed = Some(deadline);
            }
            ready!(self.sleep.as_mut().poll(cx));
            self.armed = None;
        }
        Poll::Ready(())
    }
}
