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
use futures::{Stream, channel::oneshot, future};
use steadfast::{
    StateMachine,
    client::{CloseFrame, Driver, Event, Failover, Handle, SendError},
    transport::{AsyncIoClock, Url},
};

use super::{
    ending::{Ending, Over},
    endpoint::Endpoint,
    events::{Line, Told, Translator, millis},
    input::{InputEnd, InputError},
    options::Options,
    output::Output,
    people::People,
};
use crate::exit::Exit;

/// How long what is still to be written may take after ^C, if nobody reads it.
const LAST_WORDS: Duration = Duration::from_millis(200);

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

/// What was asked for.
pub(super) struct Rules {
    pub(super) farewell: CloseFrame,
    pub(super) on_open: Vec<String>,
    pub(super) max_messages: Option<u64>,
    pub(super) no_reconnect: bool,
    /// How long to listen after the end of the input; `None` for as long as it takes.
    pub(super) listen: Option<Duration>,
}

/// How far it has come.
pub(super) enum Stage {
    /// There is more to send, or there may be.
    Sending(oneshot::Receiver<InputEnd>),
    /// All has been accepted, and is to be written, before anything else on a connection if there
    /// has been none. Then it ends, if what was read last could not be sent.
    Writing { flush: Option<Flush>, then: Option<InputError> },
    /// All has been sent.
    Listening(Option<Timer>),
    /// We have asked for the end.
    Leaving(Ending),
}

type Flush = Pin<Box<dyn Future<Output = Result<(), SendError>>>>;

/// What has been seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) has_opened: bool,
    pub(super) is_open: bool,
    pub(super) received: u64,
    pub(super) undelivered: u64,
    /// The end of the connection or the dial before, to be told if it was the last.
    pub(super) last: Option<(Option<steadfast::client::SharedError>, Option<String>)>,
    /// Whether nobody reads what is written.
    pub(super) is_deaf: bool,
    pub(super) redraw: Option<Timer>,
}

/// One thing that has happened.
enum Happening {
    Signal(Signal),
    OutputFailed(io::Error),
    Event(Event),
    /// The stream of events is at its end.
    Over,
    InputEnd(InputEnd),
    Flushed(Result<(), SendError>),
    ListenedEnough,
    Redraw,
}

impl Rules {
    pub(super) fn of(options: &Options, farewell: CloseFrame) -> Self {
        let Options { messages, ending, retries, .. } = options;
        let max_messages = if ending.one { Some(1) } else { ending.max_messages };
        let default = match messages.execute.is_empty() {
            true => Duration::ZERO,
            // Time for an answer.
            false => Duration::from_secs(2),
        };
        let is_endless = ending.no_exit_on_eof || max_messages.is_some();
        Self {
            farewell,
            on_open: messages.on_open.clone(),
            max_messages,
            no_reconnect: retries.no_reconnect,
            listen: ending.wait.or((!is_endless).then_some(default)),
        }
    }
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

    /// Looks at what can end it first, and reads no more than can be written.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happening> {
        if let Poll::Ready(Some(Ok(signal))) = Pin::new(&mut self.signals).poll_next(cx) {
            return Poll::Ready(Happening::Signal(signal));
        }
        if !self.seen.is_deaf {
            if let Poll::Ready(Err(error)) = self.output.poll_flush(cx) {
                return Poll::Ready(Happening::OutputFailed(error));
            }
        }
        let is_leaving = matches!(self.stage, Stage::Leaving(_));
        if self.output.has_room() || is_leaving {
            if let Poll::Ready(event) = Pin::new(&mut self.driver).poll_next(cx) {
                return Poll::Ready(event.map_or(Happening::Over, Happening::Event));
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
        match &mut self.seen.redraw {
            Some(timer) => Pin::new(timer).poll(cx).map(|_| Happening::Redraw),
            None => Poll::Pending,
        }
    }

    /// Answers why it has ended, if it has.
    fn take(&mut self, happening: Happening) -> Option<Ending> {
        match happening {
            Happening::Signal(signal) => {
                let ending = match signal {
                    Signal::Term => Ending::Terminated,
                    _ => Ending::Interrupted,
                };
                if matches!(self.stage, Stage::Leaving(Ending::Interrupted | Ending::Terminated)) {
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
            // What comes in while we leave is kept as far as there is room.
            if has_enough || self.seen.is_deaf || is_leaving && !self.output.has_room() {
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
            Event::Up(up) => {
                (self.seen.has_opened, self.seen.is_open) = (true, true);
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
                self.seen.is_open = false;
                self.seen.undelivered += down.unflushed;
                self.seen.last = Some((down.error, down.close_reason));
            }
            Event::DialFailed { error, .. } => self.seen.last = Some((error, None)),
            Event::Unsent(unsent) => self.seen.undelivered += unsent.count,
            Event::Closed { reason } => {
                let Some((failure, rule)) = Over::rule(reason, self.rules.no_reconnect) else {
                    return Some(self.interrupted_leave());
                };
                let (error, close_reason) = self.seen.last.take().unwrap_or_default();
                let retries = self.driver.machine().failures().saturating_sub(1);
                return Some(Ending::Over(Over { failure, error, close_reason, rule, retries }));
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
        if self.seen.is_open {
            self.people.closing();
            if let Some(told) = self.events.as_mut().and_then(Translator::closing) {
                self.print_told(told);
            }
        }
        self.stage = Stage::Leaving(ending);
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

    fn print_told(&mut self, told: Told<'_>) {
        self.output.line(&line(self.started, told));
    }

    fn draw(&mut self) {
        let Some(after) = self.people.redraw_after() else { return };
        self.people.draw(&self.handle.snapshot());
        self.seen.redraw = Some(Timer::after(after));
    }

    /// Says why, and writes what is still to be written.
    async fn end(mut self, ending: Ending) -> Exit {
        let exit = ending.exit();
        let close_code = match &ending {
            Ending::Over(over) => over.close_code(),
            _ => self.seen.has_opened.then(|| self.rules.farewell.code.get()),
        };
        if self.events.is_some() {
            self.print_told(Told::Stopped {
                reason: ending.to_string(),
                http_status: ending.http_status(),
                close_code,
                exit: exit.status(),
            });
        }
        let mut patience = match exit {
            Exit::Interrupted | Exit::Terminated => Timer::after(LAST_WORDS),
            _ => Timer::never(),
        };
        let written = future::poll_fn(|cx| {
            let is_asked = Pin::new(&mut self.signals).poll_next(cx).is_ready();
            let is_late = Pin::new(&mut patience).poll(cx).is_ready();
            match self.output.poll_flush(cx) {
                Poll::Pending if is_asked || is_late => Poll::Ready(Ok(())),
                written => written,
            }
        });
        if !self.seen.is_deaf {
            // Nobody is left to be told.
            let _ = written.await;
        }
        let mut why = ending.to_string();
        match self.seen.undelivered {
            0 => {}
            1 => why.push_str("; 1 message was not delivered"),
            count => why.push_str(&format!("; {count} messages were not delivered")),
        }
        self.people.end(&why, exit == Exit::Clean);
        exit
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
