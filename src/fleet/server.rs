//! The server: one accept queue, in whole microseconds.

/// One connection, in the unit of the queue's work: a server of capacity C does C of these units
/// in a microsecond, so nothing is ever rounded but the instant that a client is told.
const CONNECTION: u64 = 1_000_000;

/// A first-in, first-out accept queue with a deterministic service time.
///
/// In the terms of the model, `work` is `(v − t) · C`: what is left, at `at`, of all that has been
/// accepted.
#[derive(Clone, Debug)]
pub(super) struct Server {
    capacity_per_second: u32,
    backlog: u32,
    work: u64,
    at: u64,
}

impl Server {
    pub(super) fn new(capacity_per_second: u32, backlog: u32) -> Self {
        Self { capacity_per_second, backlog, work: 0, at: 0 }
    }

    /// When a client that knocks at `now` will be connected; `None` if the queue is full or nobody
    /// serves it. `now` must not decrease from call to call.
    pub(super) fn admit(&mut self, now: u64) -> Option<u64> {
        self.advance(now);
        let capacity = u64::from(self.capacity_per_second);
        if capacity == 0 || self.work >= u64::from(self.backlog) * CONNECTION {
            return None;
        }
        self.work += CONNECTION;
        Some(now.saturating_add(self.work.div_ceil(capacity)))
    }

    /// Serves this much from `now` on. Without any, what waits in the queue is lost.
    pub(super) fn set_capacity(&mut self, now: u64, capacity_per_second: u32) {
        self.advance(now);
        self.capacity_per_second = capacity_per_second;
        if capacity_per_second == 0 {
            self.work = 0;
        }
    }

    pub(super) fn is_serving(&self) -> bool {
        self.capacity_per_second > 0
    }

    fn advance(&mut self, now: u64) {
        let done = (now - self.at).saturating_mul(u64::from(self.capacity_per_second));
        self.work = self.work.saturating_sub(done);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_crowd_fills_the_queue_and_is_served_in_order() {
        let mut server = Server::new(1_000, 128);
        let connected: Vec<_> = (0..1_000).map_while(|_| server.admit(0)).collect();
        assert_eq!(connected, (1..=128).map(|n| n * 1_000).collect::<Vec<_>>());
        assert_eq!(server.admit(0), None);
        // A place is free as soon as the first is being served, as the model has it.
        assert_eq!(server.admit(1), Some(129_000));
        assert_eq!(server.admit(1_000), None);
        assert_eq!(server.admit(1_001), Some(130_000));
    }

    #[test]
    fn an_idle_server_takes_exactly_its_service_time() {
        let mut server = Server::new(1_000, 1);
        assert_eq!(server.admit(5 * SECOND), Some(5 * SECOND + 1_000));
        assert_eq!(server.admit(5 * SECOND + 1_000), Some(5 * SECOND + 2_000));
    }

    #[test]
    fn a_service_time_that_is_no_whole_microsecond_does_not_drift() {
        let mut server = Server::new(3, 1_000_000);
        let connected: Vec<_> = (0..3_000).filter_map(|_| server.admit(0)).collect();
        assert_eq!(connected[..3], [333_334, 666_667, SECOND]);
        assert_eq!(connected[2_999], 1_000 * SECOND);
    }

    #[test]
    fn a_server_without_capacity_takes_nobody_and_forgets_its_queue() {
        let mut server = Server::new(10, 2);
        assert!(server.admit(0).is_some() && server.admit(0).is_some());
        server.set_capacity(0, 0);
        assert_eq!(server.admit(SECOND), None);
        server.set_capacity(2 * SECOND, 5);
        assert_eq!(server.admit(2 * SECOND), Some(2 * SECOND + 200_000));
    }

    #[test]
    fn a_change_of_capacity_keeps_what_is_queued() {
        let mut server = Server::new(10, 8);
        for _ in 0..4 {
            let _ = server.admit(0);
        }
        server.set_capacity(200_000, 20);
        // Two are left, and one more, at 50 ms each.
        assert_eq!(server.admit(200_000), Some(350_000));
    }
}
