//! The machine: one total function from (state, time, event) to (state, actions, wake).

mod apply;
mod enter;
mod retry;
mod seam;
#[cfg(feature = "testing")]
mod shape;
mod state;

use core::{borrow::Borrow, fmt};

use retry::Retry;
pub use seam::StateMachine;
#[cfg(feature = "testing")]
pub use shape::Shape;
use state::Phase;
pub use state::State;

use crate::{
    Actions, Command, Config, Epoch, Event, Failure, Nonce, Outcome, Policy, Seed, Signal, Stats,
    Step, Wake, policy::Backoff, rng::SplitMix64, round_trip::Variation, time::Instant,
};

/// Decides when one WebSocket client dials, pings, hangs up, waits and gives up.
///
/// It performs no I/O, reads no clock, allocates nothing and never sees a payload. A driver has
/// five obligations:
///
/// 1. Pass every event to [`handle`](Self::handle), with the current time of one monotonic clock.
/// 2. Carry out the actions of each [`Step`], in order.
/// 3. Tag what a transport reports with the epoch of its [`Dial`](crate::Action::Dial).
/// 4. Call again at the [`Wake`] of the *latest* step if nothing happens before.
/// 5. When a frame and a deadline are due at once, report the frame first.
///
/// Configuration and policy may be owned or shared: `C` may be `Config`, `&Config` or
/// `Arc<Config>`; `P` may be a [`Backoff`], `&Backoff`, a closure or any other [`Policy`].
///
/// ```
/// use steadfast::{Action, Backoff, Command, Config, Event, Instant, Machine, Seed, State};
///
/// let mut machine =
///     Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// let step = machine.handle(Instant::ORIGIN, Event::Command(Command::Start));
/// assert!(matches!(step.actions.iter().next(), Some(Action::Dial { attempt: 0, .. })));
/// assert_eq!(machine.state(), State::Connecting);
/// ```
#[derive(Clone)]
pub struct Machine<P = Backoff, C = Config> {
    config: C,
    policy: P,
    rng: SplitMix64,
    /// The latest `now` that a driver has passed in.
    now: Instant,
    epoch: Epoch,
    phase: Phase,
    /// When the link last went up or down, or the machine started.
    since: Instant,
    retry: Retry,
    nonce: Nonce,
    /// Part of the open link's round trip, for which its state has no room.
    variation: Variation,
    opens: u32,
    stale: u32,
    inapplicable: u32,
    clock_regressions: u32,
}

impl<P: Policy, C: Borrow<Config>> Machine<P, C> {
    /// A machine in [`State::Idle`] that assumes that there is a network.
    pub fn new(config: C, policy: P, seed: Seed, now: Instant) -> Self {
        let now = now.min(Instant::LAST);
        Self {
            config,
            policy,
            rng: SplitMix64::new(seed),
            now,
            epoch: Epoch::default(),
            phase: Phase::Idle,
            since: now,
            retry: Retry::new(now),
            nonce: Nonce::default(),
            variation: Variation::default(),
            opens: 0,
            stale: 0,
            inapplicable: 0,
            clock_regressions: 0,
        }
    }

    /// Handles one event. Total: it never panics, never fails and never allocates.
    ///
    /// An event of the current transport is applied before a deadline that is due, and a command
    /// after it, except that [`Stop`](crate::Command::Stop) prevents a dial that is due. A `now`
    /// before an earlier one counts as the earlier one; the last instant of the clock, `u64::MAX`,
    /// as the one before it.
    // Inlined together with `step`, `signal` and `command`, which have no other caller: a step then
    // saves no registers, and a driver's copy of the answer is the only one.
    #[inline(always)]
    pub fn handle(&mut self, now: Instant, event: Event) -> Step {
        let now = self.observe(now);
        match (event, &mut self.phase) {
            // The row of the table that every frame takes. It leaves no deadline due and says
            // nothing, so it need not pass through a whole step.
            (Event::Transport(epoch, Signal::Received), Phase::Open(pulse))
                if epoch == self.epoch =>
            {
                pulse.inbound(now, self.config.borrow());
                let wake = pulse.wake();
                Step { actions: Actions::new(), wake, outcome: Outcome::Applied }
            }
            _ => self.step(now, event),
        }
    }

    #[inline(always)]
    fn step(&mut self, now: Instant, event: Event) -> Step {
        let mut actions = Actions::new();
        let (outcome, wake) = match event {
            Event::Transport(epoch, signal) if epoch == self.epoch => {
                let outcome = self.signal(now, signal, &mut actions);
                (outcome, self.settle(now, &mut actions))
            }
            Event::Transport(..) => (Outcome::Stale, self.settle(now, &mut actions)),
            Event::Command(command) => {
                // Who stops wants no dial, not even one that is due.
                if !matches!((command, &self.phase), (Command::Stop, Phase::Backoff { .. })) {
                    self.settle(now, &mut actions);
                }
                let outcome = self.command(now, command, &mut actions);
                (outcome, self.phase.wake())
            }
            Event::Tick => (Outcome::Applied, self.settle(now, &mut actions)),
        };
        match outcome {
            Outcome::Applied => {}
            Outcome::Stale => self.stale = self.stale.saturating_add(1),
            Outcome::Inapplicable => self.inapplicable = self.inapplicable.saturating_add(1),
        }
        // Nearly every step has at most one action: then only that is copied.
        match actions.only() {
            Some(actions) => Step { actions, wake, outcome },
            None => Step { actions, wake, outcome },
        }
    }

    /// The state.
    #[inline]
    pub fn state(&self) -> State {
        self.phase.state(self.retry.last_failure())
    }

    /// The wake of the last step.
    pub fn wake(&self) -> Wake {
        self.phase.wake()
    }

    /// The newest epoch, whether it is still alive or not. Zero before the first dial.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Failures in a row since the link was last stable, as of the last event.
    pub fn failures(&self) -> u32 {
        if self.is_stable() { 0 } else { self.retry.failures() }
    }

    /// The last failure since the link was last stable.
    pub fn last_failure(&self) -> Option<Failure> {
        if self.is_stable() { None } else { self.retry.last_failure() }
    }

    /// When the link last went up or down, or, before it was ever up, when the machine was started
    /// last: with the present, how long it has been up, or down.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// What has been counted.
    pub fn stats(&self) -> Stats {
        Stats {
            dials: self.epoch.get(),
            opens: self.opens,
            stale: self.stale,
            inapplicable: self.inapplicable,
            clock_regressions: self.clock_regressions,
            round_trip: match &self.phase {
                Phase::Open(pulse) => pulse.round_trip(self.variation),
                _ => None,
            },
        }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        self.config.borrow()
    }

    fn observe(&mut self, now: Instant) -> Instant {
        let now = now.min(Instant::LAST);
        if now < self.now {
            self.clock_regressions = self.clock_regressions.saturating_add(1);
        } else {
            self.now = now;
        }
        self.now
    }

    fn is_stable(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
            && self.now.since(self.since) >= self.config().stable_after
    }
}

impl<P, C: fmt::Debug> fmt::Debug for Machine<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("phase", &self.phase)
            .field("now", &self.now)
            .field("epoch", &self.epoch)
            .field("since", &self.since)
            .field("retry", &self.retry)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
