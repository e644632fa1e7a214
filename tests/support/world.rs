//! A machine, its clock, and three witnesses: a model of the surroundings, a twin that gets a
//! `Tick` wherever an event must be no more than that, and throw-away clones.

use core::time::Duration;

use steadfast::{
    Action, Backoff, CloseCode, Command, Config, Event, Failure, Instant, Machine, Network, Nonce,
    Outcome, Policy, Seed, Signal, State, Step, Wake,
};

use super::{
    Input, Setup, When,
    model::{Model, Moment},
    plain,
};

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
    /// Gets a `Tick` in place of what must be as good as one, and one before each command.
    twin: Machine<P>,
    model: Model,
    /// The machine's present: the latest that it has been shown.
    seen: Instant,
    /// The driver's present, for the next event.
    pub(crate) now: Instant,
    pub(crate) log: Vec<Entry>,
    nonce: Nonce,
}

impl World {
    /// With the default configuration and a backoff without jitter.
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), plain())
    }

    pub(crate) fn of(setup: &Setup) -> Self {
        Self::seeded(setup.config.clone(), setup.backoff.clone(), Seed::new(setup.seed))
    }
}

impl<P: Policy + Clone> World<P> {
    pub(crate) fn with(config: Config, policy: P) -> Self {
        Self::seeded(config, policy, Seed::new(1))
    }

    pub(crate) fn seeded(config: Config, policy: P, seed: Seed) -> Self {
        let model = Model::new(&config, policy.bounds());
        let machine = Machine::new(config, policy, seed, Instant::ORIGIN);
        let (twin, nonce) = (machine.clone(), Nonce::default());
        let origin = Instant::ORIGIN;
        Self { machine, twin, model, seen: origin, now: origin, log: Vec::new(), nonce }
    }

    /// Feeds one event at the present and asserts all that must hold whatever happens.
    pub(crate) fn feed(&mut self, event: Event) -> Step {
        self.feed_at(self.now, event)
    }

    fn feed_at(&mut self, shown: Instant, event: Event) -> Step {
        self.assert_not_early();
        let before = self.machine.stats();
        let moment =
            Moment { now: self.seen.max(shown), event, current: self.model.is_current(event) };
        let step = self.machine.handle(shown, event);
        let stats = self.machine.stats();

        let is_stale = matches!(event, Event::Transport(..)) && !moment.current;
        assert_eq!(step.outcome == Outcome::Stale, is_stale, "stale is what is not current");
        assert_eq!(stats.stale - before.stale, u32::from(is_stale));
        let inapplicable = u32::from(step.outcome == Outcome::Inapplicable);
        assert_eq!(stats.inapplicable - before.inapplicable, inapplicable);
        let backwards = u32::from(shown < self.seen);
        assert_eq!(stats.clock_regressions - before.clock_regressions, backwards);
        assert_eq!(step.actions.len(), step.actions.iter().count());
        assert_eq!(step.wake, self.machine.wake(), "the wake arrives with the step");

        (self.seen, self.now) = (moment.now, moment.now);
        self.assert_twin_agrees(moment, &step);
        self.model.check(moment, &step, &self.machine);
        for action in step.actions {
            if let Action::Ping { nonce, .. } = action {
                self.nonce = nonce;
            }
        }
        self.log.push(Entry { now: self.now, event, step, after: self.machine.state() });
        step
    }

    /// Before its deadline a `Tick` is the identity.
    fn assert_not_early(&self) {
        let Wake::At(due, _) = self.machine.wake() else { return };
        for early in [self.seen.as_nanos(), due.as_nanos() - 1] {
            let mut early_bird = self.machine.clone();
            let step = early_bird.handle(Instant::from_nanos(early), Event::Tick);
            assert!(step.actions.is_empty(), "{:?} before {due:?}", step.actions);
            assert_eq!(step.wake, self.machine.wake(), "an early tick moves no deadline");
        }
    }

    /// `Stale` and `Inapplicable` are worth a `Tick`; a command comes after what is due.
    fn assert_twin_agrees(&mut self, moment: Moment, step: &Step) {
        let mut actions = Vec::new();
        let mut wake = self.twin.wake();
        let mut twin = |event| {
            let step = self.twin.handle(moment.now, event);
            actions.extend(step.actions);
            wake = step.wake;
        };
        if step.outcome != Outcome::Applied {
            twin(Event::Tick);
        } else if moment.current {
            twin(moment.event);
        } else {
            twin(Event::Tick);
            twin(moment.event);
        }
        assert_eq!(step.actions.iter().collect::<Vec<_>>(), actions, "the twin does the same");
        assert_eq!(step.wake, wake, "the twin wakes at the same time");
        assert_eq!(self.machine.state(), self.twin.state());
        assert_eq!(self.machine.failures(), self.twin.failures());
        assert_eq!(self.machine.last_failure(), self.twin.last_failure());
        assert_eq!(self.machine.since(), self.twin.since());
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
                let nonce = Nonce::new(self.nonce.get().wrapping_sub(nonce_age));
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
        self.signal(Signal::Pong(self.nonce))
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
