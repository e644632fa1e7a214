//! A machine that does not keep its promises.

use steadfast::{
    Action, Backoff, Command, Config, Epoch, Event, Failure, Instant, Jitter, Machine, Notice,
    Seed, Signal, State, StateMachine, Stats, Step, Wake,
    testing::model::{Checked, Promise, Verdict},
};

use crate::steps::with_actions;

/// What a machine is told instead.
type Retold = fn(&Machine, Instant, Event) -> (Instant, Event);

/// What it answers instead, given the state before.
type Answer = fn(State, Event, Step) -> Step;

/// How a machine is spoilt: what comes in or out is changed on its way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flaw {
    pub(crate) event: Option<Retold>,
    pub(crate) step: Option<Answer>,
    pub(crate) state: Option<fn(State) -> State>,
    pub(crate) stats: Option<fn(Stats) -> Stats>,
    /// Forgets the last failure once it is over.
    pub(crate) forgets: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Tampered {
    machine: Machine,
    flaw: Flaw,
    wake: Wake,
}

impl StateMachine for Tampered {
    fn handle(&mut self, now: Instant, event: Event) -> Step {
        let before = self.machine.state();
        let (shown, told) = match self.flaw.event {
            Some(change) => change(&self.machine, now, event),
            None => (now, event),
        };
        let mut step = self.machine.handle(shown, told);
        if let Some(change) = self.flaw.step {
            step = change(before, event, step);
        }
        self.wake = step.wake;
        step
    }

    fn state(&self) -> State {
        let state = self.machine.state();
        self.flaw.state.map_or(state, |change| change(state))
    }

    fn wake(&self) -> Wake {
        self.wake
    }

    fn epoch(&self) -> Epoch {
        self.machine.epoch()
    }

    fn failures(&self) -> u32 {
        self.machine.failures()
    }

    fn last_failure(&self) -> Option<Failure> {
        let over = matches!(self.machine.state(), State::Closed(_));
        self.machine.last_failure().filter(|_| !(over && self.flaw.forgets))
    }

    fn since(&self) -> Instant {
        self.machine.since()
    }

    fn stats(&self) -> Stats {
        let stats = self.machine.stats();
        self.flaw.stats.map_or(stats, |change| change(stats))
    }
}

/// A spoilt machine under a check, driven by hand.
pub(crate) struct Trial {
    pub(crate) machine: Checked<Tampered>,
    pub(crate) verdict: Verdict,
    pub(crate) now: Instant,
}

impl Trial {
    pub(crate) fn of(flaw: Flaw) -> Self {
        Self::with(Config::default(), flaw)
    }

    pub(crate) fn with(config: Config, flaw: Flaw) -> Self {
        let policy = Backoff::builder().with_jitter(Jitter::None).build().unwrap();
        let now = Instant::ORIGIN;
        let machine = Machine::new(config.clone(), policy.clone(), Seed::new(1), now);
        let wake = machine.wake();
        let mut machine = Checked::around(Tampered { machine, flaw, wake }, config, policy, now);
        let verdict = machine.verdict();
        Self { machine, verdict, now }
    }

    pub(crate) fn feed(&mut self, event: impl Into<Event>) -> &mut Self {
        let _ = self.machine.handle(self.now, event.into());
        self
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> &mut Self {
        self.feed(Event::Transport(self.machine.epoch(), signal))
    }

    pub(crate) fn millis(&mut self, millis: u64) -> &mut Self {
        self.now = Instant::from_nanos(self.now.as_nanos() + millis * 1_000_000);
        self
    }

    /// Ticks at each wake, so often.
    pub(crate) fn wake(&mut self, times: usize) -> &mut Self {
        for _ in 0..times {
            self.now = self.machine.wake().instant().unwrap_or(self.now);
            self.feed(Event::Tick);
        }
        self
    }

    pub(crate) fn open(&mut self) -> &mut Self {
        self.feed(Command::Start).signal(Signal::Opened)
    }

    /// The promise that was broken, if one was.
    pub(crate) fn broken(&self) -> Option<Promise> {
        self.verdict.violation().map(|violation| violation.promise)
    }
}

/// The step with its notices changed.
pub(crate) fn retold(step: Step, change: fn(Notice) -> Notice) -> Step {
    with_actions(step, |action| match action {
        Action::Notify(notice) => vec![Action::Notify(change(notice))],
        other => vec![other],
    })
}
