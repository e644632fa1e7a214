//! What is counted while a fleet runs. Nothing in it grows with the number of clients.

use core::time::Duration;

use super::report::{Curve, Percentiles};

/// The finest buckets of the curve, 100 ms, in microseconds.
const BUCKET_US: u64 = 100_000;

/// How many buckets a curve has at most.
const MOST_BUCKETS: usize = 2_000;

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) attempts: u64,
    pub(super) connections: u64,
    pub(super) losses: u64,
    pub(super) gave_up: u32,
    pub(super) last_connection: Option<u64>,
    buckets: Vec<Bucket>,
    /// How often each downtime occurred, by whole milliseconds.
    downtimes: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    attempts: u64,
    connections: u64,
    losses: u64,
}

impl Tally {
    pub(super) fn attempt(&mut self, now: u64) {
        self.attempts += 1;
        self.bucket(now).attempts += 1;
    }

    pub(super) fn connected(&mut self, now: u64, downtime: Duration) {
        self.connections += 1;
        self.last_connection = Some(now);
        self.bucket(now).connections += 1;
        count(&mut self.downtimes, downtime.as_millis());
    }

    pub(super) fn lost(&mut self, now: u64) {
        self.losses += 1;
        self.bucket(now).losses += 1;
    }

    fn bucket(&mut self, now: u64) -> &mut Bucket {
        let at = index(u128::from(now / BUCKET_US));
        if at >= self.buckets.len() {
            self.buckets.resize(at + 1, Bucket::default());
        }
        &mut self.buckets[at]
    }

    pub(super) fn peak_per_100ms(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.attempts).max().unwrap_or(0)
    }

    /// The curve of a fleet of which `connected` clients were connected before t = 0.
    pub(super) fn curve(&self, mut connected: u64) -> Curve {
        let merged = [1, 2, 5, 10, 20, 50, 100, 200]
            .into_iter()
            .find(|merged| self.buckets.len().div_ceil(*merged) <= MOST_BUCKETS)
            .unwrap_or(500);
        let mut curve =
            Curve { bucket_ms: (BUCKET_US / 1_000) * merged as u64, ..Curve::default() };
        for buckets in self.buckets.chunks(merged) {
            let sum = |of: fn(&Bucket) -> u64| buckets.iter().map(of).sum::<u64>();
            let (connections, losses) = (sum(|b| b.connections), sum(|b| b.losses));
            connected = (connected + connections).saturating_sub(losses);
            curve.attempts.push(sum(|b| b.attempts));
            curve.connections.push(connections);
            curve.losses.push(losses);
            curve.connected.push(connected);
        }
        curve
    }

    /// `None` if nobody was ever connected.
    pub(super) fn downtime(&self) -> Option<Percentiles> {
        let all: u64 = self.downtimes.iter().map(|&n| u64::from(n)).sum();
        let at = |percent: u64| {
            let rank = (all * percent).div_ceil(100);
            let mut seen = 0;
            let within = self.downtimes.iter().position(|&n| {
                seen += u64::from(n);
                seen >= rank
            });
            within.unwrap_or(0) as u64
        };
        (all > 0).then(|| Percentiles {
            p50_ms: at(50),
            p90_ms: at(90),
            p99_ms: at(99),
            max_ms: self.downtimes.len().saturating_sub(1) as u64,
        })
    }
}

fn count(histogram: &mut Vec<u32>, value: u128) {
    let at = index(value);
    if at >= histogram.len() {
        histogram.resize(at + 1, 0);
    }
    histogram[at] += 1;
}

/// Times are below the horizon, a day at most, so this is exact.
fn index(value: u128) -> usize {
    usize::try_from(value).unwrap_or(0)
}
