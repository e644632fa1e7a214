//! What is due next: a calendar queue.
//!
//! A heap of a million entries misses the cache at every level of every push. Here what is due
//! later lies unsorted in the slot of its time, and only the present slot, a few hundred clients,
//! is a heap. Source: Brown, "Calendar queues", CACM 31(10), 1988.

use std::{cmp::Reverse, collections::BinaryHeap, mem};

/// How many slots the horizon is cut into: some milliseconds each for an hour.
const SLOTS: u64 = 1 << 18;

/// When each client is due, in whole microseconds; ties are in the clients' order.
#[derive(Debug)]
pub(super) struct Agenda {
    slot_us: u64,
    slots: Vec<Vec<Entry>>,
    present: usize,
    today: BinaryHeap<Entry>,
}

/// When, and who.
type Entry = Reverse<(u64, u32)>;

impl Agenda {
    /// An empty agenda up to `horizon`, exclusive.
    pub(super) fn new(horizon: u64) -> Self {
        let slot_us = horizon.div_ceil(SLOTS).max(1);
        let slots = usize::try_from(horizon.div_ceil(slot_us)).unwrap_or(usize::MAX);
        Self { slot_us, slots: vec![Vec::new(); slots], present: 0, today: BinaryHeap::new() }
    }

    /// Notes when `client` is due. What is due beyond the horizon is left out.
    pub(super) fn push(&mut self, client: u32, due: u64) {
        let entry = Reverse((due, client));
        let slot = usize::try_from(due / self.slot_us).unwrap_or(usize::MAX);
        if slot <= self.present {
            self.today.push(entry);
        } else if let Some(slot) = self.slots.get_mut(slot) {
            slot.push(entry);
        }
    }

    /// The next client that is due before `end`, and when.
    pub(super) fn pop_before(&mut self, end: u64) -> Option<(u64, u32)> {
        while self.today.is_empty() {
            let next = self.present + 1;
            if next >= self.slots.len() || next as u64 * self.slot_us >= end {
                return None;
            }
            self.present = next;
            self.today = mem::take(&mut self.slots[next]).into();
        }
        let Reverse((due, _)) = self.today.peek()?;
        if *due >= end {
            return None;
        }
        self.today.pop().map(|Reverse(entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Seed, rng::SplitMix64};

    #[test]
    fn clients_come_in_the_order_of_time_and_then_of_their_number() {
        let horizon = 3_600_000_000;
        let mut rng = SplitMix64::new(Seed::new(1));
        let mut agenda = Agenda::new(horizon);
        let mut expected = Vec::new();
        for client in (0..1_000).rev() {
            // Many ties, some in the first slot, some just inside the horizon, some beyond it.
            let due = match client % 4 {
                0 => rng.next() % 10,
                1 => horizon - 1,
                2 => horizon + rng.next() % 1_000_000_000,
                _ => rng.next() % horizon,
            };
            agenda.push(client, due);
            if due < horizon {
                expected.push((due, client));
            }
        }
        expected.sort_unstable();
        let popped: Vec<_> = std::iter::from_fn(|| agenda.pop_before(horizon)).collect();
        assert_eq!(popped, expected);
    }

    #[test]
    fn what_is_pushed_while_popping_takes_its_place() {
        let mut agenda = Agenda::new(1_000_000);
        agenda.push(0, 500);
        agenda.push(1, 900);
        assert_eq!(agenda.pop_before(1_000_000), Some((500, 0)));
        agenda.push(0, 900);
        agenda.push(2, 501);
        assert_eq!(agenda.pop_before(900), Some((501, 2)));
        assert_eq!(agenda.pop_before(900), None, "900 is not before 900");
        agenda.push(2, 900);
        assert_eq!(agenda.pop_before(901), Some((900, 0)));
        assert_eq!(agenda.pop_before(901), Some((900, 1)));
        assert_eq!(agenda.pop_before(901), Some((900, 2)));
        assert_eq!(agenda.pop_before(1_000_000), None);
    }
}
