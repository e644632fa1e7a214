//! Time, processor time, and medians of rounds that take turns.

use std::time::Instant;

use cpu_time::ProcessTime;

use crate::is_timed;

/// What one round took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spent {
    /// Of this process, all threads, user and system, in nanoseconds.
    pub(crate) processor: f64,
    /// In nanoseconds.
    pub(crate) wall: f64,
}

/// Processor time and time from now on.
pub(crate) struct Stopwatch {
    processor: ProcessTime,
    wall: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { processor: ProcessTime::now(), wall: Instant::now() }
    }

    pub(crate) fn stop(&self) -> Spent {
        let wall = self.wall.elapsed().as_secs_f64() * 1e9;
        Spent { processor: self.processor.elapsed().as_secs_f64() * 1e9, wall }
    }

    /// What was spent on each of so many.
    pub(crate) fn each(&self, count: usize) -> Spent {
        let (spent, count) = (self.stop(), count as f64);
        Spent { processor: spent.processor / count, wall: spent.wall / count }
    }
}

/// The medians of two clients that took turns, and of the ratios of neighbouring rounds: what else
/// the computer does meets both of them.
#[derive(Clone, Copy)]
pub(crate) struct Compared {
    pub(crate) raw: f64,
    pub(crate) ours: f64,
    pub(crate) ratio: f64,
}

/// The rounds of two clients.
#[derive(Default)]
pub(crate) struct Rounds {
    raw: Vec<Spent>,
    ours: Vec<Spent>,
}

impl Rounds {
    /// Plays so many rounds of each, and one before that does not count. Who begins, changes. Only
    /// one counts if nothing is timed.
    pub(crate) fn play(
        rounds: usize,
        mut raw: impl FnMut() -> Spent,
        mut ours: impl FnMut() -> Spent,
    ) -> Self {
        let rounds = if is_timed() { rounds } else { 1 };
        let mut played = Self::default();
        for round in 0..=rounds {
            let (of_raw, of_ours) = if round % 2 == 0 {
                let first = raw();
                (first, ours())
            } else {
                let first = ours();
                (raw(), first)
            };
            if round > 0 {
                played.raw.push(of_raw);
                played.ours.push(of_ours);
            }
        }
        played
    }

    /// Plays with so many pairs of clients, one after the other. Only one counts if nothing is timed.
    pub(crate) fn play_pairs(pairs: usize, pair: impl FnMut(usize) -> Self) -> Self {
        let pairs = if is_timed() { pairs } else { 1 };
        let mut played = Self::default();
        for Self { raw, ours } in (0..pairs).map(pair) {
            played.raw.extend(raw);
            played.ours.extend(ours);
        }
        played
    }

    pub(crate) fn processor(&self) -> Compared {
        self.compare(|spent| spent.processor)
    }

    pub(crate) fn wall(&self) -> Compared {
        self.compare(|spent| spent.wall)
    }

    fn compare(&self, of: impl Fn(&Spent) -> f64) -> Compared {
        let ratios = self.raw.iter().zip(&self.ours).map(|(raw, ours)| of(ours) / of(raw));
        Compared {
            raw: median(self.raw.iter().map(&of)),
            ours: median(self.ours.iter().map(&of)),
            ratio: median(ratios),
        }
    }
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
