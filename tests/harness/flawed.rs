//! A sound driver that is made a broken one: between it and the machine, something is lost, doubled
//! or changed.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Sink, Stream};
use steadfast::{
    Action, CloseCode, Command, Credentials, Epoch, Event, Failure, Instant, Nonce, Notice, Signal,
    State, StateMachine, Stats, Step, Wake,
    client::Frame,
    testing::{
        MemoryError,
        harness::{StageConn, Watched},
    },
};

use crate::steps::with_actions;

/// What is wrong with a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    ForgetsToDial,
    DialsTwice,
    DialsAfterTheEnd,
    ForgetsAborts,
    HangsUpInsteadOfClosing,
    NeverCloses,
    ClosesWithItsOwnCode,
    NeverPings,
    PingsWithItsOwnPayload,
    PingsByItself,
    NeverFlushes,
    SwallowsPongs,
    SwallowsLosses,
    ReportsFromTheFirstEpoch,
    InventsLife,
    TellsOfTimeFirst,
    TellsOldTime,
    SleepsThroughItsWake,
    TicksWithoutEnd,
    IgnoresStop,
    StartsByItself,
    DialsWithOldCredentials,
    IsNotTheSameTwice,
    ComesToItsEndTooSoon,
}

/// The machine, as a broken driver sees it.
pub(crate) struct Flawed {
    pub(crate) machine: Watched,
    pub(crate) flaw: Flaw,
    /// Which run of a test this is.
    pub(crate) run: u64,
    pub(crate) last: Option<Step>,
}

impl Flawed {
    /// What the driver makes the machine hear.
    fn told(&mut self, now: Instant, event: Event) -> Option<(Instant, Event)> {
        let changed = match (self.flaw, event) {
            (Flaw::SwallowsPongs, Event::Transport(_, Signal::Pong(_))) => return None,
            (Flaw::SwallowsLosses, Event::Transport(_, Signal::Lost(_))) => return None,
            (Flaw::IgnoresStop, Event::Command(Command::Stop)) => return None,
            (Flaw::ReportsFromTheFirstEpoch, Event::Transport(_, signal)) => {
                Event::Transport(Epoch::new(1), signal)
            }
            (_, event) => event,
        };
        let now = match self.flaw {
            Flaw::TellsOldTime => Instant::from_nanos(now.as_nanos().saturating_sub(1)),
            _ => now,
        };
        Some((now, changed))
    }

    /// What the driver hears from the machine.
    fn said(&self, step: Step) -> Step {
        let flaw = self.flaw;
        with_actions(step, |action| match (flaw, action) {
            (Flaw::ForgetsToDial, Action::Dial { epoch, .. }) if epoch.get() > 1 => Vec::new(),
            (Flaw::DialsTwice, Action::Dial { .. }) => vec![action, action],
            (Flaw::DialsWithOldCredentials, Action::Dial { epoch, attempt, .. }) => {
                let credentials = Credentials::Current;
                vec![Action::Dial { epoch, attempt, credentials }]
            }
            (Flaw::ForgetsAborts, Action::Abort { .. }) => Vec::new(),
            (Flaw::HangsUpInsteadOfClosing, Action::Close { epoch, .. }) => {
                vec![Action::Abort { epoch }]
            }
            (Flaw::NeverCloses, Action::Close { .. }) => Vec::new(),
            (Flaw::ClosesWithItsOwnCode, Action::Close { epoch, .. }) => {
                vec![Action::Close { epoch, code: Some(CloseCode::new(4999)) }]
            }
            (Flaw::NeverPings, Action::Ping { .. }) => Vec::new(),
            (Flaw::PingsWithItsOwnPayload, Action::Ping { epoch, .. }) => {
                vec![Action::Ping { epoch, nonce: Nonce::new(7_777) }]
            }
            (Flaw::PingsByItself, Action::Notify(Notice::Up { epoch, .. })) => {
                vec![action, Action::Ping { epoch, nonce: Nonce::new(7_777) }]
            }
            (Flaw::DialsAfterTheEnd, Action::Notify(Notice::Closed { .. })) => {
                let credentials = Credentials::Current;
                let epoch = self.machine.epoch();
                vec![action, Action::Dial { epoch, attempt: 0, credentials }]
            }
            (_, other) => vec![other],
        })
    }
}

impl StateMachine for Flawed {
    fn handle(&mut self, now: Instant, event: Event) -> Step {
        let due = self.machine.wake().instant().is_some_and(|due| due <= now);
        if self.flaw == Flaw::TellsOfTimeFirst && due && event != Event::Tick {
            let _ = self.machine.handle(now, Event::Tick);
        }
        if self.flaw == Flaw::InventsLife && self.machine.state() == State::Open && due {
            let alive = Event::Transport(self.machine.epoch(), Signal::Received);
            let _ = self.machine.handle(now, alive);
        }
        if self.flaw == Flaw::IsNotTheSameTwice && self.run % 2 == 1 && event != Event::Tick {
            let _ = self.machine.handle(now, Event::Tick);
        }
        let step = match (self.told(now, event), self.last) {
            (Some((now, event)), _) => self.machine.handle(now, event),
            (None, Some(last)) => with_actions(last, |_| Vec::new()),
            (None, None) => panic!("the first event is a start"),
        };
        if self.flaw == Flaw::StartsByItself && matches!(self.machine.state(), State::Closed(_)) {
            let _ = self.machine.handle(now, Command::Start.into());
        }
        self.last = Some(step);
        self.said(step)
    }

    fn wake(&self) -> Wake {
        match (self.flaw, self.machine.wake()) {
            (Flaw::SleepsThroughItsWake, Wake::At(due, timer)) => {
                Wake::At(due.saturating_add(Duration::from_nanos(1)), timer)
            }
            (Flaw::TicksWithoutEnd, Wake::At(_, timer)) => Wake::At(Instant::ORIGIN, timer),
            (_, wake) => wake,
        }
    }

    fn state(&self) -> State {
        self.machine.state()
    }

    fn epoch(&self) -> Epoch {
        self.machine.epoch()
    }

    fn failures(&self) -> u32 {
        self.machine.failures()
    }

    fn last_failure(&self) -> Option<Failure> {
        self.machine.last_failure()
    }

    fn since(&self) -> Instant {
        self.machine.since()
    }

    fn stats(&self) -> Stats {
        self.machine.stats()
    }
}

/// A connection that takes what is to be sent, and keeps it.
pub(crate) struct NeverFlushed(pub(crate) StageConn);

impl Stream for NeverFlushed {
    type Item = Result<Frame, MemoryError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

impl Sink<Frame> for NeverFlushed {
    type Error = MemoryError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        Pin::new(&mut self.0).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Frame) -> Result<(), MemoryError> {
        Pin::new(&mut self.0).start_send(frame)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        Poll::Ready(Ok(()))
    }
}
