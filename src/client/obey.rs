//! Carrying out what the machine decides, and telling it what happens. No decision is made here.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{Stream, ready};

use super::{
    Clock, CloseFrame, Connection, Dial, DialContext, Down, Event, Frame, SharedError,
    TransportError,
    connection::{Identity, PostMortem},
    event,
    link::{Broken, Link, Up},
};
use crate::{
    Action, Failure, FailureKind, Instant, Nonce, Notice, Signal, StateMachine,
    event::Event as Input,
};

/// How many messages are read ahead while only the sink is polled.
const READ_AHEAD: usize = 16;

impl<D, K, M> Connection<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    /// Gives `event` to the machine and carries out what it answers.
    pub(super) fn handle(&mut self, now: Instant, event: Input) {
        let step = self.machine.handle(now, event);
        for action in step.actions {
            self.carry_out(action);
        }
    }

    fn signal(&mut self, now: Instant, signal: Signal) {
        self.handle(now, Input::Transport(self.machine.epoch(), signal));
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Dial { epoch, attempt, credentials } => {
                let Identity { session, seed } = self.identity;
                let entropy = seed.entropy(epoch);
                let context = DialContext { epoch, attempt, credentials, session, entropy };
                self.link = Link::Dialing(Box::pin(self.dialer.dial(context)));
                self.events.push_back(Event::Dialing { attempt });
            }
            Action::Ping { nonce, .. } => {
                if let Link::Up(up) = &mut self.link {
                    up.ping(nonce);
                }
            }
            Action::Close { code, .. } => {
                if let Link::Up(up) = &mut self.link {
                    let plain = code.map(|code| CloseFrame::new(code, ""));
                    up.close(match up.peer_close {
                        None => self.farewell.take().or(plain),
                        Some(_) => plain,
                    });
                }
            }
            Action::Abort { .. } => self.drop_link(),
            Action::Notify(notice) => self.notify(notice),
        }
    }

    fn notify(&mut self, notice: Notice) {
        let event = match notice {
            Notice::Up { epoch, reconnected, attempt, downtime } => {
                self.untold_ups += 1;
                let cause = self.cause.take();
                let session = self.identity.session;
                Event::Up(event::Up { epoch, reconnected, attempt, downtime, cause, session })
            }
            Notice::Down { failure, uptime, next, .. } => {
                let PostMortem { error, close_reason, unflushed, retained } =
                    std::mem::take(&mut self.post_mortem);
                self.interrupted += unflushed;
                self.cause = failure;
                self.drops.count(failure);
                Event::Down(Down {
                    failure,
                    error,
                    close_reason,
                    uptime,
                    unflushed,
                    unflushed_messages: retained,
                    unsent: Vec::new(),
                    next,
                })
            }
            Notice::DialFailed { attempt, failure, next, .. } => {
                let error = std::mem::take(&mut self.post_mortem).error;
                Event::DialFailed { attempt, failure, error, next }
            }
            Notice::RoundTrip { round_trip, .. } => Event::RoundTrip(round_trip),
            Notice::Rescheduled { next } => Event::Rescheduled { next },
            Notice::Closed { reason } => Event::Closed { reason },
        };
        self.events.push_back(event);
    }

    fn drop_link(&mut self) {
        if let Link::Up(up) = std::mem::replace(&mut self.link, Link::None) {
            self.post_mortem.unflushed = up.unflushed;
            self.post_mortem.retained = up.retained.unwrap_or_default();
            self.post_mortem.close_reason =
                up.peer_close.flatten().map(|frame| frame.reason.to_string());
        }
    }

    fn lose(&mut self, now: Instant, failure: Failure, error: Option<SharedError>) {
        self.post_mortem.error = error;
        self.drop_link();
        self.signal(now, Signal::Lost(failure));
    }

    /// Does one thing that can be done now. Pending when there is none, and all that can change
    /// that will wake the task.
    pub(super) fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.clock.now();
        // What came in is looked at before what has failed to go out, and both before time.
        let patient = match &mut self.link {
            Link::Up(up) => !up.is_out_of_patience(),
            Link::None | Link::Dialing(_) => true,
        };
        if patient && self.poll_read(cx, now).is_ready() {
            return Poll::Ready(());
        }
        if let Link::Up(up) = &mut self.link {
            let _ = up.poll_write(cx);
            if let Some(Broken { failure, error, .. }) = up.broken.take() {
                self.lose(now, failure, Some(error));
                return Poll::Ready(());
            }
        }
        let wake = self.machine.wake().instant();
        let Some(deadline) = wake.into_iter().chain(self.alarm).min() else { return Poll::Pending };
        ready!(Pin::new(&mut self.clock).poll_until(cx, deadline));
        let now = self.clock.now();
        self.alarm = self.alarm.filter(|alarm| *alarm > now);
        if wake.is_some_and(|wake| wake <= now) {
            self.handle(now, Input::Tick);
        }
        Poll::Ready(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        match &mut self.link {
            Link::None => return Poll::Pending,
            Link::Dialing(dial) => match ready!(dial.as_mut().poll(cx)) {
                Ok(conn) => {
                    self.link = Link::Up(Up::new(conn, self.retain));
                    self.signal(now, Signal::Opened);
                }
                Err(error) => self.lose(now, error.failure(), Some(Arc::new(error))),
            },
            Link::Up(up) if self.read_ahead >= READ_AHEAD => {
                if !std::mem::replace(&mut up.paused, true) {
                    self.signal(now, Signal::ReadPaused);
                }
                return Poll::Pending;
            }
            Link::Up(up) if up.paused => {
                up.paused = false;
                self.signal(now, Signal::ReadResumed);
            }
            Link::Up(up) => match ready!(Pin::new(&mut up.conn).poll_next(cx)) {
                Some(Ok(frame)) => self.receive(now, frame.into()),
                Some(Err(error)) => {
                    let failure = error.failure();
                    if let FailureKind::Violation(code) = failure.kind() {
                        up.leave(cx, code);
                    }
                    self.lose(now, failure, Some(Arc::new(error)));
                }
                None => {
                    let ended = up.how_closed();
                    self.lose(now, ended.into(), None);
                }
            },
        }
        Poll::Ready(())
    }

    fn receive(&mut self, now: Instant, frame: Frame) {
        let signal = match frame {
            Frame::Message(message) => {
                self.read_ahead += 1;
                self.traffic.messages_received += 1;
                let bytes = message.len() as u64;
                self.traffic.bytes_received = self.traffic.bytes_received.saturating_add(bytes);
                self.events.push_back(Event::Message(message));
                Signal::Received
            }
            Frame::Ping(_) | Frame::Part => Signal::Received,
            Frame::Pong(payload) => {
                Nonce::from_payload(&payload).map_or(Signal::Received, Signal::Pong)
            }
            Frame::Close(close) => {
                let Link::Up(up) = &mut self.link else { return };
                up.peer_close = Some(close);
                Signal::CloseReceived(up.how_closed())
            }
        };
        self.signal(now, signal);
    }
}
