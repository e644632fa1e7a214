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
    /// The number of the first.
    first: u64,
    /// One more than the number of the last.
    end: u64,
    /// Numbers in between of messages that are not in here.
    gaps: VecDeque<Gap>,
}

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
        if self.is_empty() { u64::MAX } else { self.first }
    }

    /// The number of the last, or one that is none.
    pub(super) fn highest(&self) -> u64 {
        if self.is_empty() { 0 } else { self.end - 1 }
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
        if self.is_empty() {
            self.first = number;
        } else if number != self.end {
            self.leave_gap(number);
        }
    }

    #[cold]
    fn leave_gap(&mut self, end: u64) {
        self.gaps.push_back(Gap { first: self.end, end });
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Queued> {
        let message = self.messages.pop_front()?;
        let number = self.first;
        self.first += 1;
        if !self.gaps.is_empty() {
            self.pass_gap();
        }
        Some(Queued { message, number })
    }

    #[cold]
    fn pass_gap(&mut self) {
        if self.gaps.front().is_some_and(|gap| gap.first == self.first) {
            self.first = self.gaps.pop_front().map_or(self.first, |gap| gap.end);
        }
    }

    /// Takes out those up to this number.
    pub(super) fn drain_to(&mut self, last: u64) -> impl Iterator<Item = Queued> {
        std::iter::from_fn(move || if self.lowest() <= last { self.pop() } else { None })
    }

    /// Adds all of another line, whose numbers are above.
    pub(super) fn append(&mut self, next: &mut Self) {
        if !next.is_empty() {
            self.open(next.first);
            self.end = next.end;
            self.messages.append(&mut next.messages);
            self.gaps.append(&mut next.gaps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(line: &mut Line, last: u64) -> Vec<(u64, String)> {
        let shown = |queued: Queued| (queued.number, queued.message.as_text().unwrap().to_owned());
        line.drain_to(last).map(shown).collect()
    }

    fn line(numbers: &[u64]) -> Line {
        let mut line = Line::default();
        for number in numbers {
            line.push(Message::text(number.to_string()), *number);
        }
        line
    }

    fn expected(numbers: &[u64]) -> Vec<(u64, String)> {
        numbers.iter().map(|number| (*number, number.to_string())).collect()
    }

    #[test]
    fn messages_keep_their_numbers_whatever_is_missing_between_them() {
        for all in [&[1, 2, 3][..], &[1, 4, 5, 9], &[7], &[2, 4, 6, 8, 9], &[]] {
            let mut line = line(all);
            assert_eq!(line.lowest(), all.first().copied().unwrap_or(u64::MAX));
            assert_eq!(numbers(&mut line, u64::MAX), expected(all));
            assert!(line.gaps.is_empty());
        }
    }

    #[test]
    fn lines_that_follow_one_another_are_one() {
        let all = [2, 3, 6, 7, 11, 12];
        for (taken, popped) in (0..=all.len()).flat_map(|at| (0..=at).map(move |to| (at, to))) {
            let mut front = line(&all[..taken]);
            let last = popped.checked_sub(1).map_or(0, |last| all[last]);
            assert_eq!(numbers(&mut front, last), expected(&all[..popped]));
            let mut back = line(&all[taken..]);
            front.append(&mut back);
            assert!(back.is_empty());
            let mut back = front;
            back.push(Message::text("13"), 13);
            let mut left = all[popped..].to_vec();
            left.push(13);
            assert_eq!(numbers(&mut back, u64::MAX), expected(&left));
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
        assert_eq!(numbers(&mut line, 5), expected(&[1, 2, 5]));
        assert_eq!((line.lowest(), line.len()), (6, 1));
    }
}
