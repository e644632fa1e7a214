//! How many of the messages that were sent are known to have arrived: those before a ping that was
//! answered, for a peer reads in order.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(100);
/// How many looks are kept: as many as there are within the slowest answer.
const KEPT: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// How many messages had been sent by when, on the connection that is open.
    looks: VecDeque<(Instant, u64)>,
    /// How many have arrived for certain, or are past caring.
    settled: u64,
}

impl Doubt {
    /// Notes how many messages have been sent, if it is time.
    pub(super) fn look(&mut self, sent: impl FnOnce() -> u64) {
        let now = Instant::now();
        if self.looks.back().is_none_or(|(last, _)| now.duration_since(*last) >= EVERY) {
            self.note(now, sent());
        }
    }

    fn note(&mut self, now: Instant, sent: u64) {
        if self.looks.len() == KEPT {
            self.looks.pop_front();
        }
        self.looks.push_back((now, sent));
    }

    /// The peer has answered a ping that was sent so long ago.
    pub(super) fn answered(&mut self, round_trip: Duration) {
        self.answered_at(Instant::now(), round_trip);
    }

    fn answered_at(&mut self, now: Instant, round_trip: Duration) {
        let Some(pinged) = now.checked_sub(round_trip) else { return };
        let before = self.looks.partition_point(|(at, _)| *at <= pinged);
        if let Some((_, sent)) = self.looks.drain(..before).next_back() {
            self.settled = self.settled.max(sent);
        }
    }

    /// The connection has ended. Answers how many of all that were ever sent may not have arrived,
    /// but for those that are known not to have been written.
    pub(super) fn ended(&mut self, sent: u64, unflushed: u64) -> u64 {
        let doubtful = sent.saturating_sub(self.settled + unflushed);
        self.looks.clear();
        self.settled = sent;
        doubtful
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_before_a_ping_that_was_answered_is_not_in_doubt() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut doubt = Doubt::default();
        doubt.note(at(0), 0);
        doubt.note(at(100), 5);
        doubt.note(at(200), 9);
        // The ping was sent at 150 ms.
        doubt.answered_at(at(250), Duration::from_millis(100));
        assert_eq!(doubt.ended(12, 3), 4);
        assert_eq!(doubt.ended(14, 0), 2);
    }

    #[test]
    fn without_an_answer_all_is_in_doubt() {
        let mut doubt = Doubt::default();
        let now = Instant::now();
        (0..5_000).for_each(|sent| doubt.note(now, sent));
        assert_eq!(doubt.looks.len(), KEPT);
        assert_eq!(doubt.ended(5_000, 0), 5_000);
    }
}
