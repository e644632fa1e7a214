//! The transition table: what commands, signals and due deadlines do in each state. Every change of
//! the state is made here, and read here; `state` has the diagram.
//!
//! `command` and `signal` are rows of event by state, `expire` the rows of time. Each answers the
//! state to be in next, which `enter` has made with all that entering it says and arms.

use core::borrow::Borrow;

use super::{
    Machine,
    state::{AfterClose, Phase},
};
use crate::{
    Actions, CloseCode, Command, Config, FailureKind, Network, Notice, Outcome, Policy, Signal,
    Timeout, Wake,
    pulse::{Due, Probed},
    time::{Instant, Nanos},
};

use Outcome::{Applied, Inapplicable, Stale};

impl<P: Policy, C: Borrow<Config>> Machine<P, C> {
    /// What the application or the platform wants.
    #[inline(always)]
    pub(super) fn command(
        &mut self,
        now: Instant,
        command: Command,
        actions: &mut Actions,
    ) -> Outcome {
        self.phase = match (command, &self.phase) {
            (Command::Start, Phase::Idle) => self.start(now, now, actions),
            (Command::Start, &Phase::Closed { earliest, .. }) => self.start(now, earliest, actions),
            (Command::Start, &Phase::Closing { deadline, then: AfterClose::Stop }) => {
                Phase::Closing { deadline, then: AfterClose::Restart }
            }
            (Command::Start, _) => return Inapplicable,

            (Command::Stop, Phase::Connecting { .. }) => {
                self.abort(actions);
                self.stopped(self.floor_from(now), actions)
            }
            (Command::Stop, Phase::Open(_)) => {
                self.close(now, Some(CloseCode::NORMAL), AfterClose::Stop, actions)
            }
            (Command::Stop, Phase::Closing { then: AfterClose::Stop, .. }) => return Inapplicable,
            (Command::Stop, &Phase::Closing { deadline, .. }) => {
                Phase::Closing { deadline, then: AfterClose::Stop }
            }
            (Command::Stop, &Phase::Backoff { earliest, .. } | &Phase::Offline { earliest }) => {
                self.stopped(earliest, actions)
            }
            (Command::Stop, Phase::Idle | Phase::Closed { .. }) => return Inapplicable,

            (Command::RetryNow, &Phase::Backoff { until, earliest }) if earliest < until => {
                self.hurry(now, earliest, Nanos(0), actions)
            }
            (Command::RetryNow, &Phase::Offline { earliest }) => {
                self.hurry(now, earliest, Nanos(0), actions)
            }
            (Command::RetryNow, _) => return Inapplicable,

            (Command::Probe, Phase::Open(_)) => return self.probe(now, actions),
            (Command::Probe, _) => return Inapplicable,

            (Command::Network(network), _) => return self.network(now, network, actions),
        };
        Applied
    }

    fn network(&mut self, now: Instant, network: Network, actions: &mut Actions) -> Outcome {
        let online = network == Network::Online;
        let changed = self.retry.set_online(online);
        let spread = self.config().online_spread;
        self.phase = match (network, &self.phase) {
            (Network::Offline, &Phase::Backoff { earliest, .. }) => self.offline(earliest, actions),
            (Network::Online, &Phase::Offline { earliest }) => {
                self.hurry(now, earliest, spread, actions)
            }
            (Network::Online, &Phase::Backoff { until, earliest })
                if until > earliest.max(now).after(spread) =>
            {
                self.hurry(now, earliest, spread, actions)
            }
            (Network::Online, Phase::Open(_)) => {
                let outcome = self.probe(now, actions);
                return if changed { Applied } else { outcome };
            }
            (Network::Online | Network::Offline, _) if changed => return Applied,
            (Network::Online | Network::Offline, _) => return Inapplicable,
        };
        Applied
    }

    fn probe(&mut self, now: Instant, actions: &mut Actions) -> Outcome {
        let Phase::Open(pulse) = &mut self.phase else { return Inapplicable };
        match pulse.probe(now, self.config.borrow()) {
            Probed::Ping => self.ping(actions),
            Probed::Sooner => {}
            Probed::Nothing => return Inapplicable,
        }
        Applied
    }

