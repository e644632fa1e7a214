//! Holding what a machine lets everybody see against what the model knows.

use super::{
    Model,
    Promise::{
        BoundedDelay, EveryPhaseHasADeadline, LastErrorSurvives, NoStall, OneConnection,
        OnlyInboundIsLife, Progress, StabilityResets, StaleIsInert, StopMeansStop, TimeIsClamped,
    },
    Violation,
    reference::Call,
};
use crate::{
    Command, Config, Event, Instant, Network, Outcome, Policy, State, StateMachine, Step, Timer,
    Wake, time::Nanos,
};

impl<P: Policy> Model<P> {
    pub(super) fn check_looks(
        &self,
        call: &Call,
        wake: Wake,
        machine: &impl StateMachine,
    ) -> Result<(), Violation> {
        let now = call.now;
        Progress.requires(wake.instant().is_none_or(|due| due > now), || {
            format!("{wake:?} is not after {now:?}")
        })?;
        let (state, looks) = (machine.state(), machine.wake());
        NoStall
            .requires(looks == wake, || format!("the step says {wake:?}, the machine {looks:?}"))?;
        self.check_state(wake, state)?;
        self.check_waiting(call, state)?;
        self.check_deadline(call, wake, state)?;
        if let Some(stopped) = self.stopped_at {
            let end = stopped.after(self.config.close_timeout);
            let ends = now < end && wake.instant().is_some_and(|due| due <= end);
            StopMeansStop.requires(ends || end == Instant::NEVER, || {
                format!("it was stopped at {stopped:?} and goes on, with {wake:?}")
            })?;
        }
        self.check_memory(now, state, machine)
    }

    /// The state is that of the surroundings.
    fn check_state(&self, wake: Wake, state: State) -> Result<(), Violation> {
        let link = self.live.as_ref();
        let open = link.and_then(|link| link.open.as_ref());
        let transport = match state {
            State::Connecting => link.is_some() && open.is_none(),
            State::Open => open.is_some_and(|open| open.closing_at.is_none()),
            State::Closing => open.is_some_and(|open| open.closing_at.is_some()),
            State::Idle | State::Closed(_) | State::Backoff | State::Offline => link.is_none(),
        };
        OneConnection.requires(transport, || format!("the state is {state:?} with {link:?}"))?;
        let over = matches!(state, State::Idle | State::Closed(_));
        NoStall.requires(over != self.running, || {
            format!("the state is {state:?}, and running is {}", self.running)
        })?;
        if let State::Closed(reason) = state {
            LastErrorSurvives.requires(Some(reason) == self.closed, || {
                format!("it ended as {:?}, and the state is {state:?}", self.closed)
            })?;
        }
        NoStall.requires(state != State::Offline || !self.online, || {
            "it waits for the network, which is there".to_owned()
        })?;
        let idle = match state {
            State::Open => self.config.ping_interval == Nanos::FOREVER || self.is_late_in_time(),
            State::Connecting | State::Closing | State::Backoff => false,
            State::Idle | State::Closed(_) | State::Offline => true,
        };
        NoStall.requires(idle || wake != Wake::Idle, || format!("nothing will end {state:?}"))
    }

    /// A wait is as long as what was just told of the network, or asked for, has made it.
    fn check_waiting(&self, call: &Call, state: State) -> Result<(), Violation> {
        if !self.running || self.live.is_some() {
            return Ok(());
        }
        let soonest = call.now.max(self.earliest);
        let latest = match call.event {
            Event::Command(Command::Network(Network::Offline)) => {
                return NoStall.requires(state == State::Offline, || {
                    format!("the network is away, and the state is {state:?}")
                });
            }
            Event::Command(Command::Network(Network::Online)) => {
                soonest.after(self.config.online_spread)
            }
            Event::Command(Command::RetryNow) => soonest,
            _ => return Ok(()),
        };
        NoStall.requires(state == State::Backoff && self.until <= latest, || {
            format!("the next dial may come at {latest:?}, and does at {:?}", self.until)
        })
    }

