//! One connection from its start to its end: what happens, in order, and what follows from it.

use std::{
    cell::Cell,
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use async_io::Timer;
use async_signal::{Signal, Signals};
use futures::{Stream, future};
use steadfast::{
    CloseCode, Failure, FailureKind, State, StateMachine,
    client::{Down, Driver, Event, Failover, Handle, SendError},
    transport::{AsyncIoClock, Url},
};

#[cfg(unix)]
use super::job;
use super::{
    ending::{Ending, Over},
    endpoint::Endpoint,
    events::{Line, Told, Translator, millis},
    input::InputEnd,
    output::Output,
    people::People,
    stage::{Farewell, Flush, Last, Link, Rules, Seen, Stage},
};
use crate::exit::Exit;

/// The peer has got what it wanted.
const CLOSED_NORMALLY: FailureKind = FailureKind::Closed(CloseCode::NORMAL);

pub(super) struct Session<M> {
    pub(super) handle: Handle,
    pub(super) driver: Driver<Failover<Endpoint>, AsyncIoClock, M>,
    pub(super) output: Output,
    pub(super) people: People,
    /// Lines of JSON on stdout, if they are asked for.
    pub(super) events: Option<Translator>,
    pub(super) signals: Signals,
    pub(super) started: Instant,
    pub(super) urls: Vec<Url>,
    pub(super) current: Rc<Cell<usize>>,
    pub(super) rules: Rules,
    pub(super) stage: Stage,
    pub(super) seen: Seen,
}

/// One thing that has happened.
enum Happening {
    Signal(Signal),
    OutputFailed(io::Error),
    Event(Event),
    /// The peer has begun the closing handshake.
    Closing,
    /// The stream of events is at its end.
    Over,
    InputEnd(InputEnd),
    Flushed(Result<(), SendError>),
    ListenedEnough,
    Redraw,
}

impl<M: StateMachine> Session<M> {
    pub(super) async fn run(mut self) -> Exit {
        let ending = loop {
            let happening = future::poll_fn(|cx| self.poll(cx)).await;
            // Of these there may be many.
            let is_message = matches!(happening, Happening::Event(Event::Message(_)));
            if let Some(ending) = self.take(happening) {
                break ending;
            }
            if !is_message {
                self.draw();
            }
        };
        self.end(ending).await
    }

    /// Looks at what can end it first, so that a peer that never lets us wait cannot keep us, and
    /// reads no more than can be written.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happening> {
        self.seen.doubt.look(|| self.handle.snapshot().traffic.messages_sent);
        if let Poll::Ready(Some(Ok(signal))) = Pin::new(&mut self.signals).poll_next(cx) {
            return Poll::Ready(Happening::Signal(signal));
        }
        if !self.seen.is_deaf {
            if let Poll::Ready(Err(error)) = self.output.poll_flush(cx) {
                return Poll::Ready(Happening::OutputFailed(error));
            }
        }
        let staged = match &mut self.stage {
            Stage::Sending(input) => Pin::new(input)
                .poll(cx)
                .map(|end| Happening::InputEnd(end.unwrap_or(InputEnd::Refused))),
            Stage::Writing { flush: Some(flush), .. } => {
                flush.as_mut().poll(cx).map(Happening::Flushed)
            }
            Stage::Listening(Some(timer)) => {
                Pin::new(timer).poll(cx).map(|_| Happening::ListenedEnough)
            }
            Stage::Writing { flush: None, .. } | Stage::Listening(None) | Stage::Leaving(_) => {
                Poll::Pending
            }
        };
        if staged.is_ready() {
            return staged;
        }
        if let Some(timer) = &mut self.seen.redraw {
            if Pin::new(timer).poll(cx).is_ready() {
                return Poll::Ready(Happening::Redraw);
            }
        }
        if self.output.has_room() || self.stage.hurries() {
            if let Poll::Ready(event) = Pin::new(&mut self.driver).poll_next(cx) {
                return Poll::Ready(event.map_or(Happening::Over, Happening::Event));
            }
            let is_closing = self.driver.machine().state() == State::Closing;
            if is_closing && self.seen.link == Link::Open {
                return Poll::Ready(Happening::Closing);
            }
        }
        Poll::Pending
    }

    /// Answers why it has ended, if it has.
    fn take(&mut self, happening: Happening) -> Option<Ending> {
        match happening {
            #[cfg(unix)]
            Happening::Signal(Signal::Winch) => {}
            #[cfg(unix)]
            Happening::Signal(signal @ (Signal::Tstp | Signal::Cont)) => {
                // Whoever has had the terminal meanwhile has drawn on it.
                self.people.give_terminal_back();
                if signal == Signal::Tstp {
                    job::stop();
                }
            }
            Happening::Signal(signal) => {
                let ending = match signal {
                    Signal::Term => Ending::Terminated,
                    _ => Ending::Interrupted,
                };
                if self.stage.was_interrupted() {
                    return Some(ending);
                }
                self.leave(ending);
            }
            Happening::OutputFailed(error) => {
                self.seen.is_deaf = true;
                self.leave(match error.kind() {
                    io::ErrorKind::BrokenPipe => Ending::OutputClosed,
                    _ => Ending::OutputFailed(error),
                });
            }
            Happening::Event(event) => return self.hear(event),
            Happening::Closing => self.begin_closing(),
            Happening::Over => return Some(self.interrupted_leave()),
            Happening::InputEnd(end) => self.input_ended(end),
            Happening::Flushed(flushed) => self.flushed(flushed),
            Happening::ListenedEnough => self.leave(Ending::EndOfInput),
            Happening::Redraw => {}
        }
        None
    }

    fn hear(&mut self, event: Event) -> Option<Ending> {
        let is_leaving = matches!(self.stage, Stage::Leaving(_));
        if let Event::Message(message) = &event {
            let has_enough = self.rules.max_messages.is_some_and(|most| self.seen.received >= most);
            if has_enough || self.seen.is_deaf || !self.output.has_room() {
                return None;
            }
            self.seen.received += 1;
            match self.events {
                Some(_) => self.print(&event),
                None => self.output.message(message),
            }
            if self.rules.max_messages == Some(self.seen.received) && !is_leaving {
                self.leave(Ending::Received(self.seen.received));
            }
            return None;
        }
        self.people.tell(&event, &self.urls[self.current.get()]);
        self.print(&event);
        match event {
            Event::RoundTrip(round_trip) => self.seen.doubt.answered(round_trip),
            Event::Up(up) => {
                (self.seen.has_opened, self.seen.link) = (true, Link::Open);
                for text in &self.rules.on_open {
                    // If the connection has ended already, the next one is told.
                    let _ = self.handle.send_ahead(text.clone());
                }
                self.handle.resynchronised(up.epoch);
                if let Stage::Writing { flush, .. } = &mut self.stage {
                    *flush = Some(written(&self.handle));
                }
            }
            Event::Down(down) => {
                self.seen.farewell = self.farewell(&down);
                let sent = self.handle.snapshot().traffic.messages_sent;
                let doubtful = self.seen.doubt.ended(sent, down.unflushed);
                let is_good = down.failure.map(Failure::kind) == Some(CLOSED_NORMALLY);
                if !(is_good || self.seen.farewell == Farewell::Answered) {
                    self.seen.doubtful += doubtful;
                    self.people.tell_doubtful(doubtful);
                    if doubtful > 0 && self.events.is_some() {
                        self.print_told(Told::Unconfirmed { count: doubtful });
                    }
                }
                self.seen.link = Link::None;
                self.seen.undelivered += down.unflushed;
                let Down { error, close_reason, .. } = *down;
                self.seen.last = Last { error, close_reason, url: None };
            }
            Event::DialFailed(failed) => {
                let url = Some(self.urls[self.current.get()].to_string());
                self.seen.last = Last { error: failed.error, close_reason: None, url };
            }
            Event::Unsent(unsent) => self.seen.undelivered += unsent.count,
            Event::Closed { reason } => {
                let Some((failure, rule)) = Over::rule(reason, self.rules.no_reconnect) else {
                    return Some(self.interrupted_leave());
                };
                let Last { error, close_reason, url } = std::mem::take(&mut self.seen.last);
                let retries = self.driver.machine().failures().saturating_sub(1);
                let over = Over { failure, error, url, close_reason, rule, retries };
                return Some(Ending::Over(over));
            }
            _ => {}
        }
        None
    }

    fn input_ended(&mut self, end: InputEnd) {
        let then = match end {
            InputEnd::Over => None,
            InputEnd::Failed(error) => Some(error),
            InputEnd::Full => return self.leave(Ending::Full),
            // The connection is over, and says so itself.
            InputEnd::Refused => {
                self.stage = Stage::Listening(None);
                return;
            }
        };
        self.stage = Stage::Writing { flush: Some(written(&self.handle)), then };
    }

    fn flushed(&mut self, flushed: Result<(), SendError>) {
        let Stage::Writing { flush, then } = &mut self.stage else { return };
        match flushed {
            // Some were lost, which is told elsewhere; the others are still to be written.
            Err(_) => *flush = Some(written(&self.handle)),
            // To have had nothing to send is no reason not to have been there.
            Ok(()) if !self.seen.has_opened => *flush = None,
            Ok(()) => match then.take() {
                Some(error) => self.leave(Ending::InputFailed(error)),
                None => match self.rules.listen {
                    Some(Duration::ZERO) => self.leave(Ending::EndOfInput),
                    listen => self.stage = Stage::Listening(listen.map(Timer::after)),
                },
            },
        }
    }

    /// Closes the connection; then it is over.
    fn leave(&mut self, ending: Ending) {
        self.handle.stop_with(self.rules.farewell.clone());
        if self.seen.link == Link::Open {
            self.begin_closing();
        }
        self.stage = Stage::Leaving(ending);
    }

    fn begin_closing(&mut self) {
        self.seen.link = Link::Closing { since: Instant::now() };
        self.people.closing();
        if let Some(told) = self.events.as_mut().map(Translator::closing) {
            self.print_told(told);
        }
    }

    /// How a connection that we have left has ended.
    fn farewell(&self, down: &Down) -> Farewell {
        let Link::Closing { since } = self.seen.link else { return Farewell::None };
        match down.failure {
            Some(_) => Farewell::None,
            None if down.error.is_some() || since.elapsed() >= self.rules.close_timeout => {
                Farewell::Unanswered
            }
            None => Farewell::Answered,
        }
    }

    /// Why we have left.
    fn interrupted_leave(&mut self) -> Ending {
        match std::mem::replace(&mut self.stage, Stage::Listening(None)) {
            Stage::Leaving(ending) => ending,
            _ => Ending::EndOfInput,
        }
    }

    fn print(&mut self, event: &Event) {
        let Self { events: Some(translator), rules, .. } = self else { return };
        let farewell = (rules.farewell.code, &*rules.farewell.reason);
        for told in translator.translate(event, farewell) {
            self.output.line(&line(self.started, told));
        }
    }

    pub(super) fn print_told(&mut self, told: Told<'_>) {
        self.output.line(&line(self.started, told));
    }

    fn draw(&mut self) {
        let Some(after) = self.people.redraw_after() else { return };
        self.people.draw(&self.handle.snapshot());
        self.seen.redraw = Some(Timer::after(after));
    }
}

/// Ready when all that has been accepted has been written.
fn written(handle: &Handle) -> Flush {
    let handle = handle.clone();
    Box::pin(async move { handle.flush().await })
}

fn line(started: Instant, told: Told<'_>) -> String {
    let line = Line { t_ms: millis(started.elapsed()), told };
    serde_json::to_string(&line).unwrap_or_default()
}
