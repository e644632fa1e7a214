use super::{
    Model,
    Promise::{
        BoundedDelay, DeterministicReplay, EveryPhaseHasADeadline, EvidenceBeatsTheClock,
        OnlyInboundIsLife, Progress, StaleIsInert, TimeIsClamped,
    },
    Violation,
};
use crate::{
    Action, Command, Config, Event, Instant, Outcome, Policy, State, StateMachine, Step, Timer,
    Wake,
};

/// A [`Model`] and two more machines that are told the same in other words: what should make no
/// difference makes none.
///
/// - A *twin* gets a `Tick` in place of what must be as good as one, and one before each command.
/// - A *replay* gets what the machine gets, at instants that never go back.
/// - A throw-away clone gets a `Tick` before each call, which must change nothing.
///
/// So clones must not share state: a policy that keeps some in an `Rc` cannot be checked like this.
///
/// ```
/// use steadfast::{
///     Backoff, Command, Config, Instant, Machine, Seed,
///     testing::model::{Checker, Violation},
/// };
///
/// let (config, policy, now) = (Config::default(), Backoff::default(), Instant::ORIGIN);
/// let mut machine = Machine::new(config.clone(), policy.clone(), Seed::new(7), now);
/// let mut checker = Checker::new(&machine, config, policy, now);
/// let (step, checked) = checker.handle(&mut machine, now, Command::Start.into());
/// assert_eq!(step.actions.len(), 1);
/// checked?;
/// # Ok::<(), Violation>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checker<M, P> {
    model: Model<P>,
    twin: M,
    replay: M,
}

impl<M: StateMachine + Clone, P: Policy> Checker<M, P> {
    /// Checks `machine`, which has just been made at `now` with `config` and `policy`, and told
    /// nothing yet.
    pub fn new(machine: &M, config: Config, policy: P, now: Instant) -> Self {
        Self::resume(Model::new(config, policy, now), machine)
    }

    /// Goes on with a `model` that has followed `machine` up to here.
    pub fn resume(model: Model<P>, machine: &M) -> Self {
        Self { model, twin: machine.clone(), replay: machine.clone() }
    }

    /// The model.
    pub fn model(&self) -> &Model<P> {
        &self.model
    }

    /// The model alone.
    pub fn into_model(self) -> Model<P> {
        self.model
    }

    /// The twin. It has counted other events than the machine, and drawn the same randomness.
    pub fn twin(&self) -> &M {
        &self.twin
    }

    /// Tells `machine` of `event`, and checks its answer.
    ///
    /// # Errors
    ///
    /// With the answer comes the first promise that was not kept. What is checked after that means
    /// nothing.
    pub fn handle(
        &mut self,
        machine: &mut M,
        at: Instant,
        event: Event,
    ) -> (Step, Result<(), Violation>) {
        let early = self.check_early_tick(machine);
        let (backwards, now) = (at < self.model.now(), self.model.now().max(at));
        let current = self.model.is_current(event);
        let step = machine.handle(at, event);
        let checked = early
            .and_then(|()| self.model.follow(at, event, &step, machine))
            .and_then(|()| self.check_replay(now, event, &step, backwards))
            .and_then(|()| self.check_twin(now, event, current, &step, machine));
        (step, checked)
    }

    /// Before its deadline a `Tick` is the identity.
    fn check_early_tick(&self, machine: &M) -> Result<(), Violation> {
        let now = self.model.now();
        let (last, promise) = match machine.wake() {
            Wake::At(due, timer) => {
                (Instant::from_nanos(due.as_nanos().saturating_sub(1)), of_timer(timer))
            }
            Wake::Idle => (now, Progress),
        };
        for early in [now, last] {
            let mut early_bird = machine.clone();
            let step = early_bird.handle(early, Event::Tick);
            let changed = !step.actions.is_empty()
                || step.wake != machine.wake()
                || early_bird.state() != machine.state();
            promise.requires(!changed, || {
                format!("a tick at {early:?}, when nothing is due, was answered with {step:?}")
            })?;
        }
        Ok(())
    }

    /// The same once more is the same.
    fn check_replay(
        &mut self,
        now: Instant,
        event: Event,
        step: &Step,
        backwards: bool,
    ) -> Result<(), Violation> {
        let again = self.replay.handle(now, event);
        let promise = if backwards { TimeIsClamped } else { DeterministicReplay };
        promise.requires(again == *step, || {
            format!("the same machine, told the same at {now:?}, answered {again:?}")
        })
    }

    /// `Stale` and `Inapplicable` are worth a `Tick`; a command comes after what is due, but a stop
    /// prevents a dial that is due.
    fn check_twin(
        &mut self,
        now: Instant,
        event: Event,
        current: bool,
        step: &Step,
        machine: &M,
    ) -> Result<(), Violation> {
        let stops = event == Command::Stop.into() && self.twin.state() == State::Backoff;
        let (promise, told): (_, &[Event]) = match step.outcome {
            Outcome::Applied if stops => (DeterministicReplay, &[event]),
            Outcome::Stale | Outcome::Inapplicable => (StaleIsInert, &[Event::Tick]),
            Outcome::Applied if current => (DeterministicReplay, &[event]),
            Outcome::Applied => (EvidenceBeatsTheClock, &[Event::Tick, event]),
        };
        let mut actions = Vec::new();
        let mut wake = self.twin.wake();
        for event in told {
            let step = self.twin.handle(now, *event);
            actions.extend(step.actions);
            wake = step.wake;
        }
        let same = step.actions.iter().eq(actions.iter().copied())
            && step.wake == wake
            && looks(machine) == looks(&self.twin);
        promise.requires(same, || {
            let words: Vec<Action> = step.actions.iter().collect();
            format!("{told:?} should be as good, and gives {actions:?} instead of {words:?}")
        })
    }
}

/// What anybody can see of a machine, what it counts aside.
fn looks(machine: &impl StateMachine) -> impl PartialEq {
    (
        machine.state(),
        machine.wake(),
        machine.epoch(),
        machine.failures(),
        machine.last_failure(),
        machine.since(),
    )
}

/// What is promised of a deadline that must not come early.
fn of_timer(timer: Timer) -> super::Promise {
    match timer {
        Timer::Connect | Timer::Close => EveryPhaseHasADeadline,
        Timer::Ping | Timer::Pong | Timer::Silence => OnlyInboundIsLife,
        Timer::Retry => BoundedDelay,
    }
}
