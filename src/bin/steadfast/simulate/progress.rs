//! How far a long simulation is, on a terminal.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use steadfast::fleet::Progress;

use crate::console::{CYAN, DIM, grouped};

/// What is over before this needs no bar.
const PATIENCE: Duration = Duration::from_millis(400);
const REDRAW_EVERY: Duration = Duration::from_millis(100);
const WIDTH: usize = 24;

/// A line on stderr that is rewritten in place, and is gone when this is dropped.
pub(crate) struct Bar {
    clients: u32,
    is_wanted: bool,
    is_drawn: bool,
    next: Instant,
}

impl Bar {
    pub(crate) fn new(clients: u32) -> Self {
        let is_wanted = io::stderr().is_terminal();
        Self { clients, is_wanted, is_drawn: false, next: Instant::now() + PATIENCE }
    }

    pub(crate) fn tell(&mut self, progress: Progress) {
        if self.is_wanted && Instant::now() >= self.next {
            self.next = Instant::now() + REDRAW_EVERY;
            self.is_drawn = true;
            draw(&line(progress.at, progress.attempts, progress.connected, self.clients));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.is_drawn {
            draw("");
        }
    }
}

/// A terminal that is gone does not disturb the simulation.
fn draw(line: &str) {
    let mut terminal = anstream::stderr().lock();
    let _ = write!(terminal, "\r\x1b[2K{line}").and_then(|()| terminal.flush());
}

fn line(at: Duration, attempts: u64, connected: u32, clients: u32) -> String {
    let percent = u64::from(connected) * 100 / u64::from(clients);
    let filled = usize::try_from(percent).unwrap_or_default() * WIDTH / 100;
    let (full, empty) = ("█".repeat(filled), "░".repeat(WIDTH - filled));
    let (seconds, attempts) = (grouped(at.as_secs()), grouped(attempts));
    format!(
        "{CYAN}{full}{CYAN:#}{DIM}{empty}{DIM:#} {percent:>3} % connected  \
         {DIM}after {seconds} s, {attempts} attempts{DIM:#}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_line_fits_into_a_terminal() {
        let hour = Duration::from_secs(3_600);
        let plain = |line: String| anstream::adapter::strip_str(&line).to_string();
        let half = plain(line(hour / 2, 1_234_567, 50_999, 100_000));
        assert_eq!(
            half,
            "████████████░░░░░░░░░░░░  50 % connected  after 1,800 s, 1,234,567 attempts"
        );
        let whole = plain(line(hour, 999_999_999, 10_000_000, 10_000_000));
        assert!(whole.chars().count() < 80 && whole.contains("█ 100 %"), "{whole}");
        assert!(plain(line(hour, 0, 0, 1)).starts_with("░"));
    }
}