    /// What happened to the transport of the newest epoch, which may be over.
    #[inline(always)]
    pub(super) fn signal(
        &mut self,
        now: Instant,
        signal: Signal,
        actions: &mut Actions,
    ) -> Outcome {
        let config = self.config.borrow();
        self.phase = match (&mut self.phase, signal) {
            (Phase::Open(pulse), Signal::Received) => {
                pulse.inbound(now, config);
                return Applied;
            }
            (Phase::Open(pulse), Signal::Pong(nonce)) => {
                let timed = pulse.pong(now, config, nonce, self.nonce, &mut self.variation);
                if let Some(round_trip) = timed.map(Nanos::duration) {
                    actions.notify(Notice::RoundTrip { epoch: self.epoch, round_trip });
                }
                return Applied;
            }
            (Phase::Open(pulse), Signal::ReadPaused) => {
                return if pulse.set_paused(true, now, config) { Applied } else { Inapplicable };
            }
            (Phase::Open(pulse), Signal::ReadResumed) => {
                return if pulse.set_paused(false, now, config) { Applied } else { Inapplicable };
            }
            (Phase::Open(_), Signal::CloseReceived(close)) => {
                let echo = Some(close.code()).filter(|code| code.is_sendable());
                let phase = self.close(now, echo, AfterClose::Retry, actions);
                self.retry.note(close.into());
                phase
            }
            (Phase::Open(_), Signal::Lost(failure)) => {
                self.judge_stability(now);
                self.link_lost(now, failure, actions)
            }
            (Phase::Open(_), Signal::Opened) => return Inapplicable,

            (Phase::Connecting { .. }, Signal::Opened) => self.open(now, actions),
            (Phase::Connecting { .. }, Signal::Lost(failure)) => {
                self.dial_failed(now, failure, actions)
            }
            (Phase::Connecting { .. }, _) => return Inapplicable,

            (&mut Phase::Closing { then, .. }, Signal::Lost(_)) => self.closed(now, then, actions),
            (Phase::Closing { .. }, Signal::Opened) => return Inapplicable,
            (Phase::Closing { .. }, _) => return Applied,

            // No transport is alive.
            (
                Phase::Idle | Phase::Backoff { .. } | Phase::Offline { .. } | Phase::Closed { .. },
                _,
            ) => {
                return Stale;
            }
        };
        Applied
    }

    /// Applies the deadline if it is due, and answers the next.
    #[inline]
    pub(super) fn settle(&mut self, now: Instant, actions: &mut Actions) -> Wake {
        let wake = self.phase.wake();
        if wake.instant().is_none_or(|at| now < at) {
            return wake;
        }
        self.expire(now, actions);
        self.phase.wake()
    }

    /// What the deadline that is due does in each state.
    // Apart: a deadline is rarely due, and a step asks in three places.
    #[inline(never)]
    fn expire(&mut self, now: Instant, actions: &mut Actions) {
        self.phase = match &mut self.phase {
            Phase::Open(pulse) => match pulse.expire(now, self.config.borrow()) {
                Due::Nothing => return,
                Due::Ping => return self.ping(actions),
                Due::Dead(timeout) => {
                    self.abort(actions);
                    self.judge_stability(now);
                    let failure = FailureKind::Timeout(timeout).into();
                    self.link_lost(now, failure, actions)
                }
            },
            Phase::Connecting { .. } => {
                self.abort(actions);
                let failure = FailureKind::Timeout(Timeout::Connect).into();
                self.dial_failed(now, failure, actions)
            }
            &mut Phase::Closing { then, .. } => {
                self.abort(actions);
                self.closed(now, then, actions)
            }
            Phase::Backoff { .. } => self.dial(now, actions),
            Phase::Idle | Phase::Offline { .. } | Phase::Closed { .. } => return,
        };
    }
}
