//! Holding what a machine lets everybody see against what the model knows.

use super::{
    Model,
    Promise::{
        BoundedDelay, EveryPhaseHasADeadline, LastErrorSurvives, NoStall, OneConnection, Progress,
        StabilityResets, StopMeansStop, TimeIsClamped,
    },
    Violation,
    reference::Call,
};
use crate::{Config, Instant, Policy, State, StateMachine, Timer, Wake, time::Nanos};

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
        if !self.running {
            return Ok(());
        }
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
