//! Following what a machine says, action by action.

use std::time::Duration;

use super::{
    Model,
    Promise::{
        BoundedDelay, LastErrorSurvives, NoStall, OneConnection, OnlyInboundIsLife,
        StabilityResets, StaleIsInert, StopMeansStop, TimeIsClamped,
    },
    Violation,
    link::Link,
    reference::{Call, Refresh},
};
use crate::{
    Action, CloseCode, ClosedReason, Command, Credentials, Epoch, Event, Failure, FirstConnect,
    Instant, Network, Next, Nonce, Notice, Policy, Signal, Verdict, time::Nanos,
};

impl<P: Policy> Model<P> {
    pub(super) fn obey(&mut self, call: &mut Call, action: Action) -> Result<(), Violation> {
        let closing = matches!(action, Action::Notify(Notice::Closed { .. }));
        StopMeansStop.requires(!call.must_close || closing, || {
            format!("the end was announced, and {action:?} came before it")
        })?;
        match action {
            Action::Dial { epoch, attempt, credentials } => {
                self.dial(call, epoch, attempt, credentials)
            }
            Action::Ping { epoch, nonce } => self.ping(call, epoch, nonce),
            Action::Close { epoch, code } => self.close(call, epoch, code),
            Action::Abort { epoch } => self.abort(call, epoch),
            Action::Notify(notice) => self.told(call, notice),
        }
    }

    fn dial(
        &mut self,
        call: &Call,
        epoch: Epoch,
        attempt: u32,
        credentials: Credentials,
    ) -> Result<(), Violation> {
        OneConnection.requires(self.live.is_none() && self.up.is_none(), || {
            format!("epoch {epoch} was dialed while there was another")
        })?;
        OneConnection.requires(epoch > self.newest, || format!("epoch {epoch} was reused"))?;
        self.run(call)?;
        let stopped = self.stopped_at.is_some() || call.event == Command::Stop.into();
        let allowed = !stopped || call.event == Command::Start.into();
        StopMeansStop.requires(allowed, || "a dial came after a stop".to_owned())?;
        BoundedDelay.requires(call.now >= self.earliest, || {
            format!("a dial may not come before {:?}", self.earliest)
        })?;
        self.check_attempt(attempt)?;
        let refresh = self.refresh == Refresh::Due;
        LastErrorSurvives.requires((credentials == Credentials::Refresh) == refresh, || {
            format!("the dial has the wrong credentials, {credentials:?}")
        })?;
        self.newest = epoch;
        self.live = Some(Link::new(epoch, call.now));
        Ok(())
    }

    fn ping(&mut self, call: &mut Call, epoch: Epoch, nonce: Nonce) -> Result<(), Violation> {
        let before = std::mem::replace(&mut self.nonce, nonce);
        OnlyInboundIsLife
            .requires(before != nonce, || "a ping has the nonce of the one before".to_owned())?;
        let online = Command::Network(Network::Online);
        let asked = call.event == Command::Probe.into() || call.event == online.into();
        let Some(open) = live(&mut self.live, epoch)?.flowing() else {
            return Err(OneConnection.broken("a ping was sent on a connection that is not open"));
        };
        let within = open.ping(call.now, nonce, asked, call.late, &self.config)?;
        call.answer_within = Some(within);
        Ok(())
    }

    fn close(
        &mut self,
        call: &Call,
        epoch: Epoch,
        code: Option<CloseCode>,
    ) -> Result<(), Violation> {
        let Some(open) = live(&mut self.live, epoch)?.flowing() else {
            return Err(OneConnection.broken("a Close was sent where none can be"));
        };
        let expected = match open.peer_close {
            Some(close) => Some(close.code()).filter(|code| code.is_sendable()),
            None => Some(CloseCode::NORMAL),
        };
        OneConnection.requires(code == expected, || {
            format!("the Close frame has {code:?}, not {expected:?}")
        })?;
        open.closing_at = Some(call.now);
        let (opened_at, peer_close) = (open.at, open.peer_close);
        self.judge_stability(call.now, opened_at);
        if let Some(close) = peer_close {
            self.last_failure = Some(close.into());
        }
        Ok(())
    }

    fn abort(&mut self, call: &mut Call, epoch: Epoch) -> Result<(), Violation> {
        if let Some(open) = live(&mut self.live, epoch)?.flowing() {
            open.given_up(call.now, call.late, &self.config)?;
        }
        call.ended = self.live.take().map(|link| (link, None));
        self.earliest = call.now.after(self.policy.bounds().floor);
        Ok(())
    }

