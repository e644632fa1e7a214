//! Counting failures: the attempt counter, the stability rule, and the one question to the policy;
//! and whether there is a network to retry on.

use super::state::End;
use crate::{
    Attempt, Credentials, Decision, Failure, Pace, Policy, Verdict,
    rng::{SplitMix64, spread},
    time::{Instant, Nanos},
};

/// What has been learnt since the link was last stable, and of the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Retry {
    /// When the trouble began.
    began: Instant,
    previous_delay: Nanos,
    last_failure: Option<Failure>,
    failures: u32,
    refresh: Refresh,
    /// The highest that a failure has asked for.
    pace: Pace,
    /// What the platform believes about the network. It is not learnt from failures, nor forgotten
    /// with them.
    online: bool,
}

/// The one refresh of the credentials that a refusal earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Refresh {
    Unused,
    /// Dial with fresh ones until the server has judged them.
    Due,
    Used,
}

/// What the policy and the classifier make of a failure.
pub(super) enum Ruling {
    Wait(Nanos),
    Close(End),
}

impl Retry {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            previous_delay: Nanos(0),
            last_failure: None,
            failures: 0,
            refresh: Refresh::Unused,
            pace: Pace::Normal,
            online: true,
        }
    }

    /// What failures have taught counts no more.
    pub(super) fn forget(&mut self, now: Instant) {
        let online = self.online;
        *self = Self::new(now);
        self.online = online;
    }

    pub(super) fn is_online(&self) -> bool {
        self.online
    }

    /// Answers whether that is news.
    pub(super) fn set_online(&mut self, online: bool) -> bool {
        core::mem::replace(&mut self.online, online) != online
    }

    /// Failures in a row, which is the number of the next dial.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn last_failure(&self) -> Option<Failure> {
        self.last_failure
    }

    pub(super) fn credentials(&self) -> Credentials {
        match self.refresh {
            Refresh::Due => Credentials::Refresh,
            Refresh::Unused | Refresh::Used => Credentials::Current,
        }
    }

    /// The server took the credentials, whichever they were.
    pub(super) fn opened(&mut self) {
        if self.refresh == Refresh::Due {
            self.refresh = Refresh::Used;
        }
    }

    pub(super) fn note(&mut self, failure: Failure) {
        self.last_failure = Some(failure);
    }

    /// With its time as it is told from `now`.
    #[cfg(feature = "testing")]
    pub(super) fn relative(&self, now: Instant) -> Self {
        Self { began: self.began.age(now, Nanos::FOREVER), ..self.clone() }
    }

    /// As a policy sees it that looks at nothing but the failures, up to so many.
    #[cfg(feature = "testing")]
    pub(super) fn counting_to(self, failures: u32) -> Self {
        let failures = self.failures.min(failures);
        Self { began: Instant::ORIGIN, previous_delay: Nanos(0), failures, ..self }
    }

    /// Counts `failure` and asks, exactly once, what follows.
    pub(super) fn rule<P: Policy>(
        &mut self,
        now: Instant,
        failure: Failure,
        uptime: Option<Nanos>,
        policy: &mut P,
        rng: &mut SplitMix64,
    ) -> Ruling {
        self.note(failure);
        self.failures = self.failures.saturating_add(1);
        let pace = match (policy.classify(failure), self.refresh) {
            (Verdict::Retry(pace), _) => pace,
            (Verdict::Refresh, Refresh::Unused) => {
                self.refresh = Refresh::Due;
                Pace::Normal
            }
            (Verdict::Refresh | Verdict::Stop, _) => {
                return Ruling::Close(End::Fatal);
            }
        };
        // Who is spread as the server wishes need not be spread by guessing, too, this time.
        let before = self.pace;
        self.pace = before.max(pace);
        let is_told = policy.bounds().spread_over(failure) > Nanos(0);
        let decision = policy.decide(&Attempt {
            number: self.failures,
            elapsed: now.since(self.began).duration(),
            failure,
            pace: if is_told { before } else { self.pace },
            previous_delay: self.previous_delay.duration(),
            uptime: uptime.map(Nanos::duration),
            entropy: rng.next(),
        });
        match decision {
            Decision::GiveUp => Ruling::Close(End::GaveUp),
            Decision::RetryAfter(delay) => {
                let bounds = policy.bounds();
                self.previous_delay = bounds.keep(delay);
                let wish = match bounds.spread_over(failure) {
                    Nanos(0) => bounds.asked_for(failure),
                    Nanos(over) => Nanos(spread(0, over, rng.next())),
                };
                Ruling::Wait(self.previous_delay.saturating_add(wish))
            }
        }
    }
}
