//! When messages have waited too long: the driver's, for handles have no clock.

use std::collections::VecDeque;

use super::line::Line;
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

    /// When the next one expires of those that the driver has taken and those behind them.
    pub(super) fn next(&mut self, taken: &Line, waiting: &Line) -> Option<Instant> {
        let lowest = taken.lowest().min(waiting.lowest());
        while self.pending.front().is_some_and(|deadline| deadline.last < lowest) {
            self.pending.pop_front();
        }
        // What was taken may be stuck for long while more and more of what is behind it makes room.
        let is_made_room = |deadline: &Deadline| deadline.last < waiting.lowest();
        while self.pending.get(1).is_some_and(is_made_room)
            && self.pending[0].last >= taken.highest()
        {
            self.pending.remove(1);
        }
        self.pending.front().map(|deadline| deadline.at).filter(|at| *at != Instant::NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Message;

    #[test]
    fn deadlines_take_no_more_room_than_what_waits_however_much_makes_room_behind_what_is_stuck() {
        let second = std::time::Duration::from_secs(1);
        let mut deadlines = Deadlines::new(Nanos::saturating_from(3_000 * second));
        let (mut stuck, mut waiting, mut now) =
            (Line::default(), Line::default(), Instant::default());
        stuck.push(Message::text("x"), 1);
        let first = now.after(deadlines.time_to_live);
        for newest in 1..=1_000 {
            if newest > 1 {
                waiting.push(Message::text("x"), newest);
            }
            if waiting.len() > 3 {
                waiting.pop();
            }
            assert_eq!(deadlines.look(now, newest), None);
            assert_eq!(deadlines.look(now, newest), None);
            assert_eq!(deadlines.next(&stuck, &waiting), Some(first));
            assert!(deadlines.pending.len() <= 4, "{} for four messages", deadlines.pending.len());
            now = now.saturating_add(second);
        }
        assert!(stuck.pop().is_some());
        let next = deadlines.next(&stuck, &waiting);
        assert_eq!(next, Some(first.saturating_add(997 * second)));
    }

    #[test]
    fn what_was_taken_together_expires_one_after_the_other() {
        let second = std::time::Duration::from_secs(1);
        let mut deadlines = Deadlines::new(Nanos::saturating_from(10 * second));
        let (mut taken, waiting, start) = (Line::default(), Line::default(), Instant::default());
        let after = |seconds| start.saturating_add(seconds * second);
        for number in 1..=3 {
            taken.push(Message::text("x"), number.into());
            assert_eq!(deadlines.look(after(number), number.into()), None);
            assert_eq!(deadlines.next(&taken, &waiting), Some(after(11)));
        }
        for number in 1..=3 {
            assert_eq!(deadlines.next(&taken, &waiting), Some(after(10 + number)));
            assert_eq!(deadlines.look(after(10 + number), 3), Some(number.into()));
            assert!(taken.pop().is_some());
        }
        assert_eq!(deadlines.next(&taken, &waiting), None);
    }
}
