//! When messages have waited too long: the driver's, for handles have no clock.

use std::collections::VecDeque;

use crate::{Instant, time::Nanos};

/// Numbers of messages by the time when they expire. All have the same time to live, so that the order
/// is that of the numbers, and those that were seen first in one look expire together.
pub(super) struct Deadlines {
    time_to_live: Nanos,
    /// The number of the last message that was seen.
    seen: u64,
    pending: VecDeque<Deadline>,
}

struct Deadline {
    /// The last that expires then.
    last: u64,
    at: Instant,
}

impl Deadlines {
    pub(super) fn new(time_to_live: Nanos) -> Self {
        Self { time_to_live, seen: 0, pending: VecDeque::new() }
    }

    /// Looks at what waits, up to this number. Answers the last number that has expired, if one has since
    /// it last looked: even with no time to live, a message has its turn before.
    pub(super) fn look(&mut self, now: Instant, newest: u64) -> Option<u64> {
        let mut expired = None;
        while let Some(deadline) = self.pending.pop_front() {
            if deadline.at > now {
                self.pending.push_front(deadline);
                break;
            }
            expired = Some(deadline.last);
        }
        if newest > self.seen {
            self.seen = newest;
            let at = now.after(self.time_to_live);
            self.pending.push_back(Deadline { last: newest, at });
        }
        expired
    }

    /// When the next one expires, if this is the lowest number that waits.
    pub(super) fn next(&mut self, lowest: u64) -> Option<Instant> {
        while self.pending.front().is_some_and(|deadline| deadline.last < lowest) {
            self.pending.pop_front();
        }
        self.pending.front().map(|deadline| deadline.at).filter(|at| *at != Instant::NEVER)
    }
}
