//! A machine, its clock, and the checker of the promises, in the words of a test.

use core::time::Duration;

use steadfast::{
    Backoff, CloseCode, Command, Config, Event, Failure, Instant, Machine, Network, Nonce, Outcome,
    Policy, Seed, Signal, State, Step, testing::model::Checker, trace,
};

use super::{Input, Setup, When, plain};

/// One call and its answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    /// What the driver's clock said, clamped to what it had said before.
    pub(crate) now: Instant,
    pub(crate) event: Event,
    pub(crate) step: Step,
    pub(crate) after: State,
}

#[derive(Clone)]
pub(crate) struct World<P = Backoff> {
    pub(crate) machine: Machine<P>,
    checker: Checker<Machine<P>, P>,
    /// The driver's present, for the next event.
    pub(crate) now: Instant,
    pub(crate) log: Vec<Entry>,
}

impl World {
    /// With the default configuration and a backoff without jitter.
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), plain())
    }

    pub(crate) fn of(setup: &Setup) -> Self {
        Self::seeded(setup.config.clone(), setup.backoff.clone(), setup.seed)
    }
}

impl<P: Policy + Clone> World<P> {
    pub(crate) fn with(config: Config, policy: P) -> Self {
        Self::seeded(config, policy, Seed::new(1))
    }

    pub(crate) fn seeded(config: Config, policy: P, seed: Seed) -> Self {
        let machine = Machine::new(config.clone(), policy.clone(), seed, Instant::ORIGIN);
        let checker = Checker::new(&machine, config, policy, Instant::ORIGIN);
        Self { machine, checker, now: Instant::ORIGIN, log: Vec::new() }
    }

    /// Feeds one event at the present and asserts all that must hold whatever happens.
    pub(crate) fn feed(&mut self, event: Event) -> Step {
        self.feed_at(self.now, event)
    }

    fn feed_at(&mut self, shown: Instant, event: Event) -> Step {
        let (step, checked) = self.checker.handle(&mut self.machine, shown, event);
        self.now = self.checker.model().now();
        self.log.push(Entry { now: self.now, event, step, after: self.machine.state() });
        if let Err(violation) = checked {
            let calls = self.log.iter().map(|entry| trace::Entry {
                at: entry.now,
                event: entry.event,
                step: entry.step,
                state: entry.after,
            });
            panic!("{}", violation.after(calls));
        }
        step
    }

    /// Plays one line of a script.
    pub(crate) fn play(&mut self, when: When, input: Input) -> Step {
        let shown = self.instant(when);
        let event = self.event(input);
        self.feed_at(shown, event)
    }

    pub(crate) fn play_all(&mut self, script: &[(When, Input)]) -> &mut Self {
        for &(when, input) in script {
            let _ = self.play(when, input);
        }
        self
    }

    fn instant(&self, when: When) -> Instant {
        let now = self.now;
        let due = self.machine.wake().instant().unwrap_or(now.saturating_add(super::secs(1)));
        match when {
            When::Same => now,
            When::After(span) => now.saturating_add(span),
            When::Due => due,
            When::JustBefore => Instant::from_nanos(due.as_nanos() - 1),
            When::JustAfter => due.saturating_add(super::NANO),
            When::Late(span) => due.saturating_add(span),
            When::Back(span) => {
                let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
                Instant::from_nanos(now.as_nanos().saturating_sub(nanos))
            }
        }
    }

    fn event(&self, input: Input) -> Event {
        let epoch = |age: i8| {
            let newest = self.machine.epoch().get();
            steadfast::Epoch::new(newest.saturating_add_signed(-i64::from(age)))
        };
        match input {
            Input::Tick => Event::Tick,
            Input::Command(command) => Event::Command(command),
            Input::Signal(age, signal) => Event::Transport(epoch(age), signal),
            Input::Pong(age, nonce_age) => {
                let newest = self.checker.model().nonce().get();
                let nonce = Nonce::new(newest.wrapping_add_signed(-i32::from(nonce_age)));
                Event::Transport(epoch(age), Signal::Pong(nonce))
            }
        }
    }

    /// Moves the clock without telling the machine.
    pub(crate) fn pass(&mut self, span: Duration) -> &mut Self {
        self.now = self.now.saturating_add(span);
        self
    }

    pub(crate) fn tick(&mut self) -> Step {
        self.feed(Event::Tick)
    }

    /// Moves the clock to the wake and ticks.
    pub(crate) fn wake(&mut self) -> Step {
        self.now = self.machine.wake().instant().expect("a deadline is running");
        self.tick()
    }

    pub(crate) fn command(&mut self, command: Command) -> Step {
        self.feed(command.into())
    }

    pub(crate) fn start(&mut self) -> Step {
        self.command(Command::Start)
    }

    pub(crate) fn stop(&mut self) -> Step {
        self.command(Command::Stop)
    }

    pub(crate) fn online(&mut self) -> Step {
        self.command(Command::Network(Network::Online))
    }

    pub(crate) fn offline(&mut self) -> Step {
        self.command(Command::Network(Network::Offline))
    }

    /// The newest transport reports.
    pub(crate) fn signal(&mut self, signal: Signal) -> Step {
        self.feed(Event::Transport(self.machine.epoch(), signal))
    }

    pub(crate) fn opened(&mut self) -> Step {
        self.signal(Signal::Opened)
    }

    pub(crate) fn received(&mut self) -> Step {
        self.signal(Signal::Received)
    }

    /// The peer answers the newest ping.
    pub(crate) fn pong(&mut self) -> Step {
        self.signal(Signal::Pong(self.checker.model().nonce()))
    }

    pub(crate) fn close_received(&mut self, code: CloseCode) -> Step {
        self.signal(Signal::CloseReceived(code.into()))
    }

    pub(crate) fn lost(&mut self, failure: impl Into<Failure>) -> Step {
        self.signal(Signal::Lost(failure.into()))
    }

    /// Starts and opens at the present.
    pub(crate) fn open(&mut self) -> &mut Self {
        let _ = self.start();
        let _ = self.opened();
        assert_eq!(self.machine.state(), State::Open);
        self
    }

    /// Fails as soon as each dial begins, until the next dial would be number `attempt`.
    pub(crate) fn fail_dials(&mut self, attempt: u32, failure: impl Into<Failure>) -> &mut Self {
        let failure = failure.into();
        while self.machine.failures() < attempt {
            if self.machine.state() == State::Backoff {
                let _ = self.wake();
            }
            let step = self.lost(failure);
            assert_eq!(step.outcome, Outcome::Applied, "a dial is under way");
        }
        self
    }

    /// How long until the wake.
    pub(crate) fn wait(&self) -> Duration {
        let due = self.machine.wake().instant().expect("a deadline is running");
        due.saturating_duration_since(self.now)
    }
}
