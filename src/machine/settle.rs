//! The one place where due deadlines act.

use core::borrow::Borrow;

use super::{Machine, state::Phase};
use crate::{Actions, Config, FailureKind, Policy, Timeout, heartbeat::Due, time::Instant};

impl<P: Policy, C: Borrow<Config>> Machine<P, C> {
    #[inline]
    pub(super) fn settle(&mut self, now: Instant, actions: &mut Actions) {
        if self.phase.wake().instant().is_some_and(|at| at <= now) {
            self.expire(now, actions);
        }
    }

    fn expire(&mut self, now: Instant, actions: &mut Actions) {
        self.phase = match &mut self.phase {
            Phase::Open(pulse) => match pulse.settle(now, self.config.borrow()) {
                Due::Nothing => return,
                Due::Ping => return self.ping(actions),
                Due::Dead => {
                    self.abort(actions);
                    self.judge_stability(now);
                    let failure = FailureKind::Timeout(Timeout::Heartbeat).into();
                    self.link_lost(now, failure, actions)
                }
            },
            &mut Phase::Connecting { deadline } if deadline <= now => {
                self.abort(actions);
                let failure = FailureKind::Timeout(Timeout::Connect).into();
                self.dial_failed(now, failure, actions)
            }
            &mut Phase::Closing { deadline, then } if deadline <= now => {
                self.abort(actions);
                self.closed(now, then, actions)
            }
            &mut Phase::Backoff { until, .. } if until <= now => self.dial(now, actions),
            Phase::Connecting { .. }
            | Phase::Closing { .. }
            | Phase::Backoff { .. }
            | Phase::Idle
            | Phase::Offline { .. }
            | Phase::Closed { .. } => return,
        };
    }
}
