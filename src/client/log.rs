//! What is told to `tracing`: a span for each connection, an event for each transition, nothing for
//! a message. It says what the application is told, so it has no payloads and no secrets in it.

use super::{Event, SessionId};
#[cfg(feature = "tracing")]
use crate::ClosedReason;
use crate::{Epoch, State};

/// The span of one client.
#[cfg(feature = "tracing")]
#[derive(Clone)]
pub(super) struct Log(tracing::Span);

#[cfg(feature = "tracing")]
impl Log {
    /// Under this span, or one of its own.
    pub(super) fn new(span: Option<tracing::Span>, session: SessionId) -> Self {
        let own = || tracing::info_span!("websocket", session = tracing::field::Empty);
        let span = span.unwrap_or_else(own);
        span.record("session", tracing::field::display(session));
        Self(span)
    }

    pub(super) fn tell(&self, event: &Event, epoch: Epoch, state: State) {
        macro_rules! tell {
            ($level:ident $(, $field:ident = $value:expr)*) => {
                tracing::event!(
                    target: "steadfast", parent: &self.0, tracing::Level::$level,
                    epoch = epoch.get(), state = state_name(state), $($field = $value,)* "{event}"
                )
            };
        }
        match event {
            Event::Message(_) | Event::RoundTrip(_) => {}
            Event::Dialing { attempt } => tell!(DEBUG, attempt = attempt),
            Event::Up(up) => tell!(INFO, attempt = up.attempt, reconnected = up.reconnected),
            Event::Rescheduled { .. } => tell!(DEBUG),
            Event::Down(down) if down.failure.is_none() => tell!(INFO),
            Event::Closed { reason: ClosedReason::Stopped } => tell!(INFO),
            Event::DialFailed(failed) => tell!(WARN, attempt = failed.attempt),
            Event::Down(_) | Event::Unsent(_) => tell!(WARN),
            Event::Closed { .. } => tell!(ERROR),
        }
    }
}

#[cfg(feature = "tracing")]
fn state_name(state: State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Connecting => "connecting",
        State::Open => "open",
        State::Closing => "closing",
        State::Backoff => "backoff",
        State::Offline => "offline",
        State::Closed(_) => "closed",
    }
}

/// Nobody listens.
#[cfg(not(feature = "tracing"))]
#[derive(Clone)]
pub(super) struct Log;

#[cfg(not(feature = "tracing"))]
impl Log {
    pub(super) fn new(_: Option<std::convert::Infallible>, _: SessionId) -> Self {
        Self
    }

    pub(super) fn tell(&self, _: &Event, _: Epoch, _: State) {}
}