    fn told(&mut self, call: &mut Call, notice: Notice) -> Result<(), Violation> {
        let now = call.now;
        match notice {
            Notice::Up { epoch, reconnected, attempt, downtime } => {
                StaleIsInert
                    .requires(call.event == Event::Transport(epoch, Signal::Opened), || {
                        format!("epoch {epoch} is up, which is not what was told")
                    })?;
                let before = self.up.replace(epoch);
                OneConnection.requires(before.is_none(), || format!("{before:?} is up as well"))?;
                OneConnection.requires(reconnected == (self.ups > 0), || {
                    format!("there were {} connections, and reconnected is {reconnected}", self.ups)
                })?;
                self.check_attempt(attempt)?;
                check_span("downtime", downtime, now.since(self.down_since))?;
                self.ups = self.ups.saturating_add(1);
                if self.refresh == Refresh::Due {
                    self.refresh = Refresh::Used;
                }
                live(&mut self.live, epoch)?.begin(now);
                Ok(())
            }
            Notice::Down { epoch, failure, uptime, next } => {
                let before = self.up.take();
                OneConnection.requires(before == Some(epoch), || format!("{before:?} was up"))?;
                let (link, lost) = ended(call, epoch)?;
                let Some(open) = &link.open else {
                    return Err(OneConnection.broken("a dial ended as an open connection would"));
                };
                check_failure(failure, link.failure(lost, &self.config))?;
                check_span("uptime", uptime, now.since(open.at))?;
                if open.closing_at.is_none() {
                    self.judge_stability(now, open.at);
                }
                self.down_since = now;
                self.count(call, failure, next)
            }
            Notice::DialFailed { epoch, attempt, failure, next } => {
                let (link, lost) = ended(call, epoch)?;
                OneConnection.requires(link.open.is_none(), || {
                    "an open connection ended as a dial would".to_owned()
                })?;
                check_failure(Some(failure), link.failure(lost, &self.config))?;
                self.check_attempt(attempt)?;
                self.count(call, Some(failure), next)
            }
            Notice::Rescheduled { next } => {
                self.run(call)?;
                if let Next::Retry { delay, .. } = next {
                    let wait = self.earliest.since(now);
                    let spread = match call.event == Command::Network(Network::Online).into() {
                        true => self.config.online_spread,
                        false => Nanos(0),
                    };
                    let latest = wait.saturating_add(spread);
                    check_delay(now, delay, wait, latest)?;
                }
                self.announced(call, next)
            }
            Notice::RoundTrip { epoch, round_trip } => {
                let Event::Transport(_, Signal::Pong(nonce)) = call.event else {
                    return Err(OnlyInboundIsLife.broken("a round trip ended without a Pong"));
                };
                let open = live(&mut self.live, epoch)?.flowing();
                let passed = open.and_then(|open| open.round_trip(now, nonce));
                OnlyInboundIsLife.requires(passed.map(Nanos::duration) == Some(round_trip), || {
                    format!("the round trip took {passed:?}, not {round_trip:?}")
                })
            }
            Notice::Closed { reason } => self.ended(call, reason),
        }
    }

    fn ended(&mut self, call: &mut Call, reason: ClosedReason) -> Result<(), Violation> {
        OneConnection.requires(self.live.is_none() && self.up.is_none(), || {
            "the end came before the end of the connection".to_owned()
        })?;
        match reason {
            ClosedReason::Stopped => {
                let stopped = call.event == Command::Stop.into() || self.stopped_at.is_some();
                StopMeansStop.requires(stopped, || "nobody asked to stop".to_owned())?;
            }
            ClosedReason::Fatal(failure) | ClosedReason::GaveUp(failure) => {
                check_failure(Some(failure), self.last_failure)?;
                let announced = || "it gave up without saying so first".to_owned();
                LastErrorSurvives.requires(call.must_close, announced)?;
                let told_as_fatal = matches!(reason, ClosedReason::Fatal(_));
                LastErrorSurvives.requires(told_as_fatal == call.is_fatal, || {
                    format!("it ended as {reason:?}, and fatal is {}", call.is_fatal)
                })?;
            }
        }
        self.closed = Some(reason);
        (self.running, self.stopped_at, call.must_close) = (false, None, false);
        Ok(())
    }

