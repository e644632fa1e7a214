//! Whether an open link is alive: when to ping, when to doubt, when to give it up.
//!
//! Only what comes *in* is life: nothing here is ever told of a message that was sent.

use crate::{
    Config, HeartbeatKind, Nonce, Timeout,
    round_trip::{RoundTrip, Smoothed, Variation},
    time::{Instant, Nanos, Timer, Wake},
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
    /// How many more pings may follow the one that is out.
    reprobes_left: u8,
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
    Probing,
    /// The same, and the one probe that a suspended driver owes a possibly live link has been sent.
    Excused,
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
            reprobes_left: 0,
            round_trip_open: false,
            paused: false,
        }
    }

    #[inline]
    pub(crate) fn wake(&self) -> Wake {
        let timer = match self.beat {
            Beat::Probing | Beat::Excused if !self.paused => Timer::Pong,
            Beat::Probing | Beat::Excused | Beat::Quiet => Timer::Ping,
            Beat::Expecting => Timer::Silence,
        };
        match self.deadline {
            Instant::NEVER => Wake::Idle,
            deadline => Wake::At(deadline, timer),
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
    #[inline]
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
                self.ping(now, deadline, Beat::Probing, 0);
                Probed::Ping
            }
            // Who asks sooner must not know later.
            Beat::Expecting => {
                self.ping(now, deadline.min(self.deadline), Beat::Probing, 0);
                Probed::Ping
            }
            Beat::Probing | Beat::Excused if deadline < self.deadline => {
                self.deadline = deadline;
                self.reprobes_left = 0;
                Probed::Sooner
            }
            Beat::Probing | Beat::Excused => Probed::Nothing,
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
    #[inline]
    pub(crate) fn expire(&mut self, now: Instant, config: &Config) -> Due {
        if self.paused {
            return self.expire_unread(now, config);
        }
        let suspended = now.since(self.deadline) > config.pong_timeout;
        let (beat, patience, reprobes) = match self.beat {
            Beat::Quiet | Beat::Expecting | Beat::Probing if suspended => {
                (Beat::Excused, config.probe_timeout.min(config.pong_timeout), 0)
            }
            Beat::Quiet => (Beat::Probing, config.pong_timeout, config.reprobes),
            Beat::Expecting => return Due::Dead(Timeout::Silence),
            beat @ (Beat::Probing | Beat::Excused) => match self.reprobes_left.checked_sub(1) {
                Some(left) => (beat, config.pong_timeout, left),
                None => return Due::Dead(Timeout::Heartbeat),
            },
        };
        self.ping(now, now.after(patience), beat, reprobes);
        Due::Ping
    }

    /// While nothing is read, pings still keep the path open, but cannot be answered. Where the
    /// server is to keep it open, there is nothing to do.
    #[inline(never)]
    fn expire_unread(&mut self, now: Instant, config: &Config) -> Due {
        let deadline = now.after(config.ping_interval);
        let beat = match self.beat {
            Beat::Expecting => {
                self.deadline = deadline;
                return Due::Nothing;
            }
            Beat::Quiet | Beat::Probing => Beat::Probing,
            Beat::Excused => Beat::Excused,
        };
        self.ping(now, deadline, beat, config.reprobes);
        Due::Ping
    }

    /// With its times as they are told from `now`, and without what has only been measured.
    #[cfg(feature = "testing")]
    pub(crate) fn relative(&self, now: Instant, horizon: Nanos) -> Self {
        Self {
            deadline: self.deadline.ahead(now),
            pinged_at: self.pinged_at.age(now, horizon),
            smoothed: Smoothed::NONE,
            reprobes_left: match self.beat {
                Beat::Quiet | Beat::Expecting => 0,
                Beat::Probing | Beat::Excused => self.reprobes_left,
            },
            ..self.clone()
        }
    }

    fn ping(&mut self, now: Instant, deadline: Instant, beat: Beat, reprobes_left: u8) {
        self.deadline = deadline;
        self.pinged_at = now;
        self.beat = beat;
        self.reprobes_left = reprobes_left;
        self.round_trip_open = true;
    }
}
