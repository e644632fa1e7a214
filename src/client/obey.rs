//! Carrying out what the machine decides, and telling it what happens. No decision is made here.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::ready;

use super::{
    Clock, CloseFrame, Conn, Connection, Dial, DialContext, Down, Event, Frame, HeartbeatMessage,
    Message, SharedError, TransportError,
    connection::{PostMortem, Settings, Then},
    event,
    link::{Broken, Link, Up},
};
use crate::{
    Action, Actions, Failure, FailureKind, Instant, Nonce, Notice, Signal, State, StateMachine,
    event::Event as Input,
};

/// What reading a transport comes to.
pub(super) type Read<C> = Poll<Option<Result<Frame, <C as Conn>::Error>>>;

/// How many messages are read ahead while only the sink is polled.
const READ_AHEAD: u32 = 16;

impl<D, K, M> Connection<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    /// Gives `event` to the machine and carries out what it answers.
    pub(super) fn handle(&mut self, now: Instant, event: Input) {
        self.report_received(now);
        self.obey(now, event);
    }

    /// Tells the machine of the messages that it has not been told of, before anything else: once, for
    /// they came in at what is the same instant for it.
    fn report_received(&mut self, now: Instant) {
        if self.link.up().is_some_and(|up| std::mem::take(&mut up.unreported)) {
            self.obey(now, Input::Transport(self.machine.epoch(), Signal::Received));
        }
    }

    #[inline]
    fn obey(&mut self, now: Instant, event: Input) {
        self.called = true;
        if let Link::Up(up) = &mut self.link {
            up.credit = 0;
        }
        let step = self.machine.handle(now, event);
        if !step.actions.is_empty() {
            self.carry_out_all(step.actions);
        }
    }

    // Apart: nearly all that happens is a frame, which asks for nothing.
    #[inline(never)]
    fn carry_out_all(&mut self, actions: Actions) {
        for action in actions {
            self.carry_out(action);
        }
    }

    #[inline(never)]
    fn signal(&mut self, signal: Signal) {
        let now = self.clock.now();
        self.signal_at(now, signal);
    }

    fn signal_at(&mut self, now: Instant, signal: Signal) {
        self.handle(now, Input::Transport(self.machine.epoch(), signal));
        if self.late.is_some() {
            self.obey_requests(now);
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Dial { epoch, attempt, credentials } => {
                let Settings { session, seed, .. } = self.settings;
                let entropy = seed.entropy(epoch);
                let context = DialContext { epoch, attempt, credentials, session, entropy };
                self.link = Link::Dialing(Box::pin(self.dialer.dial(context)));
                self.tell(Event::Dialing { attempt });
            }
            Action::Ping { nonce, .. } => {
                if let Link::Up(up) = &mut self.link {
                    up.ping(nonce, self.settings.heartbeat.as_ref().map(|it| it.request(nonce)));
                }
            }
            Action::Close { code, .. } => {
                if let Link::Up(up) = &mut self.link {
                    let plain = code.map(|code| CloseFrame::new(code, ""));
                    up.close(match up.peer_close {
                        None => self.farewell.take().map(|frame| *frame).or(plain),
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
                self.barriers += 1;
                let cause = self.cause.take();
                let session = self.settings.session;
                let up = event::Up { epoch, reconnected, attempt, downtime, cause, session };
                Event::Up(Box::new(up))
            }
            Notice::Down { failure, uptime, next, .. } => {
                let PostMortem { error, close_reason, unflushed, retained } =
                    self.post_mortem.take().map_or_else(PostMortem::default, |it| *it);
                self.interrupted += unflushed;
                self.cause = failure;
                self.drops.count(failure);
                Event::Down(Box::new(Down {
                    failure,
                    error,
                    close_reason,
                    uptime,
                    unflushed,
                    unflushed_messages: retained,
                    unsent: Vec::new(),
                    next,
                }))
            }
            Notice::DialFailed { attempt, failure, next, .. } => {
                let error = self.post_mortem.take().and_then(|post_mortem| post_mortem.error);
                Event::DialFailed(Box::new(event::DialFailed { attempt, failure, error, next }))
            }
            Notice::RoundTrip { round_trip, .. } => Event::RoundTrip(round_trip),
            Notice::Rescheduled { next } => Event::Rescheduled { next },
            Notice::Closed { reason } => Event::Closed { reason },
        };
        self.tell(event);
    }

    fn tell(&mut self, event: Event) {
        self.settings.log.tell(&event, self.machine.epoch(), self.machine.state());
        self.events.push_back(event);
    }

    fn drop_link(&mut self) {
        if let Link::Up(up) = std::mem::replace(&mut self.link, Link::None) {
            let post_mortem = self.post_mortem.get_or_insert_default();
            post_mortem.unflushed = up.unflushed;
            post_mortem.retained = up.retained.unwrap_or_default();
            post_mortem.close_reason =
                up.peer_close.flatten().map(|frame| frame.reason.to_string());
        }
    }

    fn lose(&mut self, failure: Failure, error: Option<SharedError>) {
        let now = self.clock.now();
        self.report_received(now);
        self.post_mortem.get_or_insert_default().error = error;
        self.drop_link();
        self.signal_at(now, Signal::Lost(failure));
    }

    /// Does one thing that can be done now. Pending when there is none, and all that can change
    /// that will wake the task. Answers the message if one has come in: it is not queued yet.
    pub(super) fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        // What came in is looked at before what has failed to go out, and both before time.
        let patient = !self.link.up().is_some_and(Up::is_out_of_patience);
        match &mut self.link {
            Link::Up(up) if patient && self.read_ahead < READ_AHEAD && !up.paused => {
                self.poll_read(cx, Then::Stop)
            }
            _ => {
                if patient && self.poll_unread(cx).is_ready() {
                    return Poll::Ready(None);
                }
                self.poll_rest(cx).map(|()| None)
            }
        }
    }

    /// Takes what reading has come to. If it has to wait, there is the rest to be done.
    #[inline(never)]
    pub(super) fn take(
        &mut self,
        cx: &mut Context<'_>,
        read: Read<D::Conn>,
    ) -> Poll<Option<Message>> {
        match read {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(self.receive(frame)),
            Poll::Pending => self.poll_rest(cx).map(|()| None),
            Poll::Ready(end) => {
                self.read_end(cx, end.and_then(Result::err));
                Poll::Ready(None)
            }
        }
    }

    /// The same, but for what comes in.
    #[inline(never)]
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(up) = self.link.up() {
            let told = up.unreported.then(|| self.clock.now());
            up.dry(told);
            if let Some(now) = told {
                self.report_received(now);
            }
        }
        if let Link::Up(up) = &mut self.link {
            let _ = up.poll_write(cx);
            if let Some(Broken { failure, error, .. }) = up.broken.take().map(|broken| *broken) {
                self.lose(failure, Some(error));
                return Poll::Ready(());
            }
        }
        ready!(self.poll_deadline(cx));
        let now = self.clock.now();
        self.alarm = self.alarm.filter(|alarm| *alarm > now);
        if self.machine.wake().instant().is_some_and(|wake| wake <= now) {
            self.handle(now, Input::Tick);
            self.obey_requests(now);
        }
        match &mut self.link {
            // Reading has just had to wait, and to try again would cost a system call for each ping.
            // Another deadline that has passed meanwhile waits until that was done all the same.
            Link::Up(up) if up.has_to_write() && self.events.is_empty() => {
                let _ = up.poll_write(cx);
                if up.broken.is_some() { Poll::Ready(()) } else { self.poll_deadline(cx) }
            }
            _ => Poll::Ready(()),
        }
    }

    /// Ready when the machine, or the driver, wants to look at the time.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let wake = self.machine.wake().instant();
        let Some(deadline) = wake.into_iter().chain(self.alarm).min() else { return Poll::Pending };
        Pin::new(&mut self.clock).poll_until(cx, deadline)
    }

    /// Reading has met the end of the link.
    #[cold]
    fn read_end(&mut self, cx: &mut Context<'_>, error: Option<<D::Conn as Conn>::Error>) {
        let Link::Up(up) = &mut self.link else { return };
        let (failure, error) = match error {
            Some(error) => {
                let failure = error.failure();
                if let FailureKind::Violation(code) = failure.kind() {
                    up.leave(cx, code);
                }
                up.why_ended(failure, Some(Arc::new(error)))
            }
            None => up.why_ended(up.how_closed().into(), None),
        };
        self.lose(failure, error);
    }

    /// Reads from no link, or a link that is not to be read yet.
    #[inline(never)]
    fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.link {
            Link::None => return Poll::Pending,
            Link::Dialing(dial) => match ready!(dial.as_mut().poll(cx)) {
                Ok(conn) => {
                    self.link = Link::Up(Up::new(conn, self.settings.retain));
                    self.signal(Signal::Opened);
                }
                Err(error) => self.lose(error.failure(), Some(Arc::new(error))),
            },
            Link::Up(up) if self.read_ahead >= READ_AHEAD => {
                if !std::mem::replace(&mut up.paused, true) {
                    self.signal(Signal::ReadPaused);
                }
                return Poll::Pending;
            }
            Link::Up(up) => {
                up.paused = false;
                self.signal(Signal::ReadResumed);
            }
        }
        Poll::Ready(())
    }

    /// Tells the machine of a frame. Answers the message in it, if the application is to have it.
    #[inline]
    fn receive(&mut self, frame: Frame) -> Option<Message> {
        match frame {
            Frame::Message(message) if self.settings.heartbeat.is_none() => {
                self.hear();
                Some(self.count(message))
            }
            frame => self.receive_rare(frame),
        }
    }

    fn count(&mut self, message: Message) -> Message {
        self.traffic.receive(&message);
        message
    }

    /// A message has come in: the peer lives. The machine is told of the first at once, and of those
    /// that could be read after it without waiting when there are no more, or many, if they are taken
    /// without delay: asking what time it is costs as much as reading one. Where it is not known when
    /// one came in, it counts as late as it can have.
    #[inline]
    fn hear(&mut self) {
        if !self.link.up().is_some_and(Up::hears) {
            self.hear_aloud();
        }
    }

    #[inline(never)]
    fn hear_aloud(&mut self) {
        let now = self.clock.now();
        self.signal_at(now, Signal::Received);
        // A closing connection has a deadline that no frame postpones.
        if self.machine.state() == State::Open && self.events.is_empty() {
            if let Some(up) = self.link.up() {
                up.grant(now, self.settings.heartbeat.is_some());
            }
        }
    }

    /// The same for a frame that is no message, or may be the peer's answer to a heartbeat in the
    /// application's own words.
    #[inline(never)]
    fn receive_rare(&mut self, frame: Frame) -> Option<Message> {
        let signal = match frame {
            Frame::Message(message) => return self.receive_beaten(message),
            Frame::Ping(_) | Frame::Part => Signal::Received,
            Frame::Pong(payload) => {
                Nonce::from_payload(&payload).map_or(Signal::Received, Signal::Pong)
            }
            Frame::Close(close) => {
                let Link::Up(up) = &mut self.link else { return None };
                up.peer_close = Some(close);
                Signal::CloseReceived(up.how_closed())
            }
        };
        self.signal(signal);
        None
    }

    fn receive_beaten(&mut self, message: Message) -> Option<Message> {
        let heartbeat = self.settings.heartbeat.as_deref();
        let answer = heartbeat.filter(|it| it.is_answer(&message));
        let delivers = answer.is_none_or(HeartbeatMessage::delivers_answers);
        match (answer, &self.link) {
            (Some(_), Link::Up(up)) => {
                let signal = up.pinged.map_or(Signal::Received, Signal::Pong);
                self.signal(signal);
            }
            _ => self.hear(),
        }
        delivers.then(|| self.count(message))
    }
}
