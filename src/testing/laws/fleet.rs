//! Many clients that are cut off together.

use std::{collections::HashMap, time::Duration};

use super::{
    counterexample::Exact,
    trial::{Answer, Premise, Trial},
};
use crate::{Policy, testing::strategies::Script};

/// How many clients there are.
const CLIENTS: u64 = 1_000;

/// How many of them may come back within 1 % of a delay.
const MOST: usize = 50;

/// Among so many delays of one client, two clients have no two sequences alike by chance.
const SEQUENCE: usize = 8;

/// What each client was answered, by its seed.
pub(super) struct Fleet {
    answers: Vec<Vec<Answer>>,
}

/// Clients that come back as one.
pub(super) struct Bunch {
    /// The first of them.
    pub(super) seed: u64,
    clients: usize,
    from: Duration,
    to: Duration,
    /// 1 % of it is how close they are.
    yardstick: Duration,
    name: &'static str,
}

/// Clients with the same delays throughout.
pub(super) struct Twins {
    pub(super) seeds: [u64; 2],
    pub(super) delays: usize,
}

impl Fleet {
    pub(super) fn of<P: Policy>(make: &impl Fn() -> P, script: &Script, premise: &Premise) -> Self {
        let mut trial = Trial { premise: premise.clone(), ..Trial::of(script.clone()) };
        let mut answers = Vec::new();
        for seed in 0..CLIENTS {
            trial.seed = seed;
            answers.push(trial.run(make).answers);
        }
        Self { answers }
    }

    pub(super) fn longest(&self) -> Option<Duration> {
        self.answers.iter().flatten().filter_map(Answer::delay).max()
    }

    /// The largest bunch that is too large, at the `nth` question.
    pub(super) fn bunch(&self, nth: usize) -> Option<Bunch> {
        let delays = (0..).zip(&self.answers).filter_map(|(seed, answers)| {
            let delay = answers.get(nth)?.delay()?;
            Some((delay, seed))
        });
        let mut delays: Vec<_> = delays.collect();
        delays.sort_unstable();
        let (yardstick, name) = match nth {
            0 => (delays.last()?.0, "the longest delay"),
            // By now each has a past of its own. Where delays are built on the ones before, few are
            // much longer than the others.
            _ => (delays.get(delays.len() / 2)?.0, "the median delay"),
        };
        let width = yardstick / 100;
        let mut largest: Option<(usize, usize)> = None;
        let mut first = 0;
        for (last, (to, _)) in delays.iter().enumerate() {
            while delays[first].0.saturating_add(width) < *to {
                first += 1;
            }
            let size = last - first + 1;
            if size > largest.map_or(MOST, |(_, size)| size) {
                largest = Some((first, size));
            }
        }
        let (first, clients) = largest?;
        let ((from, seed), (to, _)) = (delays[first], delays[first + clients - 1]);
        Some(Bunch { seed, clients, from, to, yardstick, name })
    }

    pub(super) fn twins(&self) -> Option<Twins> {
        let mut known: HashMap<Vec<Duration>, u64> = HashMap::new();
        for (seed, answers) in (0..).zip(&self.answers) {
            let delays: Vec<_> = answers.iter().map_while(Answer::delay).collect();
            let count = delays.len();
            if let Some(other) = known.insert(delays, seed).filter(|_| count >= SEQUENCE) {
                return Some(Twins { seeds: [other, seed], delays: count });
            }
        }
        None
    }
}

impl Bunch {
    pub(super) fn expected(&self) -> String {
        let Self { yardstick, name, .. } = self;
        let width = Exact(*yardstick / 100);
        format!("at most {MOST} of {CLIENTS} clients within any {width}: 1 % of {name}")
    }

    pub(super) fn found(&self) -> String {
        let Self { clients, from, to, .. } = self;
        match from == to {
            true => format!("{clients} clients that are answered {}", Exact(*from)),
            false => {
                let (from, to) = (Exact(*from), Exact(*to));
                format!("{clients} clients that are answered {from} to {to}")
            }
        }
    }
}
