//! The surroundings of a machine, kept from its answers alone, and what must hold in them.

use super::{
    Promise::{
        EvidenceBeatsTheClock, NoStall, OnlyInboundIsLife, StaleIsInert, StopMeansStop,
        TimeIsClamped,
    },
    Violation,
    link::Link,
};
use crate::{
    Action, ClosedReason, Command, Config, Epoch, Event, Failure, Instant, Network, Nonce, Notice,
    Outcome, Policy, Signal, StateMachine, Stats, Step, Wake, time::Nanos,
};

/// What must hold around a machine: kept from what it was told and what it answered, without a look
/// inside, and compared with what it lets everybody see.
///
/// It knows the rules and not the machine, so it can follow anything that calls itself a
/// [`StateMachine`]. It asks a policy for its [`bounds`](Policy::bounds) and its
/// [`classify`](Policy::classify) alone, so these should not depend on what the policy was asked
/// before.
///
/// ```
/// use steadfast::{
///     Backoff, Command, Config, Instant, Machine, Seed, StateMachine,
///     testing::model::{Model, Violation},
/// };
///
/// let (config, policy, now) = (Config::default(), Backoff::default(), Instant::ORIGIN);
/// let mut model = Model::new(config.clone(), &policy, now);
/// let mut machine = Machine::new(config, &policy, Seed::new(7), now);
/// let start = Command::Start.into();
/// let step = machine.handle(now, start);
/// model.follow(now, start, &step, &machine)?;
/// # Ok::<(), Violation>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model<P> {
    pub(super) config: Config,
    pub(super) policy: P,
    /// The latest instant that the machine has been shown.
    pub(super) now: Instant,
    pub(super) wake: Wake,
    pub(super) stats: Stats,
    pub(super) live: Option<Link>,
    pub(super) newest: Epoch,
    pub(super) nonce: Nonce,
    pub(super) up: Option<Epoch>,
    pub(super) ups: u32,
    pub(super) failures: u32,
    pub(super) last_failure: Option<Failure>,
    pub(super) refresh: Refresh,
    pub(super) running: bool,
    /// What the last end was told as.
    pub(super) closed: Option<ClosedReason>,
    pub(super) online: bool,
    pub(super) stopped_at: Option<Instant>,
    /// When the link went down, or the machine started.
    pub(super) down_since: Instant,
    /// The soonest that the next dial may come.
    pub(super) earliest: Instant,
    /// When the next dial was announced for.
    pub(super) until: Instant,
}

/// The one refresh of the credentials that a refusal earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Refresh {
    Unused,
    Due,
    Used,
}

/// One call, while it is followed.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) now: Instant,
    pub(super) event: Event,
    /// How long ago the deadline was that is due, if one is.
    pub(super) late: Nanos,
    /// The link that has just ended, with what its transport said.
    pub(super) ended: Option<(Link, Option<Failure>)>,
    /// What announces the end must be followed by it.
    pub(super) must_close: bool,
    /// Why it must be: the classifier forbids another dial.
    pub(super) is_fatal: bool,
    /// How soon an answer to a ping must come, if something has set that anew.
    pub(super) answer_within: Option<Nanos>,
}

impl<P: Policy> Model<P> {
    /// The surroundings of a machine that has just been made at `now` and told nothing yet.
    pub fn new(config: Config, policy: P, now: Instant) -> Self {
        let now = now.min(Instant::LAST);
        Self {
            config,
            policy,
            now,
            wake: Wake::Idle,
            stats: Stats::default(),
            live: None,
            newest: Epoch::default(),
            nonce: Nonce::default(),
            up: None,
            ups: 0,
            failures: 0,
            last_failure: None,
            refresh: Refresh::Unused,
            running: false,
            closed: None,
            online: true,
            stopped_at: None,
            down_since: now,
            earliest: Instant::ORIGIN,
            until: Instant::ORIGIN,
        }
    }

    /// The present of the machine: the latest instant that it has been shown.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The nonce of the newest ping; zero before the first.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// Whether `event` is a signal of the transport that is alive.
    pub fn is_current(&self, event: Event) -> bool {
        let live = self.live.as_ref().map(|link| link.epoch);
        matches!(event, Event::Transport(epoch, _) if Some(epoch) == live)
    }

