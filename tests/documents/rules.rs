//! What came of many cases, as the fewest and shortest conditions that tell one outcome from
//! another.

use std::collections::BTreeSet;

/// How many questions there are at most.
pub(crate) const QUESTIONS: usize = 12;

/// What is known in one case: the answers to the same questions, in the same order.
pub(crate) type Facts = [Option<&'static str>; QUESTIONS];

/// Some of the facts.
type Condition = Vec<(usize, &'static str)>;

fn holds(condition: &Condition, facts: &Facts) -> bool {
    condition.iter().all(|(question, answer)| facts[*question] == Some(answer))
}

/// Every condition of `size` facts of a case.
fn conditions(facts: &Facts, size: usize) -> Vec<Condition> {
    let mut all: Vec<Condition> = vec![Vec::new()];
    for _ in 0..size {
        all = all
            .into_iter()
            .flat_map(|condition| {
                let next = condition.last().map_or(0, |(question, _)| question + 1);
                (next..facts.len()).filter_map(move |question| {
                    let mut longer = condition.clone();
                    longer.push((question, facts[question]?));
                    Some(longer)
                })
            })
            .collect();
    }
    all
}

/// For each of the cases that had this outcome a condition under which no case had another.
///
/// # Panics
///
/// If the facts do not tell them apart.
pub(crate) fn rules(these: &BTreeSet<Facts>, others: &BTreeSet<Facts>) -> Vec<String> {
    let mut left: Vec<&Facts> = these.iter().collect();
    let mut found = Vec::new();
    let mut size = 0;
    while let Some(&first) = left.first() {
        let telling = |facts: &Facts| {
            conditions(facts, size)
                .into_iter()
                .filter(|condition| !others.iter().any(|facts| holds(condition, facts)))
                .collect::<Vec<_>>()
        };
        let best = left.iter().flat_map(|facts| telling(facts)).max_by_key(|condition| {
            let covered = left.iter().filter(|facts| holds(condition, facts)).count();
            let order: usize = condition.iter().map(|(question, _)| question).sum();
            (covered, usize::MAX - order)
        });
        match best {
            Some(condition) => {
                left.retain(|facts| !holds(&condition, facts));
                let words: Vec<_> = condition.iter().map(|(_, answer)| *answer).collect();
                found.push(words.join(", "));
            }
            None => size += 1,
        }
        assert!(size <= first.len(), "nothing tells {first:#?} from the others");
    }
    found
}