    /// A probe that was asked for is on its way, and what is said to apply does something.
    pub(super) fn check_effect(&mut self, call: &Call, step: &Step) -> Result<(), Violation> {
        let Event::Command(command) = call.event else { return Ok(()) };
        let (before, due) = (self.wake, step.wake.instant().unwrap_or(Instant::NEVER));
        let idle = step.actions.is_empty() && step.wake == before;
        let open = self.live.as_mut().and_then(|link| link.open.as_mut());
        let closing = open.as_ref().is_some_and(|open| open.closing_at.is_some());
        let stopping = self.stopped_at.is_some();
        let may_be_idle = closing || stopping || matches!(command, Command::Network(_));
        StaleIsInert.requires(step.outcome != Outcome::Applied || !idle || may_be_idle, || {
            format!("{command:?} did nothing, and is said to apply")
        })?;
        let asked = matches!(command, Command::Probe | Command::Network(Network::Online));
        let Some(open) = open.filter(|open| asked && !closing && !open.paused) else {
            return Ok(());
        };
        open.hurried = true;
        let patience = self.config.probe_timeout.min(self.config.pong_timeout);
        let latest = call.now.after(patience);
        OnlyInboundIsLife.requires(open.unanswered.is_some() && due <= latest, || {
            format!("a probe should be answered by {latest:?}, and the wake is {:?}", step.wake)
        })
    }

    /// So late that the end of time comes before the next deadline of a heartbeat.
    fn is_late_in_time(&self) -> bool {
        let Config { ping_interval, pong_timeout, .. } = self.config;
        self.now.after(ping_interval.max(pong_timeout)) == Instant::NEVER
    }

    /// The wake is that of the one deadline there can be in this state.
    fn check_deadline(&self, call: &Call, wake: Wake, state: State) -> Result<(), Violation> {
        let Config { connect_timeout, close_timeout, .. } = self.config;
        let due = |since: Instant, span: Nanos, timer| Wake::At(since.after(span), timer);
        let link = self.live.as_ref();
        let open = link.and_then(|link| link.open.as_ref());
        let (promise, expected) = match (state, link, open) {
            (State::Connecting, Some(link), _) => {
                (EveryPhaseHasADeadline, due(link.dialed_at, connect_timeout, Timer::Connect))
            }
            (State::Closing, _, Some(open)) => {
                let since = open.closing_at.unwrap_or(open.at);
                (EveryPhaseHasADeadline, due(since, close_timeout, Timer::Close))
            }
            (State::Open, _, Some(open)) => {
                let (now, within) = (call.now, call.answer_within);
                return open.check_wake(now, self.wake, wake, within, &self.config);
            }
            (State::Backoff, ..) => (BoundedDelay, Wake::At(self.until, Timer::Retry)),
            _ => (StopMeansStop, Wake::Idle),
        };
        promise.requires(wake == expected, || format!("the wake is {wake:?}, not {expected:?}"))
    }

    /// What the machine remembers of failures and of time.
    fn check_memory(
        &self,
        now: Instant,
        state: State,
        machine: &impl StateMachine,
    ) -> Result<(), Violation> {
        let open = self.live.as_ref().and_then(|link| link.open.as_ref());
        let since = open.map_or(self.down_since, |open| open.at);
        let looks = machine.since();
        TimeIsClamped
            .requires(looks == since, || format!("since should be {since:?}, not {looks:?}"))?;
        let (epoch, stats) = (machine.epoch(), machine.stats());
        let counted =
            epoch == self.newest && stats.dials == self.newest.get() && stats.opens == self.ups;
        OneConnection.requires(counted, || {
            format!("epoch {} is the newest of {} that opened, not {epoch}", self.newest, self.ups)
        })?;
        let smoothed = open.filter(|open| open.closing_at.is_none()).and_then(|it| it.smoothed);
        let measured = match (smoothed, stats.round_trip) {
            (Some(smoothed), Some(told)) => smoothed.is(told),
            (smoothed, told) => smoothed.is_none() && told.is_none(),
        };
        OnlyInboundIsLife.requires(measured, || {
            format!("the round trip is {smoothed:?}, and was told as {:?}", stats.round_trip)
        })?;
        let stable = state == State::Open && now.since(since) >= self.config.stable_after;
        let (failures, last_failure) =
            if stable { (0, None) } else { (self.failures, self.last_failure) };
        let looks = machine.failures();
        StabilityResets.requires(looks == failures, || {
            format!("there were {failures} failures in a row, not {looks}")
        })?;
        let looks = machine.last_failure();
        LastErrorSurvives.requires(looks == last_failure, || {
            format!("the last failure was {last_failure:?}, not {looks:?}")
        })
    }
}