    /// A link or a dial has ended: counts it and holds what was announced against the bounds.
    fn count(
        &mut self,
        call: &mut Call,
        failure: Option<Failure>,
        next: Next,
    ) -> Result<(), Violation> {
        let bounds = self.policy.bounds();
        let Some(failure) = failure else {
            if next != Next::Closed {
                self.forget();
            }
            if let Next::Retry { delay, .. } = next {
                check_delay(call.now, delay, bounds.floor, bounds.floor)?;
            }
            return self.announced(call, next);
        };
        self.last_failure = Some(failure);
        self.failures = self.failures.saturating_add(1);
        self.earliest = call.now.after(bounds.earliest_nanos(failure));
        let verdict = self.policy.classify(failure);
        let refreshes = verdict == Verdict::Refresh && self.refresh == Refresh::Unused;
        if refreshes {
            self.refresh = Refresh::Due;
        }
        let once = self.config.first_connect == FirstConnect::Once && self.ups == 0;
        call.is_fatal = !refreshes && !matches!(verdict, Verdict::Retry(_));
        let is_final = call.is_fatal || (once && !refreshes);
        LastErrorSurvives.requires(!is_final || next == Next::Closed, || {
            format!("{next} was announced, and {failure} is final")
        })?;
        if let Next::Retry { delay, .. } = next {
            check_delay(
                call.now,
                delay,
                bounds.earliest_nanos(failure),
                bounds.latest_nanos(failure),
            )?;
        }
        self.announced(call, next)
    }

    fn announced(&mut self, call: &mut Call, next: Next) -> Result<(), Violation> {
        match next {
            Next::Retry { attempt, delay } => {
                let may_dial = self.online
                    || call.event == Command::Network(Network::Online).into()
                    || call.event == Command::RetryNow.into();
                NoStall.requires(may_dial, || {
                    "a dial was announced, and there is no network".to_owned()
                })?;
                self.until = call.now.saturating_add(delay);
                self.check_attempt(attempt)
            }
            Next::Offline { attempt } => {
                let offline =
                    !self.online || call.event == Command::Network(Network::Offline).into();
                NoStall
                    .requires(offline, || "it waits for the network, which is there".to_owned())?;
                self.check_attempt(attempt)
            }
            Next::Closed => {
                call.must_close = true;
                Ok(())
            }
        }
    }

    fn check_attempt(&self, attempt: u32) -> Result<(), Violation> {
        StabilityResets.requires(attempt == self.failures, || {
            format!("there were {} failures in a row, and attempt is {attempt}", self.failures)
        })
    }

    /// A start that takes effect forgets what earlier failures taught.
    fn run(&mut self, call: &Call) -> Result<(), Violation> {
        if self.running {
            return Ok(());
        }
        StopMeansStop.requires(call.event == Command::Start.into(), || {
            "it went on before it was started".to_owned()
        })?;
        self.running = true;
        self.forget();
        if self.ups == 0 {
            self.down_since = call.now;
        }
        Ok(())
    }

    /// A connection that has been open long enough proves that the trouble is over.
    fn judge_stability(&mut self, now: Instant, opened_at: Instant) {
        if now.since(opened_at) >= self.config.stable_after {
            self.forget();
        }
    }

    fn forget(&mut self) {
        (self.failures, self.last_failure, self.refresh) = (0, None, Refresh::Unused);
    }
}

fn live(link: &mut Option<Link>, epoch: Epoch) -> Result<&mut Link, Violation> {
    let link = link.as_mut().filter(|link| link.epoch == epoch);
    link.ok_or_else(|| {
        OneConnection.broken(format!("an action named epoch {epoch}, which is over"))
    })
}

/// The link or dial that has just ended.
fn ended(call: &mut Call, epoch: Epoch) -> Result<(Link, Option<Failure>), Violation> {
    let ended = call.ended.take().filter(|(link, _)| link.epoch == epoch);
    ended.ok_or_else(|| OneConnection.broken(format!("epoch {epoch} was said to have ended")))
}

fn check_failure(told: Option<Failure>, real: Option<Failure>) -> Result<(), Violation> {
    LastErrorSurvives.requires(told == real, || {
        let show =
            |failure: Option<Failure>| failure.map_or("none".to_owned(), |it| it.to_string());
        format!("the failure is {}, and was told as {}", show(real), show(told))
    })
}

fn check_span(name: &str, told: Duration, real: Nanos) -> Result<(), Violation> {
    TimeIsClamped.requires(told == real.duration(), || {
        format!("the {name} is {:?}, and was told as {told:?}", real.duration())
    })
}

fn check_delay(now: Instant, delay: Duration, least: Nanos, most: Nanos) -> Result<(), Violation> {
    // Time may end before.
    let of = |span: Nanos| now.after(span).since(now).duration();
    let range = of(least)..=of(most);
    BoundedDelay.requires(range.contains(&delay), || format!("{delay:?} is not in {range:?}"))
}
