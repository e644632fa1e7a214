//! Messages in the order in which they were accepted.

use std::collections::VecDeque;

use super::Message;

/// A message that was accepted.
pub(super) struct Queued {
    pub(super) message: Message,
    /// Its place among all that were ever accepted, from 1.
    pub(super) number: u64,
}

/// The lowest and the highest number of some messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) lowest: u64,
    pub(super) highest: u64,
}

impl Numbers {
    /// Those of no message at all.
    pub(super) const NONE: Self = Self { lowest: u64::MAX, highest: 0 };

    /// Those of messages in their order.
    pub(super) fn among(messages: &[Queued]) -> Self {
        match (messages.first(), messages.last()) {
            (Some(first), Some(last)) => Self { lowest: first.number, highest: last.number },
            _ => Self::NONE,
        }
    }

    #[inline]
    pub(super) fn and(self, other: Self) -> Self {
        let (lowest, highest) = (self.lowest.min(other.lowest), self.highest.max(other.highest));
        Self { lowest, highest }
    }

    #[inline]
    pub(super) fn is_none(self) -> bool {
        self.lowest > self.highest
    }
}

/// Messages in their order. Their numbers need no room of their own, for nearly always each is one more
/// than the one before.
#[derive(Default)]
pub(super) struct Line {
    messages: VecDeque<Message>,
    /// One more than the number of the last.
    end: u64,
    /// Numbers in between of messages that are not in here; those below the first mean nothing.
    gaps: VecDeque<Gap>,
}

#[derive(Clone, Copy)]
struct Gap {
    first: u64,
    end: u64,
}

impl Line {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// The number of the first, or one that none reaches.
    #[inline]
    pub(super) fn lowest(&self) -> u64 {
        match self.is_empty() {
            true => u64::MAX,
            false if self.gaps.is_empty() => self.end - self.len() as u64,
            false => self.lowest_before_gaps(),
        }
    }

    #[cold]
    fn lowest_before_gaps(&self) -> u64 {
        let (mut end, mut before) = (self.end, self.len() as u64);
        for gap in self.gaps.iter().rev() {
            let behind = end - gap.end;
            if before <= behind {
                break;
            }
            (end, before) = (gap.first, before - behind);
        }
        end - before
    }

    /// The number of the last, or one that is none.
    #[inline]
    pub(super) fn highest(&self) -> u64 {
        if self.is_empty() { 0 } else { self.end - 1 }
    }

    /// The numbers of those that have been popped since the first was this one.
    #[inline]
    pub(super) fn popped(&self, lowest: u64) -> Numbers {
        let last = match self.is_empty() || self.gaps.is_empty() {
            true => self.end - self.len() as u64 - 1,
            false => self.last_before(self.lowest()),
        };
        Numbers { lowest, highest: last }
    }

    /// The last number below this one that is not in a gap.
    #[cold]
    fn last_before(&self, number: u64) -> u64 {
        let gap = self.gaps.iter().find(|gap| gap.end == number);
        gap.map_or(number, |gap| gap.first) - 1
    }

    /// Adds a message, with a number above those of the others.
    #[inline]
    pub(super) fn push(&mut self, message: Message, number: u64) {
        self.open(number);
        self.end = number + 1;
        self.messages.push_back(message);
    }

    /// Adds so many messages, or all that there are, with the numbers from this one on.
    #[inline]
    pub(super) fn push_all(&mut self, from: &mut VecDeque<Message>, count: usize, number: u64) {
        self.open(number);
        self.end = number + count as u64;
        match count < from.len() {
            true => self.messages.extend(from.drain(..count)),
            false => self.messages.append(from),
        }
    }

    /// The next number is this one.
    #[inline]
    fn open(&mut self, number: u64) {
        if number != self.end {
            self.leave_gap(number);
        }
    }

    #[cold]
    fn leave_gap(&mut self, end: u64) {
        self.forget_gaps();
        if !self.is_empty() {
            self.gaps.push_back(Gap { first: self.end, end });
        }
    }

