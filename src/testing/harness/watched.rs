//! The machine that a driver under test drives: what it is told is held against what happened, and
//! what it says is written down as owed.

use std::panic;

use super::{
    super::model::{
        Checked,
        Promise::{
            EvidenceBeatsTheClock, LastErrorSurvives, OneConnection, Progress, StaleIsInert,
            StopMeansStop, TimeIsClamped,
        },
        Verdict, Violation,
    },
    link::Link,
    scene::Scene,
    stage::Shared,
};
use crate::{
    Action, Command, Config, Epoch, Event, Failure, Instant, Seed, Signal, State, StateMachine,
    Stats, Step, Wake,
    client::{Clock, DialContext},
    policy::Backoff,
    trace::Entry,
};

/// How many calls at one instant for nothing are still no hot loop.
const FOR_NOTHING: u32 = 16;
/// How many calls at one instant are one, whatever they are for.
const AT_ONCE: u32 = 5_000;

/// The machine of a [`Stage`](super::Stage).
#[derive(Debug)]
pub struct Watched {
    machine: Checked,
    verdict: Verdict,
    shared: Shared,
}

/// Why a driver under test is unwound: it would not have come back by itself.
pub(super) struct HotLoop;

impl Watched {
    pub(super) fn new(config: Config, policy: Backoff, seed: u64, shared: Shared) -> Self {
        let now = shared.lock().clock.now();
        let mut machine = Checked::new(config, policy, Seed::new(seed), now);
        let verdict = machine.verdict();
        Self { machine, verdict, shared }
    }
}

impl StateMachine for Watched {
    fn handle(&mut self, now: Instant, event: Event) -> Step {
        let mut scene = self.shared.lock();
        let told = scene.told(now, event);
        scene.keep(told);
        let hot = scene.check_rate(event);
        drop(scene);
        if let Err(violation) = hot {
            self.shared.lock().keep(Err(violation));
            // Not by the hook for panics: the violation is told by the harness.
            panic::resume_unwind(Box::new(HotLoop));
        }
        let step = self.machine.handle(now, event);
        let entry = Entry { at: now, event, step, state: self.machine.state() };
        let mut scene = self.shared.lock();
        if let Some(violation) = self.verdict.violation() {
            scene.keep(Err(violation));
        }
        scene.said(entry);
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

impl Scene {
    /// Holds what the machine is told against what has happened.
    fn told(&mut self, at: Instant, event: Event) -> Result<(), Violation> {
        let now = self.now();
        TimeIsClamped
            .requires(at == now, || format!("the clock says {now:?}, and the driver {at:?}"))?;
        match event {
            Event::Tick if self.is_due() => self.check_evidence(|_| true),
            Event::Tick => Ok(()),
            // A command tells the time, too. But what becomes of a dial that is stopped matters to nobody.
            Event::Command(command) if self.is_due() => {
                let matters = |link: &Link| link.connected || command != Command::Stop;
                self.check_evidence(matters).and_then(|()| self.told_command(command))
            }
            Event::Command(command) => self.told_command(command),
            Event::Transport(epoch, signal) => self.told_signal(epoch, signal),
        }
    }

    pub(super) fn is_due(&self) -> bool {
        self.wake.instant().is_some_and(|due| due <= self.now())
    }

    /// Before time is told of, all that came in must have been.
    fn check_evidence(&self, matters: impl Fn(&Link) -> bool) -> Result<(), Violation> {
        let read = |link: &&Link| !link.over && !link.paused && matters(link);
        for link in self.links.values().filter(read) {
            let epoch = link.epoch;
            EvidenceBeatsTheClock.requires(!link.is_readable() && link.owed.is_empty(), || {
                format!("a deadline was told of before what came in on {epoch}")
            })?;
        }
        Ok(())
    }

    fn told_command(&mut self, command: Command) -> Result<(), Violation> {
        match self.taken.front() {
            Some(taken) if *taken == command => {
                self.taken.pop_front();
                Ok(())
            }
            // A driver may start by itself, once.
            None if command == Command::Start && self.calls.is_empty() => Ok(()),
            taken => Err(StopMeansStop
                .broken(format!("the machine was told to {command:?}, and asked was {taken:?}"))),
        }
    }

    fn told_signal(&mut self, epoch: Epoch, signal: Signal) -> Result<(), Violation> {
        let now = self.now();
        let from = |link: &&Link| link.epoch != epoch && link.owes(signal);
        let other = self.links.values().find(from).map(|link| link.epoch);
        let Some(link) = self.links.get_mut(&epoch) else {
            return Err(StaleIsInert.broken(format!("{epoch}, of which it was told, is no dial")));
        };
        if let Some(other) = other.filter(|_| !link.owes(signal)) {
            let what = format!("{signal:?} came from {other}, and was reported from {epoch}");
            return Err(StaleIsInert.broken(what));
        }
        if link.over { Ok(()) } else { link.report(now, signal) }
    }

    /// Counts a call, and those for nothing.
    fn check_rate(&mut self, event: Event) -> Result<(), Violation> {
        let now = self.now();
        let (at, calls, idle) = self.calls_now;
        let (calls, idle) = if at == now { (calls, idle) } else { (0, 0) };
        let idle = idle + u32::from(event == Event::Tick && !self.is_due());
        self.calls_now = (now, calls + 1, idle);
        Progress.requires(idle <= FOR_NOTHING && calls < AT_ONCE, || {
            format!("{} calls at one instant, {idle} of them for nothing", calls + 1)
        })
    }

    /// Writes down what the machine wants.
    fn said(&mut self, entry: Entry) {
        self.report.calls += 1;
        (self.wake, self.state) = (entry.step.wake, entry.state);
        self.calls.push(entry);
        for action in entry.step.actions {
            match action {
                Action::Dial { epoch, attempt, credentials } => {
                    let nature = self.draw_nature();
                    let context = DialContext::new(epoch, attempt, credentials);
                    self.links.insert(epoch, Link::new(context, nature));
                }
                Action::Ping { epoch, nonce } => {
                    if let Some(link) = self.links.get_mut(&epoch) {
                        link.pings.push_back(nonce);
                    }
                }
                Action::Close { epoch, code } => {
                    if let Some(link) = self.links.get_mut(&epoch) {
                        link.close = Some(code);
                    }
                }
                Action::Abort { epoch } => {
                    if let Some(link) = self.links.get_mut(&epoch) {
                        link.is_over();
                        link.aborted = true;
                    }
                }
                Action::Notify(_) => {}
            }
        }
    }

    /// Holds a dial that begins against what the machine said.
    pub(super) fn dialed(&mut self, context: DialContext) -> Result<(), Violation> {
        let epoch = context.epoch;
        if let Some(other) = self.links.values().find(|link| link.held) {
            let other = other.epoch;
            return Err(OneConnection.broken(format!("{epoch} was dialed beside {other}")));
        }
        let ordered = self.links.get_mut(&epoch).and_then(|link| link.ordered.take());
        match ordered {
            Some(ordered)
                if ordered.with_session(context.session).with_entropy(context.entropy)
                    == context =>
            {
                Ok(())
            }
            Some(ordered) => Err(LastErrorSurvives
                .broken(format!("the dialer was told {context:?} in place of {ordered:?}"))),
            None if matches!(self.state, State::Closed(_)) => {
                Err(StopMeansStop.broken(format!("{epoch} was dialed after the end")))
            }
            None => Err(OneConnection.broken(format!("{epoch} was dialed, and not wanted"))),
        }
    }
}
