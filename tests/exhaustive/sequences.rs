//! Every sequence of events at every interesting instant.

use steadfast::trace::Entry;

use crate::setup::{Pair, Setup, all, asked_depth, depth, say};

struct Sequences {
    steps: u64,
    calls: Vec<Entry>,
}

impl Sequences {
    /// Plays every sequence of at most `depth` events from here.
    fn play(&mut self, from: &Pair, depth: usize) {
        for (_, at, input) in from.steps() {
            let reached = from.step(at, input);
            self.steps += 1;
            self.calls.push(reached.entry);
            if let Err(violation) = &reached.verdict {
                panic!("{}", violation.clone().after(self.calls.iter().copied()));
            }
            if depth > 1 && reached.leads_on(input) {
                self.play(&reached.pair, depth - 1);
            }
            self.calls.pop();
        }
    }
}

fn play(setup: Setup, depth: usize) {
    let mut sequences = Sequences { steps: 0, calls: Vec::new() };
    sequences.play(&Pair::new(setup), depth);
    say(&format!("{}: every sequence of {depth} events, {} steps", setup.name, sequences.steps));
}

#[test]
fn every_promise_holds_at_every_step_of_every_short_sequence_of_events() {
    let depth = asked_depth().map_or(depth(4, 5), |depth| depth.min(5));
    for setup in all() {
        play(setup, depth);
    }
}
