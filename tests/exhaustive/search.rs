//! A breadth-first search through the shapes of machine and model.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
    time::Instant,
};

use steadfast::testing::model::Violation;

use crate::{
    alphabet::{Input, When},
    setup::{self, Pair, Setup, asked_depth, depth, say},
};

/// A key is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only keys are hashed");
    }

    #[allow(clippy::cast_possible_truncation, reason = "a part of a hash is one")]
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The step that led to a pair, for telling the way.
#[derive(Clone, Copy)]
struct Way {
    /// The number of the pair that it led from.
    from: u32,
    when: When,
    input: Input,
}

struct Search {
    setup: Setup,
    seen: HashSet<u128, BuildHasherDefault<AsItIs>>,
    ways: Vec<Way>,
    transitions: u64,
}

impl Search {
    fn new(setup: Setup) -> Self {
        Self { setup, seen: HashSet::default(), ways: Vec::new(), transitions: 0 }
    }

    /// Goes `depth` steps far. Answers how far it has come, which is less only if there was nothing
    /// more to find.
    fn run(&mut self, depth: usize) -> Result<usize, Violation> {
        let start = Pair::new(self.setup);
        self.seen.insert(start.key());
        self.ways.push(Way { from: 0, when: When::Same, input: Input::Tick });
        let mut level = vec![(0, start)];
        for far in 0..depth {
            if level.is_empty() {
                return Ok(far);
            }
            let mut next = Vec::new();
            for (number, pair) in level {
                self.expand(number, &pair, far + 1 < depth, &mut next)?;
            }
            level = next;
        }
        Ok(depth)
    }

    fn expand(
        &mut self,
        from: u32,
        pair: &Pair,
        goes_on: bool,
        next: &mut Vec<(u32, Pair)>,
    ) -> Result<(), Violation> {
        for (when, at, input) in pair.steps() {
            self.transitions += 1;
            let reached = pair.step(at, input);
            if let Err(violation) = reached.verdict {
                let mut calls = self.way_to(from);
                calls.push((when, input));
                return Err(self.replay(&calls, violation));
            }
            if !reached.leads_on(input) || !self.seen.insert(reached.pair.key()) {
                continue;
            }
            let number = u32::try_from(self.ways.len()).expect("that many do not fit in memory");
            self.ways.push(Way { from, when, input });
            if goes_on {
                next.push((number, reached.pair));
            }
        }
        Ok(())
    }

    /// The steps that led to a pair: the shortest way there is.
    fn way_to(&self, mut number: u32) -> Vec<(When, Input)> {
        let mut steps = Vec::new();
        while number != 0 {
            let way = self.ways[number as usize];
            steps.push((way.when, way.input));
            number = way.from;
        }
        steps.reverse();
        steps
    }

    /// The violation with the calls that led to it.
    fn replay(&self, steps: &[(When, Input)], violation: Violation) -> Violation {
        let mut pair = Pair::new(self.setup);
        let mut calls = Vec::new();
        for (when, input) in steps {
            let instants = When::all(&pair);
            let at = instants.into_iter().find_map(|(other, at)| (other == *when).then_some(at));
            let reached = pair.step(at.expect("as on the way here"), *input);
            calls.push(reached.entry);
            pair = reached.pair;
        }
        violation.after(calls)
    }
}

/// How deep to go, by default in a release build: as deep as there is anything.
fn wanted() -> usize {
    asked_depth().unwrap_or(depth(6, usize::MAX))
}

fn search(setup: Setup) {
    let depth = wanted();
    let (mut search, began) = (Search::new(setup), Instant::now());
    let far = search.run(depth).unwrap_or_else(|violation| panic!("{violation}"));
    let all = if far < depth { ", which is all there is" } else { "" };
    let (states, seconds) = (search.seen.len(), began.elapsed().as_secs_f64());
    say(&format!(
        "{}: {states} states, {} transitions, {far} events deep{all}, in {seconds:.1} s",
        setup.name, search.transitions,
    ));
}

// Apart, so that they run at the same time.
#[test]
fn every_promise_holds_in_every_state_that_can_be_reached() {
    search(setup::defaults());
}

#[test]
fn every_promise_holds_in_every_state_that_can_be_reached_without_a_heartbeat() {
    search(setup::deaf());
}

#[test]
fn every_promise_holds_in_every_state_that_can_be_reached_with_few_retries() {
    search(setup::impatient());
}

#[test]
fn every_promise_holds_in_every_state_that_can_be_reached_with_a_heartbeat_of_the_server() {
    search(setup::expecting());
}
