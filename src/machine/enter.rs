//! What entering each state says and arms. Everything here answers the state to be in next; writing
//! it is left to `apply`.

use core::borrow::Borrow;

use super::{
    Machine,
    retry::Ruling,
    state::{AfterClose, End, Phase},
};
use crate::{
    Action, Actions, CloseCode, ClosedReason, Config, Credentials, Failure, FirstConnect, Next,
    Notice, Policy, pulse::Pulse, rng::spread, time::Instant, time::Nanos,
};

impl<P: Policy, C: Borrow<Config>> Machine<P, C> {
    /// A fresh start: what earlier failures taught is forgotten.
    pub(super) fn start(
        &mut self,
        now: Instant,
        earliest: Instant,
        actions: &mut Actions,
    ) -> Phase {
        // After that it counts since the link was lost, whether by a stop or not.
        if self.opens == 0 {
            self.since = now;
        }
        self.forget(now);
        if self.retry.is_online() {
            return self.hurry(now, earliest, Nanos(0), actions);
        }
        self.offline(earliest, actions)
    }

    pub(super) fn offline(&mut self, earliest: Instant, actions: &mut Actions) -> Phase {
        let next = Next::Offline { attempt: self.retry.failures() };
        actions.notify(Notice::Rescheduled { next });
        Phase::Offline { earliest }
    }

    pub(super) fn dial(&mut self, now: Instant, actions: &mut Actions) -> Phase {
        self.epoch = self.epoch.next();
        actions.push(Action::Dial {
            epoch: self.epoch,
            attempt: self.retry.failures(),
            credentials: self.retry.credentials(),
        });
        Phase::Connecting { deadline: now.after(self.config().connect_timeout) }
    }

    pub(super) fn open(&mut self, now: Instant, actions: &mut Actions) -> Phase {
        actions.notify(Notice::Up {
            epoch: self.epoch,
            reconnected: self.opens > 0,
            attempt: self.retry.failures(),
            downtime: now.since(self.since).duration(),
        });
        self.opens = self.opens.saturating_add(1);
        self.since = now;
        self.retry.opened();
        Phase::Open(Pulse::new(now, self.config()))
    }

    pub(super) fn ping(&mut self, actions: &mut Actions) {
        self.nonce = self.nonce.next();
        actions.push(Action::Ping { epoch: self.epoch, nonce: self.nonce });
    }

    /// Begins or answers the closing handshake.
    pub(super) fn close(
        &mut self,
        now: Instant,
        code: Option<CloseCode>,
        then: AfterClose,
        actions: &mut Actions,
    ) -> Phase {
        self.judge_stability(now);
        actions.push(Action::Close { epoch: self.epoch, code });
        Phase::Closing { deadline: now.after(self.config().close_timeout), then }
    }

    pub(super) fn abort(&mut self, actions: &mut Actions) {
        actions.push(Action::Abort { epoch: self.epoch });
    }

    /// A connection that has been open long enough proves that the trouble is over.
    pub(super) fn judge_stability(&mut self, now: Instant) {
        if now.since(self.since) >= self.config().stable_after {
            self.forget(now);
        }
    }

    fn forget(&mut self, now: Instant) {
        self.retry.forget(now);
        self.policy.reset();
    }

    /// A dial has failed.
    pub(super) fn dial_failed(
        &mut self,
        now: Instant,
        failure: Failure,
        actions: &mut Actions,
    ) -> Phase {
        let attempt = self.retry.failures();
        let (next, phase) = self.after(now, failure, None);
        actions.notify(Notice::DialFailed { epoch: self.epoch, attempt, failure, next });
        self.closing_notice(&phase, actions);
        phase
    }

    /// A connection that was open has ended; its stability has been judged.
    pub(super) fn link_lost(
        &mut self,
        now: Instant,
        failure: Failure,
        actions: &mut Actions,
    ) -> Phase {
        let uptime = now.since(self.since);
        let (next, phase) = self.after(now, failure, Some(uptime));
        self.down(now, Some(failure), next, actions);
        self.closing_notice(&phase, actions);
        phase
    }

