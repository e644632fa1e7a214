//! What happens, as it happens: a line each.

use std::{
    fmt::Display,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Style};
use steadfast::client::Event;

use super::script::{Act, Ending};

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();
const BLUE: Style = AnsiColor::Cyan.on_default();

pub(crate) struct Timeline {
    start: Instant,
}

impl Timeline {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn title(&self, seed: u32, address: SocketAddr) {
        anstream::println!("{BOLD}steadfast demo{BOLD:#}  ws://{address}/feed  seed {seed}\n");
    }

    pub(crate) fn act(&self, act: &Act) {
        let what = match act.ending {
            Ending::Close(code, reason) => format!("closes with {code} {reason:?}"),
            Ending::Reset => "resets the TCP connection".to_owned(),
            Ending::Mute => "falls silent and keeps the socket (half-open)".to_owned(),
        };
        anstream::println!();
        self.server(&what);
    }

    pub(crate) fn server(&self, what: &str) {
        self.line(BLUE, "server", what);
    }

    pub(crate) fn resynchronised(&self, last: u64, written: u64) {
        let again = written.saturating_sub(last);
        let what = format!("resynchronised: the server has {last}, {again} to send again");
        self.line(GREEN, "", &what);
    }

    pub(crate) fn client(&self, event: &Event) {
        match event {
            Event::Dialing { .. } => self.line(YELLOW, "connecting", event),
            Event::Up { .. } => self.line(GREEN, "open", event),
            Event::RoundTrip(_) => self.line(DIM, "", event),
            Event::Down(down) if down.failure.is_some() => self.line(RED, "down", event),
            Event::Down(_) => self.line(DIM, "down", event),
            Event::DialFailed(_) => self.line(RED, "backoff", event),
            Event::Rescheduled { .. } => self.line(YELLOW, "backoff", event),
            Event::Closed { .. } => self.line(BOLD, "closed", event),
            _ => {}
        }
    }

    fn line(&self, style: Style, label: &str, what: impl Display) {
        let at = self.elapsed().as_secs_f64();
        anstream::println!("{DIM}{at:>8.3}s{DIM:#}  {style}{label:<10}{style:#}  {what}");
    }
}