    /// Follows one call, after which `machine` looks as it does.
    ///
    /// # Errors
    ///
    /// The first promise that was not kept. What follows after that means nothing.
    pub fn follow(
        &mut self,
        at: Instant,
        event: Event,
        step: &Step,
        machine: &impl StateMachine,
    ) -> Result<(), Violation> {
        let current = self.is_current(event);
        self.check_counts(at, event, step, machine.stats(), current)?;
        let now = self.now.max(at.min(Instant::LAST));
        let late = self.wake.instant().map_or(Nanos(0), |due| now.since(due));
        let (ended, must_close, answer_within) = (None, false, None);
        let is_fatal = false;
        let mut call = Call { now, event, late, ended, must_close, is_fatal, answer_within };

        let was_running = self.running;
        if let (true, Event::Transport(_, signal)) = (current, event) {
            self.hear(&mut call, signal, step)?;
        }
        if let Some(open) = self.live.as_mut().and_then(Link::flowing) {
            open.wait_on(now, &self.config);
        }
        for action in step.actions {
            let may = was_running || self.running || event == Command::Start.into();
            StopMeansStop.requires(may, || format!("{action:?} came before a start"))?;
            self.obey(&mut call, action)?;
        }
        self.check_timed(&call)?;
        StopMeansStop
            .requires(!call.must_close, || "the end was announced and did not come".to_owned())?;
        self.command(now, event)?;
        self.check_effect(&call, step)?;
        self.now = now;
        self.check_looks(&call, step.wake, machine)?;
        self.wake = step.wake;
        Ok(())
    }

    /// Holds the outcome against what the event was, and what is counted against both.
    fn check_counts(
        &mut self,
        at: Instant,
        event: Event,
        step: &Step,
        stats: Stats,
        current: bool,
    ) -> Result<(), Violation> {
        let before = std::mem::replace(&mut self.stats, stats);
        let counted = |before: u32, one: bool| before.saturating_add(u32::from(one));
        let stale = matches!(event, Event::Transport(..)) && !current;
        StaleIsInert.requires((step.outcome == Outcome::Stale) == stale, || {
            format!("the outcome is {:?}, and stale is {stale}", step.outcome)
        })?;
        let inapplicable = step.outcome == Outcome::Inapplicable;
        let miscounted = || format!("{stats:?} counts something else, after {before:?}");
        StaleIsInert.requires(
            stats.stale == counted(before.stale, stale)
                && stats.inapplicable == counted(before.inapplicable, inapplicable),
            miscounted,
        )?;
        let backwards = at.min(Instant::LAST) < self.now;
        TimeIsClamped.requires(
            stats.clock_regressions == counted(before.clock_regressions, backwards),
            miscounted,
        )
    }

    /// A signal of the transport that is alive is believed before any deadline.
    fn hear(&mut self, call: &mut Call, signal: Signal, step: &Step) -> Result<(), Violation> {
        let Some(link) = &mut self.live else { return Ok(()) };
        let is_dial = link.open.is_none();
        let first = step.actions.iter().next();
        let answered = match (signal, link.flowing()) {
            (Signal::Lost(failure), _) => {
                call.ended = self.live.take().map(|link| (link, Some(failure)));
                self.earliest = call.now.after(self.policy.bounds().floor);
                !step.actions.iter().any(|action| matches!(action, Action::Abort { .. }))
            }
            (Signal::Opened, None) if is_dial => {
                matches!(first, Some(Action::Notify(Notice::Up { .. })))
            }
            (_, None) => true,
            (_, Some(open)) => {
                let paused = match signal {
                    Signal::ReadPaused => Some(true),
                    Signal::ReadResumed => Some(false),
                    _ => None,
                };
                let applies = paused.is_none_or(|paused| paused != open.paused);
                let applied = step.outcome == Outcome::Applied;
                StaleIsInert.requires(paused.is_none() || applies == applied, || {
                    format!("{signal:?} was {:?}, and paused is {}", step.outcome, open.paused)
                })?;
                open.hear(call.now, signal, &self.config);
                call.answer_within = Some(self.config.pong_timeout);
                match signal {
                    Signal::CloseReceived(_) => matches!(first, Some(Action::Close { .. })),
                    Signal::Received => first.is_none(),
                    Signal::Pong(_) => {
                        matches!(first, None | Some(Action::Notify(Notice::RoundTrip { .. })))
                    }
                    _ => true,
                }
            }
        };
        EvidenceBeatsTheClock
            .requires(answered, || format!("{signal:?} was answered with {:?}", step.actions))
    }

    /// The Pong of the newest ping has been told as a round trip.
    fn check_timed(&mut self, call: &Call) -> Result<(), Violation> {
        let Event::Transport(epoch, Signal::Pong(nonce)) = call.event else { return Ok(()) };
        let open = self.live.as_mut().filter(|link| link.epoch == epoch).and_then(Link::flowing);
        let untold = open.and_then(|open| open.timed).is_some_and(|(timed, _)| timed == nonce);
        OnlyInboundIsLife.requires(!untold, || "a round trip was not told".to_owned())
    }

    /// What a command asks for, once it has been answered.
    fn command(&mut self, now: Instant, event: Event) -> Result<(), Violation> {
        match event {
            Event::Command(Command::Start) => {
                self.stopped_at = None;
                NoStall.requires(self.running, || "a start did nothing".to_owned())?;
            }
            Event::Command(Command::Stop) if self.running => {
                self.stopped_at = Some(self.stopped_at.unwrap_or(now));
                if let Some(open) = self.live.as_mut().and_then(|link| link.open.as_mut()) {
                    open.by_us = true;
                }
            }
            Event::Command(Command::Network(network)) => self.online = network == Network::Online,
            _ => {}
        }
        Ok(())
    }
}
