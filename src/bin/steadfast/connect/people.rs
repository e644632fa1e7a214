//! What is told on stderr, for people: a state line on a terminal, a plain line for each transition
//! elsewhere.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use humantime::format_duration;
use steadfast::{
    Next,
    client::{Event, Snapshot, UnsentReason},
};

use super::{
    ending::cause,
    options::Telling,
    screen::{Mood, Screen},
};

pub(super) struct People {
    screen: Option<Screen>,
    level: Level,
    /// Whether there is nothing to say if all goes well.
    is_quiet: bool,
    phase: Phase,
    since: Instant,
    reconnects: u32,
    /// Messages that made room and have not been told of.
    displaced: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Quiet,
    Usual,
    Verbose,
}

/// What the state line is about.
enum Phase {
    Connecting { attempt: u32, url: String },
    Open,
    Closing,
    Waiting { attempt: u32, until: Option<Instant>, cause: String },
}

impl People {
    pub(super) fn new(telling: &Telling) -> Self {
        let level = match (telling.quiet || telling.json_events, telling.verbose) {
            (true, _) => Level::Quiet,
            (false, true) => Level::Verbose,
            (false, false) => Level::Usual,
        };
        let screen = if level == Level::Quiet { None } else { Screen::open() };
        Self {
            screen,
            level,
            is_quiet: telling.quiet,
            phase: Phase::Connecting { attempt: 0, url: String::new() },
            since: Instant::now(),
            reconnects: 0,
            displaced: 0,
        }
    }

    /// How long the state line may be left as it is; `None` if there is none.
    pub(super) fn redraw_after(&self) -> Option<Duration> {
        self.screen.as_ref()?;
        Some(match self.phase {
            Phase::Open => Duration::from_secs(1),
            Phase::Connecting { .. } | Phase::Closing | Phase::Waiting { .. } => {
                Duration::from_millis(200)
            }
        })
    }

    pub(super) fn tell(&mut self, event: &Event, url: &dyn std::fmt::Display) {
        let line = match event {
            Event::Dialing { attempt: 0 } => format!("connecting to {url}"),
            Event::Dialing { attempt } => format!("connecting to {url}, retry {attempt}"),
            Event::Message(_) => return,
            Event::RoundTrip(_) => {
                if self.level == Level::Verbose {
                    say(&event.to_string());
                }
                return;
            }
            // There may be many of these.
            Event::Unsent(unsent) if unsent.reason == UnsentReason::Displaced => {
                self.displaced += unsent.count;
                return;
            }
            // How many have not been sent is said last of all, too.
            Event::Unsent(_) => return,
            Event::Down(down) if down.failure.is_none() => {
                format!("closed, was open for {}", seconds(down.uptime))
            }
            _ => event.to_string(),
        };
        self.tell_displaced();
        self.follow(event, url);
        // What is said last of all says why.
        if ends(event) {
            return;
        }
        let is_loss = matches!(event, Event::Down(down) if down.unflushed > 0);
        if self.level == Level::Verbose
            || self.level == Level::Usual && (self.screen.is_none() || is_loss)
        {
            say(&line);
        }
    }

    fn follow(&mut self, event: &Event, url: &dyn std::fmt::Display) {
        let (phase, is_new) = match event {
            Event::Dialing { attempt } => {
                (Phase::Connecting { attempt: *attempt, url: url.to_string() }, false)
            }
            Event::Up(up) => {
                self.reconnects += u32::from(up.reconnected);
                (Phase::Open, true)
            }
            Event::Down(down) => {
                let cause = down.failure.map(|failure| cause(failure, None));
                (waiting(down.next, cause.unwrap_or_default()), true)
            }
            Event::DialFailed(failed) => (waiting(failed.next, cause(failed.failure, None)), false),
            Event::Rescheduled { next } => (waiting(*next, "network changed".to_owned()), false),
            _ => return,
        };
        self.phase = phase;
        if is_new {
            self.since = Instant::now();
        }
    }

