//! What the model knows of one dial and the connection it may become.

use super::{
    Promise::{GapRule, OnlyInboundIsLife},
    Violation,
    round_trip::Smoothed,
};
use crate::{
    Config, Epoch, Failure, FailureKind, HeartbeatKind, Instant, Nonce, PeerClose, Signal, Timeout,
    Timer, Wake, time::Nanos,
};

#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) epoch: Epoch,
    pub(super) dialed_at: Instant,
    pub(super) open: Option<Open>,
}

#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) at: Instant,
    /// When the Close frame left.
    pub(super) closing_at: Option<Instant>,
    pub(super) peer_close: Option<PeerClose>,
    /// The application stopped it.
    pub(super) by_us: bool,
    /// When the peer was last heard. If it is the one that keeps the connection busy, a pause
    /// begins that wait anew, and so does the end of one.
    pub(super) heard_at: Instant,
    /// The newest ping, while nothing has come in since.
    pub(super) unanswered: Option<Instant>,
    /// The newest ping, while its own Pong is to come.
    pub(super) timed: Option<(Nonce, Instant)>,
    pub(super) paused: bool,
    /// Pings that an answer could have been seen to, since the peer was last heard.
    pub(super) pings: u16,
    /// A suspended driver has asked once, and nothing has come in since.
    pub(super) excused: bool,
    /// A probe that was asked for, or a pause, may have shortened the wait for an answer since the
    /// peer was last heard.
    pub(super) hurried: bool,
    /// All round trips so far.
    pub(super) smoothed: Option<Smoothed>,
}

impl Link {
    pub(super) fn new(epoch: Epoch, dialed_at: Instant) -> Self {
        Self { epoch, dialed_at, open: None }
    }

    pub(super) fn begin(&mut self, now: Instant) {
        self.open = Some(Open {
            at: now,
            closing_at: None,
            peer_close: None,
            by_us: false,
            heard_at: now,
            unanswered: None,
            timed: None,
            paused: false,
            pings: 0,
            excused: false,
            hurried: false,
            smoothed: None,
        });
    }

    /// The connection, while messages flow.
    pub(super) fn flowing(&mut self) -> Option<&mut Open> {
        self.open.as_mut().filter(|open| open.closing_at.is_none())
    }

    /// Why it ended, given what the transport said; `None` if the application stopped it.
    pub(super) fn failure(&self, lost: Option<Failure>, config: &Config) -> Option<Failure> {
        let timeout = |timeout| FailureKind::Timeout(timeout).into();
        match &self.open {
            None => lost.or(Some(timeout(Timeout::Connect))),
            Some(open) if open.by_us => None,
            Some(open) => match open.peer_close {
                Some(close) => Some(close.into()),
                None => lost.or(Some(timeout(open.timeout(config)))),
            },
        }
    }
}

impl Open {
    pub(super) fn hear(&mut self, now: Instant, signal: Signal, config: &Config) {
        let paused = match signal {
            Signal::ReadPaused => Some(true),
            Signal::ReadResumed => Some(false),
            _ => None,
        };
        match signal {
            Signal::Received | Signal::Pong(_) => self.begin_anew(now),
            _ if paused.is_some_and(|paused| paused != self.paused) && expects(config) => {
                self.begin_anew(now);
                self.paused = !self.paused;
            }
            Signal::CloseReceived(close) => self.peer_close = Some(close),
            Signal::ReadPaused => self.paused = true,
            Signal::ReadResumed => {
                self.paused = false;
                self.pings = 0;
                self.hurried = true;
            }
            Signal::Opened | Signal::Lost(_) => {}
        }
    }

    fn begin_anew(&mut self, now: Instant) {
        self.heard_at = now;
        self.unanswered = None;
        self.pings = 0;
        self.excused = false;
        self.hurried = false;
    }

    /// While nothing is read, a wait for the server that is over begins anew.
    pub(super) fn wait_on(&mut self, now: Instant, config: &Config) {
        if self.paused && expects(config) && now >= self.heard_at.after(config.ping_interval) {
            self.heard_at = now;
        }
    }

    /// What took too long, if the machine gives it up.
    fn timeout(&self, config: &Config) -> Timeout {
        if self.awaits_server(config) { Timeout::Silence } else { Timeout::Heartbeat }
    }

    fn awaits_server(&self, config: &Config) -> bool {
        expects(config) && self.unanswered.is_none()
    }

