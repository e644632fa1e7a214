//! Whether an open link is alive: when to ping, when to doubt, when to give it up.
//!
//! Only what comes *in* is life: nothing here is ever told of a message that was sent.

use crate::{
    Config, HeartbeatKind, Nonce, Timeout,
    round_trip::{RoundTrip, Smoothed, Variation},
    time::{Instant, Nanos, Timer},
};

/// The heartbeat of one open connection. It lives in the state `Open` and dies with it.
// The largest state is the size of them all: this one has no byte to spare.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pulse {
    /// When to ping, or by when to have heard from the peer; [`Instant::NEVER`] if off.
    deadline: Instant,
    /// When the newest ping was sent.
    pinged_at: Instant,
    smoothed: Smoothed,
    beat: Beat,
    /// The newest ping has not been answered by its own Pong yet, so a Pong can be timed.
    round_trip_open: bool,
    /// The driver does not read, so silence proves nothing.
    paused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Beat {
    /// The peer has been heard since the last ping; the deadline is the next ping.
    Quiet,
    /// The server keeps the connection busy; the deadline is that of its next sign of life.
    Expecting,
    /// A ping is out; the deadline is its answer's.
    Probing {
        reprobes_left: u8,
        /// The one probe that a suspended driver owes a possibly live link has been sent.
        excused: bool,
    },
}

impl Beat {
    /// Nothing has been asked since the peer was last heard.
    fn at_rest(config: &Config) -> Self {
        match config.heartbeat_kind {
            HeartbeatKind::Ping => Self::Quiet,
            HeartbeatKind::Expect => Self::Expecting,
        }
    }
}

/// What a due deadline asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Ping,
    Dead(Timeout),
}

/// What a probe that was asked for comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probed {
    Ping,
    /// A ping is out already; its answer is now due sooner.
    Sooner,
    Nothing,
}

impl Pulse {
    pub(crate) fn new(now: Instant, config: &Config) -> Self {
        Self {
            deadline: now.after(config.ping_interval),
            pinged_at: now,
            smoothed: Smoothed::NONE,
            beat: Beat::at_rest(config),
            round_trip_open: false,
            paused: false,
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn timer(&self) -> Timer {
        match self.beat {
            Beat::Probing { .. } if !self.paused => Timer::Pong,
            Beat::Probing { .. } | Beat::Quiet => Timer::Ping,
            Beat::Expecting => Timer::Silence,
        }
    }

    pub(crate) fn round_trip(&self, variation: Variation) -> Option<RoundTrip> {
        RoundTrip::of(self.smoothed, variation)
    }

    /// Something came in: the peer lives.
    #[inline]
    pub(crate) fn inbound(&mut self, now: Instant, config: &Config) {
        self.deadline = now.after(config.ping_interval);
        self.beat = Beat::at_rest(config);
    }

    /// A Pong came in: the peer lives, and if it answers the newest ping, the time it took.
    pub(crate) fn pong(
        &mut self,
        now: Instant,
        config: &Config,
        nonce: Nonce,
        newest: Nonce,
        variation: &mut Variation,
    ) -> Option<Nanos> {
        self.inbound(now, config);
        if !self.round_trip_open || nonce != newest {
            return None;
        }
        self.round_trip_open = false;
        let round_trip = now.since(self.pinged_at);
        self.smoothed.take(round_trip, variation);
        Some(round_trip)
    }

    /// Pings now, or shortens the wait for the answer to a ping that is out. Changes nothing if
    /// the answer could not be seen or is due sooner anyway.
    pub(crate) fn probe(&mut self, now: Instant, config: &Config) -> Probed {
        if self.paused {
            return Probed::Nothing;
        }
        let deadline = now.after(config.probe_timeout.min(config.pong_timeout));
        match self.beat {
            Beat::Quiet => {
                self.ping(now, deadline, 0, false);
                Probed::Ping
            }
            // Who asks sooner must not know later.
            Beat::Expecting => {
                self.ping(now, deadline.min(self.deadline), 0, false);
                Probed::Ping
            }
            Beat::Probing { excused, .. } if deadline < self.deadline => {
                self.deadline = deadline;
                self.beat = Beat::Probing { reprobes_left: 0, excused };
                Probed::Sooner
            }
            Beat::Probing { .. } => Probed::Nothing,
        }
    }

    /// The driver stops or resumes reading. Answers `false` if it had already. An answer that was
    /// due while nothing was read is given its time anew, and so is the server's next sign of life.
    pub(crate) fn set_paused(&mut self, paused: bool, now: Instant, config: &Config) -> bool {
        if self.paused == paused {
            return false;
        }
        self.paused = paused;
        if config.heartbeat_kind == HeartbeatKind::Expect {
            self.inbound(now, config);
        } else if self.beat != Beat::Quiet {
            let due = self.pinged_at.after(config.pong_timeout);
            self.deadline = match paused {
                true => self.pinged_at.after(config.ping_interval),
                false if now < due => due,
                false => now.after(config.pong_timeout),
            };
        }
        true
    }

    /// The deadline is due.
    pub(crate) fn expire(&mut self, now: Instant, config: &Config) -> Due {
        let suspended = now.since(self.deadline) > config.pong_timeout;
        let excused = matches!(self.beat, Beat::Probing { excused: true, .. });
        match self.beat {
            Beat::Expecting if self.paused => {
                self.deadline = now.after(config.ping_interval);
                return Due::Nothing;
            }
            // While nothing is read, pings still keep the path open, but cannot be answered.
            _ if self.paused => {
                self.ping(now, now.after(config.ping_interval), config.reprobes, excused);
            }
            _ if suspended && !excused => {
                let patience = config.probe_timeout.min(config.pong_timeout);
                self.ping(now, now.after(patience), 0, true);
            }
            Beat::Quiet => {
                self.ping(now, now.after(config.pong_timeout), config.reprobes, false);
            }
            Beat::Expecting => return Due::Dead(Timeout::Silence),
            Beat::Probing { reprobes_left: 0, .. } => return Due::Dead(Timeout::Heartbeat),
            Beat::Probing { reprobes_left, .. } => {
                let left = reprobes_left.saturating_sub(1);
                self.ping(now, now.after(config.pong_timeout), left, excused);
            }
        }
        Due::Ping
    }

    /// With its times as they are told from `now`, and without what has only been measured.
    #[cfg(feature = "testing")]
    pub(crate) fn relative(&self, now: Instant, horizon: Nanos) -> Self {
        Self {
            deadline: self.deadline.ahead(now),
            pinged_at: self.pinged_at.age(now, horizon),
            smoothed: Smoothed::NONE,
            ..self.clone()
        }
    }

    fn ping(&mut self, now: Instant, deadline: Instant, reprobes_left: u8, excused: bool) {
        self.deadline = deadline;
        self.pinged_at = now;
        self.beat = Beat::Probing { reprobes_left, excused };
        self.round_trip_open = true;
    }
}