    /// The closing handshake has ended, one way or the other.
    pub(super) fn closed(
        &mut self,
        now: Instant,
        then: AfterClose,
        actions: &mut Actions,
    ) -> Phase {
        match (then, self.retry.last_failure()) {
            (AfterClose::Retry, Some(failure)) => self.link_lost(now, failure, actions),
            (AfterClose::Restart, _) => {
                self.forget(now);
                let earliest = self.floor_from(now);
                let (next, phase) = self.wait(now, earliest, earliest);
                self.down(now, None, next, actions);
                phase
            }
            (AfterClose::Stop | AfterClose::Retry, _) => {
                self.down(now, None, Next::Closed, actions);
                self.stopped(self.floor_from(now), actions)
            }
        }
    }

    pub(super) fn stopped(&mut self, earliest: Instant, actions: &mut Actions) -> Phase {
        actions.notify(Notice::Closed { reason: ClosedReason::Stopped });
        Phase::Closed { end: End::Stopped, earliest }
    }

    /// Dials as soon as `earliest` allows and, if the network has just come back, at random a
    /// little later.
    pub(super) fn hurry(
        &mut self,
        now: Instant,
        earliest: Instant,
        over: Nanos,
        actions: &mut Actions,
    ) -> Phase {
        let soonest = now.max(earliest);
        let until = match over {
            Nanos(0) => soonest,
            Nanos(over) => soonest.after(Nanos(spread(1, over, self.rng.next()))),
        };
        if until <= now {
            return self.dial(now, actions);
        }
        let next =
            Next::Retry { attempt: self.retry.failures(), delay: until.since(now).duration() };
        actions.notify(Notice::Rescheduled { next });
        Phase::Backoff { until, earliest }
    }

    fn down(&mut self, now: Instant, failure: Option<Failure>, next: Next, actions: &mut Actions) {
        let uptime = now.since(self.since).duration();
        actions.notify(Notice::Down { epoch: self.epoch, failure, uptime, next });
        self.since = now;
    }

    fn after(&mut self, now: Instant, failure: Failure, uptime: Option<Nanos>) -> (Next, Phase) {
        let refused = self.retry.credentials();
        let ruling = self.retry.rule(now, failure, uptime, &mut self.policy, &mut self.rng);
        let earliest = now.after(self.policy.bounds().earliest_nanos(failure));
        match ruling {
            Ruling::Close(end) => (Next::Closed, Phase::Closed { end, earliest }),
            Ruling::Wait(_) if self.is_once(refused) => {
                (Next::Closed, Phase::Closed { end: End::GaveUp, earliest })
            }
            Ruling::Wait(delay) => self.wait(now, now.after(delay), earliest),
        }
    }

    /// Whether the first connection is still to come and must not be retried, other than with
    /// fresh credentials in place of the `refused` ones.
    fn is_once(&self, refused: Credentials) -> bool {
        self.opens == 0
            && self.config().first_connect == FirstConnect::Once
            && self.retry.credentials() == refused
    }

    fn closing_notice(&self, phase: &Phase, actions: &mut Actions) {
        if let Phase::Closed { end, .. } = phase {
            actions.notify(Notice::Closed { reason: end.reason(self.retry.last_failure()) });
        }
    }

    /// The end of a dial or a link keeps the next dial away by the policy's floor, so that no flood
    /// of commands makes a hot loop.
    pub(super) fn floor_from(&self, now: Instant) -> Instant {
        now.after(self.policy.bounds().floor)
    }

    fn wait(&self, now: Instant, until: Instant, earliest: Instant) -> (Next, Phase) {
        let attempt = self.retry.failures();
        if self.retry.is_online() {
            let delay = until.since(now).duration();
            (Next::Retry { attempt, delay }, Phase::Backoff { until, earliest })
        } else {
            (Next::Offline { attempt }, Phase::Offline { earliest })
        }
    }
}