    /// No ping leaves before its time, unless it was asked for, and no more than it takes. Answers
    /// how soon the answer must come.
    pub(super) fn ping(
        &mut self,
        now: Instant,
        nonce: Nonce,
        asked: bool,
        late: Nanos,
        config: &Config,
    ) -> Result<Nanos, Violation> {
        let excuses = late > config.pong_timeout && !self.excused && !self.paused;
        let is_time = match self.unanswered {
            // Where the server keeps the connection busy, a ping needs a reason.
            pinged if expects(config) => excuses || asked && pinged.is_none() && !self.paused,
            // Without a reader no answer is awaited, and pings only keep the path open.
            Some(pinged) if self.paused => now.since(pinged) >= config.ping_interval,
            Some(pinged) => now.since(pinged) >= config.pong_timeout,
            None => asked || now.since(self.heard_at) >= config.ping_interval,
        };
        OnlyInboundIsLife.requires(is_time, || "a ping left before its time".to_owned())?;
        (self.unanswered, self.timed) = (Some(now), Some((nonce, now)));
        if self.paused {
            return Ok(config.pong_timeout);
        }
        self.pings = self.pings.saturating_add(1);
        self.hurried |= asked;
        self.excused |= excuses;
        let most = 1 + reprobes(config) + u16::from(self.excused);
        OnlyInboundIsLife.requires(self.pings <= most, || {
            format!("{} pings without an answer have not ended the link", self.pings)
        })?;
        if excuses {
            return Ok(config.pong_timeout.min(config.probe_timeout));
        }
        Ok(config.pong_timeout)
    }

    /// How long the answer to the newest ping took, if `answer` is that.
    pub(super) fn round_trip(&mut self, now: Instant, answer: Nonce) -> Option<Nanos> {
        let (_, pinged) = self.timed.take_if(|(nonce, _)| *nonce == answer)?;
        let round_trip = now.since(pinged);
        match &mut self.smoothed {
            Some(smoothed) => smoothed.take(round_trip),
            None => self.smoothed = Some(Smoothed::new(round_trip)),
        }
        Some(round_trip)
    }

    /// A link is given up only if a ping has had its time, or the server its own, and what comes in
    /// could have been seen.
    pub(super) fn given_up(
        &self,
        now: Instant,
        late: Nanos,
        config: &Config,
    ) -> Result<(), Violation> {
        GapRule
            .requires(!self.paused, || "a paused reader was taken for a dead peer".to_owned())?;
        GapRule.requires(self.excused || late <= config.pong_timeout, || {
            "the driver had been away, and the link was given up without another ping".to_owned()
        })?;
        let was_silent = now.since(self.heard_at) >= config.ping_interval;
        if expects(config) && !self.excused && was_silent {
            return Ok(());
        }
        let Some(pinged) = self.unanswered else {
            return Err(GapRule.broken("a link was given up without a ping"));
        };
        let hurried = self.excused || self.hurried;
        GapRule.requires(hurried || self.pings > reprobes(config), || {
            format!("a link was given up after {} pings", self.pings)
        })?;
        let patience = match hurried {
            true => config.pong_timeout.min(config.probe_timeout),
            false => config.pong_timeout,
        };
        GapRule.requires(now.since(pinged) >= patience, || {
            "a link was given up before the answer to its last ping was due".to_owned()
        })
    }

    /// Holds the wake of an open connection against what is due: a ping so long after the peer was
    /// heard, and the answer to one in time, `within` so long if something has set it anew and else
    /// no later than it was.
    pub(super) fn check_wake(
        &self,
        now: Instant,
        before: Wake,
        wake: Wake,
        within: Option<Nanos>,
        config: &Config,
    ) -> Result<(), Violation> {
        let since = match self.unanswered {
            Some(pinged) if self.paused => pinged,
            None => self.heard_at,
            Some(_) => return self.check_answer_due(now, before, wake, within, config),
        };
        let timer = if expects(config) { Timer::Silence } else { Timer::Ping };
        let expected = match since.after(config.ping_interval) {
            Instant::NEVER => Wake::Idle,
            due => Wake::At(due, timer),
        };
        OnlyInboundIsLife.requires(wake == expected, || {
            format!("{wake:?} is not the end of the silence, {expected:?}")
        })
    }

    fn check_answer_due(
        &self,
        now: Instant,
        before: Wake,
        wake: Wake,
        within: Option<Nanos>,
        config: &Config,
    ) -> Result<(), Violation> {
        let mut latest = match within {
            Some(patience) => now.after(patience),
            None => before.instant().unwrap_or(Instant::NEVER),
        };
        // To ask in between gives the server no more time.
        if expects(config) && !self.excused {
            latest = latest.min(self.heard_at.after(config.ping_interval));
        }
        let in_time = match wake {
            Wake::At(due, timer) => timer == Timer::Pong && due <= latest,
            Wake::Idle => latest == Instant::NEVER,
        };
        OnlyInboundIsLife.requires(in_time, || {
            format!("the answer to the ping is due at {latest:?}, and the wake is {wake:?}")
        })
    }
}

/// Whether the server keeps the connection busy.
fn expects(config: &Config) -> bool {
    config.heartbeat_kind == HeartbeatKind::Expect
}

/// How many more pings may follow the first.
fn reprobes(config: &Config) -> u16 {
    if expects(config) { 0 } else { u16::from(config.reprobes) }
}