    pub(super) fn closing(&mut self) {
        self.phase = Phase::Closing;
        self.since = Instant::now();
    }

    pub(super) fn draw(&mut self, snapshot: &Snapshot) {
        let Some(screen) = &mut self.screen else { return };
        let lasted = seconds(self.since.elapsed());
        let (mood, mut text) = match &self.phase {
            Phase::Connecting { attempt: 0, url } => {
                (Mood::Waiting, format!("connecting {lasted} · {url}"))
            }
            Phase::Connecting { attempt, url } => {
                (Mood::Waiting, format!("retry {attempt}, connecting · down {lasted} · {url}"))
            }
            Phase::Open => (Mood::Good, format!("open {lasted}")),
            Phase::Closing => (Mood::Ending, format!("closing {lasted}")),
            Phase::Waiting { attempt, until: None, cause } => {
                let when = "when the network is back";
                (Mood::Waiting, format!("retry {attempt} {when} · down {lasted} · {cause}"))
            }
            Phase::Waiting { attempt, until: Some(until), cause } => {
                let left = until.saturating_duration_since(Instant::now()).as_secs_f64();
                (Mood::Waiting, format!("retry {attempt} in {left:.1}s · down {lasted} · {cause}"))
            }
        };
        if let (Phase::Open, Some(round_trip)) = (&self.phase, snapshot.stats.round_trip) {
            let millis = round_trip.smoothed.as_secs_f64() * 1_000.0;
            text.push_str(&format!(" · rtt {millis:.1} ms"));
        }
        if self.reconnects > 0 {
            text.push_str(&format!(" · {}", plural(self.reconnects.into(), "reconnect")));
        }
        if snapshot.queued > 0 {
            text.push_str(&format!(" · {} to send", snapshot.queued));
        }
        screen.draw(mood, &text);
    }

    /// Leaves the terminal as it was, until something is drawn again.
    #[cfg(unix)]
    pub(super) fn give_terminal_back(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.give_back();
        }
    }

    /// Says why it ends, last of all.
    pub(super) fn end(&mut self, why: &str, is_clean: bool) {
        self.screen = None;
        self.tell_displaced();
        if !(self.is_quiet && is_clean) {
            say(why);
        }
    }

    pub(super) fn warn(&mut self, what: &str) {
        if self.level > Level::Quiet {
            say(&format!("warning: {what}"));
        }
    }

    /// Says that so many messages that were sent may not have arrived.
    pub(super) fn tell_doubtful(&mut self, count: u64) {
        if self.level > Level::Quiet {
            match count {
                0 => {}
                1 => say("the last message sent may not have arrived"),
                count => say(&format!("the last {count} messages sent may not have arrived")),
            }
        }
    }

    fn tell_displaced(&mut self) {
        let count = std::mem::take(&mut self.displaced);
        if count > 0 && self.level > Level::Quiet {
            let messages = plural(count, "message");
            say(&format!("{messages} made room for newer ones"));
        }
    }
}

/// A line on stderr. If nobody reads it, it is not for us to fail.
pub(super) fn say(what: &str) {
    let _ = writeln!(anstream::stderr(), "steadfast: {what}");
}

/// Whether nothing is tried again after it.
fn ends(event: &Event) -> bool {
    match event {
        Event::Down(down) => down.failure.is_some() && down.next == Next::Closed,
        Event::DialFailed(failed) => failed.next == Next::Closed,
        Event::Closed { .. } => true,
        _ => false,
    }
}

fn waiting(next: Next, cause: String) -> Phase {
    match next {
        Next::Retry { attempt, delay } => {
            Phase::Waiting { attempt, until: Instant::now().checked_add(delay), cause }
        }
        Next::Offline { attempt } => Phase::Waiting { attempt, until: None, cause },
        _ => Phase::Closing,
    }
}

pub(super) fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn seconds(duration: Duration) -> String {
    format_duration(Duration::from_secs(duration.as_secs())).to_string()
}