    /// Forgets those below the first.
    fn forget_gaps(&mut self) {
        let lowest = self.lowest();
        while self.gaps.front().is_some_and(|gap| gap.first < lowest) {
            self.gaps.pop_front();
        }
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    pub(super) fn pop_queued(&mut self) -> Option<Queued> {
        let number = self.lowest();
        let message = self.pop()?;
        Some(Queued { message, number })
    }

    /// Takes out those up to this number.
    pub(super) fn drain_to(&mut self, last: u64, into: &mut Vec<Queued>) {
        self.forget_gaps();
        let mut number = self.lowest();
        let mut gaps = self.gaps.iter().peekable();
        while number <= last {
            let Some(message) = self.messages.pop_front() else { break };
            into.push(Queued { message, number });
            number += 1;
            if let Some(gap) = gaps.next_if(|gap| gap.first == number) {
                number = gap.end;
            }
        }
    }

    /// Adds all of another line, whose numbers are above.
    pub(super) fn append(&mut self, next: &mut Self) {
        if !next.is_empty() {
            next.forget_gaps();
            self.open(next.lowest());
            self.end = next.end;
            self.messages.append(&mut next.messages);
            self.gaps.append(&mut next.gaps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(numbers: &[u64]) -> Line {
        let mut line = Line::default();
        for number in numbers {
            line.push(Message::text(number.to_string()), *number);
        }
        line
    }

    /// The numbers up to this one, each of which is what its message says.
    fn drain(line: &mut Line, last: u64) -> Vec<u64> {
        let mut queued = Vec::new();
        line.drain_to(last, &mut queued);
        let number = |queued: &Queued| {
            assert_eq!(queued.message.as_text(), Some(&*queued.number.to_string()));
            queued.number
        };
        queued.iter().map(number).collect()
    }

    const ALL: [&[u64]; 6] =
        [&[], &[7], &[1, 2, 3], &[1, 4, 5, 9], &[2, 4, 6, 8, 9], &[2, 3, 6, 7, 11, 12, 13, 20]];

    #[test]
    fn messages_keep_their_numbers_whatever_is_missing_between_them() {
        for (all, count) in ALL.iter().flat_map(|all| (0..=all.len()).map(move |at| (all, at))) {
            let mut popped = line(all);
            for at in 0..count {
                let lowest = popped.lowest();
                assert_eq!(lowest, all[at]);
                assert!(popped.pop().is_some());
                assert_eq!(popped.popped(all[0]), Numbers { lowest: all[0], highest: all[at] });
                assert_eq!(popped.popped(lowest), Numbers { lowest, highest: lowest });
            }
            let (first, last) = (all.get(count), all.last().filter(|_| count < all.len()));
            assert_eq!(popped.lowest(), first.copied().unwrap_or(u64::MAX));
            assert_eq!(popped.highest(), last.copied().unwrap_or(0));
            assert_eq!(drain(&mut popped, u64::MAX), all[count..]);

            let mut drained = line(all);
            let last = count.checked_sub(1).map_or(0, |last| all[last]);
            assert_eq!(drain(&mut drained, last), all[..count]);
            drained.push(Message::text("30"), 30);
            let mut left = all[count..].to_vec();
            left.push(30);
            assert_eq!(drain(&mut drained, u64::MAX), left);
        }
    }

    #[test]
    fn lines_that_follow_one_another_are_one() {
        let parts = |all: usize| {
            (0..=all)
                .flat_map(move |at| (0..=at).map(move |before| (at, before)))
                .flat_map(move |(at, before)| (at..=all).map(move |after| (at, before, after)))
        };
        for (all, (at, before, after)) in
            ALL.iter().flat_map(|all| parts(all.len()).map(move |parts| (all, parts)))
        {
            let (mut front, mut back) = (line(&all[..at]), line(&all[at..]));
            (0..before).for_each(|_| drop(front.pop()));
            (at..after).for_each(|_| drop(back.pop()));
            front.append(&mut back);
            assert!(back.is_empty());
            front.push(Message::text("30"), 30);
            let left = [&all[before..at], &all[after..], &[30]].concat();
            assert_eq!(front.lowest(), left[0]);
            assert_eq!(drain(&mut front, u64::MAX), left);
        }
    }

    #[test]
    fn a_part_of_a_batch_takes_the_numbers_that_follow() {
        let mut from: VecDeque<_> = ["1", "2", "5", "6"].map(Message::from).into();
        let mut line = Line::default();
        line.push_all(&mut from, 2, 1);
        assert_eq!((line.len(), from.len()), (2, 2));
        line.push_all(&mut from, 2, 5);
        assert!(from.is_empty());
        assert_eq!(drain(&mut line, 5), [1, 2, 5]);
        assert_eq!((line.lowest(), line.len()), (6, 1));
    }

    #[test]
    fn what_is_missing_takes_no_more_room_than_what_is_there() {
        let mut line = line(&[1]);
        for number in 1..1_000 {
            line.push(Message::text("x"), 2 * number + 1);
            assert!(line.pop().is_some());
            assert!(line.gaps.len() <= line.len());
        }
    }
}
