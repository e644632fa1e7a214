use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Checker, Violation};
use crate::{
    Backoff, Config, Epoch, Event, Failure, Instant, Machine, Policy, Seed, State, StateMachine,
    Stats, Step, Wake, trace::Entry,
};

/// How many calls a violation tells of.
const KEPT: usize = 64;

/// A machine that is checked at each call: a driver drives it in place of the machine.
///
/// When a promise is not kept, it panics with the [`Violation`], or, once a [`Verdict`] has been
/// taken, leaves it there and goes on unchecked. A violation by the plain [`Machine`] is a defect
/// of this crate; one by a machine of your own, or by something you have put around one, is yours.
///
/// It cannot see that jitter is missing, nor that a policy gives up too early: one run of delays and
/// one end are as good as any within the bounds. [`check_policy`](crate::testing::check_policy) asks
/// the policy for both.
///
/// ```
/// use steadfast::{client::{Builder, DialContext}, testing::{self, model::Checked}};
///
/// # let dialer = |_: DialContext| async {
/// #     Ok::<_, testing::MemoryError>(testing::pair(1).0)
/// # };
/// let connection = Builder::new(dialer, testing::ManualClock::new()).build_with(Checked::new);
/// ```
///
/// The verdict outlives the driver:
///
/// ```
/// use steadfast::{
///     Backoff, Command, Config, Instant, Seed, StateMachine, testing::model::Checked,
/// };
///
/// let (config, policy) = (Config::default(), Backoff::default());
/// let mut machine = Checked::new(config, policy, Seed::new(7), Instant::ORIGIN);
/// let verdict = machine.verdict();
/// let _ = machine.handle(Instant::ORIGIN, Command::Start.into());
/// drop(machine);
/// assert_eq!(verdict.violation(), None);
/// ```
#[derive(Debug)]
pub struct Checked<M = Machine, P = Backoff> {
    machine: M,
    checker: Checker<M, P>,
    calls: VecDeque<Entry>,
    verdict: Verdict,
    /// Somebody will ask for the verdict.
    handed_out: bool,
}

impl<P: Policy + Clone> Checked<Machine<P>, P> {
    /// A checked [`Machine::new`].
    pub fn new(config: Config, policy: P, seed: Seed, now: Instant) -> Self {
        let machine = Machine::new(config.clone(), policy.clone(), seed, now);
        Self::around(machine, config, policy, now)
    }
}

impl<M: StateMachine + Clone, P: Policy> Checked<M, P> {
    /// Checks `machine`, which has just been made at `now` with `config` and `policy`, and told
    /// nothing yet.
    pub fn around(machine: M, config: Config, policy: P, now: Instant) -> Self {
        let checker = Checker::new(&machine, config, policy, now);
        let (calls, verdict) = (VecDeque::new(), Verdict::default());
        Self { machine, checker, calls, verdict, handed_out: false }
    }
}

impl<M, P> Checked<M, P> {
    /// Where a violation will be found. From now on one does not panic.
    pub fn verdict(&mut self) -> Verdict {
        self.handed_out = true;
        self.verdict.clone()
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The last calls, at most 64, oldest first.
    pub fn calls(&self) -> impl Iterator<Item = &Entry> {
        self.calls.iter()
    }
}

impl<M: StateMachine + Clone, P: Policy> StateMachine for Checked<M, P> {
    /// # Panics
    ///
    /// If a promise is not kept, and no [`Verdict`] has been taken.
    fn handle(&mut self, now: Instant, event: Event) -> Step {
        if self.verdict.lock().is_some() {
            return self.machine.handle(now, event);
        }
        let (step, checked) = self.checker.handle(&mut self.machine, now, event);
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(Entry { at: now, event, step, state: self.machine.state() });
        if let Err(violation) = checked {
            let violation = violation.after(self.calls.iter().copied());
            assert!(self.handed_out, "{violation}");
            *self.verdict.lock() = Some(violation);
        }
        step
    }

    fn state(&self) -> State {
        self.machine.state()
    }

    fn wake(&self) -> Wake {
        self.machine.wake()
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

/// What has come of a check. Clones see the same; it outlives the machine, and can go anywhere.
///
/// ```
/// use steadfast::{Backoff, Config, Instant, Seed, testing::model::{Checked, Verdict}};
///
/// let mut checked = Checked::new(Config::default(), Backoff::default(), Seed::new(1), Instant::ORIGIN);
/// let verdict: Verdict = checked.verdict(); // kept, while the machine goes into a driver
/// assert!(verdict.violation().is_none());
/// ```
#[derive(Clone, Default)]
pub struct Verdict(Arc<Mutex<Option<Violation>>>);

impl Verdict {
    /// The first promise that was not kept, if there was one up to now.
    pub fn violation(&self) -> Option<Violation> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Violation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verdict").field(&*self.lock()).finish()
    }
}
