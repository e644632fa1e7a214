//! Whether an open link is alive: when to ping, when to doubt, when to give it up.
//!
//! Only what comes *in* is life: nothing here is ever told of a message that was sent.

use crate::{
    Config, Nonce,
    time::{Instant, Nanos, Timer},
};

/// The heartbeat of one open connection. It lives in the state `Open` and dies with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pulse {
    /// When to ping, or by when to have heard from the peer; [`Instant::NEVER`] if off.
    deadline: Instant,
    /// When the newest ping was sent.
    pinged_at: Instant,
    beat: Beat,
    /// The newest ping has not been answered by its own Pong yet, so a Pong can be timed.
    round_trip_open: bool,
    /// The driver does not read, so silence proves nothing.
    paused: bool,
    /// The one probe that a suspended driver owes a possibly live link has been sent.
    excused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Beat {
    /// The peer has been heard since the last ping; the deadline is the next ping.
    Quiet,
    /// A ping is out; the deadline is its answer's.
    Probing { reprobes_left: u8 },
}

/// What a due deadline asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Ping,
    Dead,
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
            beat: Beat::Quiet,
            round_trip_open: false,
            paused: false,
            excused: false,
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn timer(&self) -> Timer {
        match self.beat {
            Beat::Probing { .. } if !self.paused => Timer::Pong,
            Beat::Probing { .. } | Beat::Quiet => Timer::Ping,
        }
    }

    /// Something came in: the peer lives.
    pub(crate) fn inbound(&mut self, now: Instant, config: &Config) {
        self.deadline = now.after(config.ping_interval);
        self.beat = Beat::Quiet;
        self.excused = false;
    }

    /// A Pong came in: the peer lives, and if it answers the newest ping, the time it took.
    pub(crate) fn pong(
        &mut self,
        now: Instant,
        config: &Config,
        nonce: Nonce,
        newest: Nonce,
    ) -> Option<Nanos> {
        self.inbound(now, config);
        if !self.round_trip_open || nonce != newest {
            return None;
        }
        self.round_trip_open = false;
        Some(now.since(self.pinged_at))
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
                self.ping(now, deadline, 0);
                Probed::Ping
            }
            Beat::Probing { .. } if deadline < self.deadline => {
                self.deadline = deadline;
                self.beat = Beat::Probing { reprobes_left: 0 };
                Probed::Sooner
            }
            Beat::Probing { .. } => Probed::Nothing,
        }
    }

    /// The driver stops or resumes reading. Answers `false` if it had already. An answer that was
    /// due while nothing was read is given its time anew.
    pub(crate) fn set_paused(&mut self, paused: bool, now: Instant, config: &Config) -> bool {
        if self.paused == paused {
            return false;
        }
        self.paused = paused;
        if self.beat != Beat::Quiet {
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
        match self.beat {
            // While nothing is read, pings still keep the path open, but cannot be answered.
            _ if self.paused => {
                self.ping(now, now.after(config.ping_interval), config.reprobes);
                Due::Ping
            }
            Beat::Quiet | Beat::Probing { .. } if suspended && !self.excused => {
                self.excused = true;
                let patience = config.probe_timeout.min(config.pong_timeout);
                self.ping(now, now.after(patience), 0);
                Due::Ping
            }
            Beat::Quiet => {
                self.ping(now, now.after(config.pong_timeout), config.reprobes);
                Due::Ping
            }
            Beat::Probing { reprobes_left: 0 } => Due::Dead,
            Beat::Probing { reprobes_left } => {
                self.ping(now, now.after(config.pong_timeout), reprobes_left.saturating_sub(1));
                Due::Ping
            }
        }
    }

    /// With its times as they are told from `now`.
    #[cfg(feature = "testing")]
    pub(crate) fn relative(&self, now: Instant, horizon: Nanos) -> Self {
        Self {
            deadline: self.deadline.ahead(now),
            pinged_at: self.pinged_at.age(now, horizon),
            ..self.clone()
        }
    }

    fn ping(&mut self, now: Instant, deadline: Instant, reprobes_left: u8) {
        self.deadline = deadline;
        self.pinged_at = now;
        self.beat = Beat::Probing { reprobes_left };
        self.round_trip_open = true;
    }
}
