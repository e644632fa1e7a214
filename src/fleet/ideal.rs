//! When all could have been back.

/// The same server with clients that form an orderly queue.
#[derive(Debug)]
pub(super) struct Ideal {
    clients: f64,
    /// How many of them are still in the queue, at this moment in microseconds.
    owed: f64,
    at: u64,
}

impl Ideal {
    pub(super) fn new(clients: u32) -> Self {
        Self { clients: clients.into(), owed: 0.0, at: 0 }
    }

    pub(super) fn owe(&mut self, now: u64, capacity_per_second: u32, more: u64) {
        let served = (now - self.at) as f64 / 1e6 * f64::from(capacity_per_second);
        self.owed = ((self.owed - served).max(0.0) + more as f64).min(self.clients);
        self.at = now;
    }

    pub(super) fn ends_s(&self, capacity_per_second: u32) -> f64 {
        self.at as f64 / 1e6 + self.owed / f64::from(capacity_per_second)
    }
}
