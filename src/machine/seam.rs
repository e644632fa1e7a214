use core::borrow::Borrow;

use super::{Machine, State};
use crate::{Config, Epoch, Event, Failure, Instant, Policy, Stats, Step, Wake};

/// What a driver drives: a [`Machine`], or something around one that looks on, such as a recorder.
///
/// A driver that is written for this trait can be recorded and checked as it is. The methods mean
/// what those of [`Machine`] mean.
///
/// ```
/// use steadfast::{Command, Instant, StateMachine, Step};
///
/// fn start(machine: &mut impl StateMachine, now: Instant) -> Step {
///     machine.handle(now, Command::Start.into())
/// }
/// # let machine = (steadfast::Config::default(), steadfast::Backoff::default());
/// # let mut machine =
/// #     steadfast::Machine::new(machine.0, machine.1, steadfast::Seed::new(1), Instant::ORIGIN);
/// # assert_eq!(start(&mut machine, Instant::ORIGIN).actions.len(), 1);
/// ```
pub trait StateMachine {
    /// Takes one event into account.
    fn handle(&mut self, now: Instant, event: Event) -> Step;

    /// The state.
    fn state(&self) -> State;

    /// The wake of the last step.
    fn wake(&self) -> Wake;

    /// The newest epoch.
    fn epoch(&self) -> Epoch;

    /// Failures in a row since the link was last stable.
    fn failures(&self) -> u32;

    /// The last failure since the link was last stable.
    fn last_failure(&self) -> Option<Failure>;

    /// When the link last went up or down, or the machine was started.
    fn since(&self) -> Instant;

    /// What has been counted.
    fn stats(&self) -> Stats;
}

impl<P: Policy, C: Borrow<Config>> StateMachine for Machine<P, C> {
    #[inline(always)]
    fn handle(&mut self, now: Instant, event: Event) -> Step {
        self.handle(now, event)
    }

    #[inline]
    fn state(&self) -> State {
        self.state()
    }

    fn wake(&self) -> Wake {
        self.wake()
    }

    fn epoch(&self) -> Epoch {
        self.epoch()
    }

    fn failures(&self) -> u32 {
        self.failures()
    }

    fn last_failure(&self) -> Option<Failure> {
        self.last_failure()
    }

    fn since(&self) -> Instant {
        self.since()
    }

    fn stats(&self) -> Stats {
        self.stats()
    }
}
