//! What has the same shape answers the same and has the same shape again: what the search relies
//! on, tried on machines that came to the same shape by different ways.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use steadfast::{Action, Credentials, Epoch, Instant, Next, Nonce, Notice, Shape, Wake};

use crate::setup::{COUNTS_TO, Pair, Reached, Setup, all, depth, say};

/// How many ways to the same shape of machine and model are tried. Where the model's are different,
/// the machines have come different ways for sure, and all are tried.
const WAYS: u8 = 2;

/// An answer as it is told from the present, without the spans that are only told.
#[derive(Hash)]
enum Answer {
    Dial(u32, Credentials),
    Ping,
    Close(Action),
    Abort,
    Notify(Notice),
}

fn relative(next: Next) -> Next {
    let few = |attempt: u32| attempt.min(COUNTS_TO);
    match next {
        Next::Retry { attempt, delay } => Next::Retry { attempt: few(attempt), delay },
        Next::Offline { attempt } => Next::Offline { attempt: few(attempt) },
        other => other,
    }
}

fn answer(action: Action) -> Answer {
    let (epoch, span) = (Epoch::default(), Duration::ZERO);
    match action {
        Action::Dial { attempt, credentials, .. } => {
            Answer::Dial(attempt.min(COUNTS_TO), credentials)
        }
        Action::Ping { .. } => Answer::Ping,
        Action::Close { code, .. } => Answer::Close(Action::Close { epoch, code }),
        Action::Abort { .. } => Answer::Abort,
        Action::Notify(notice) => Answer::Notify(match notice {
            Notice::Up { reconnected, attempt, .. } => {
                Notice::Up { epoch, reconnected, attempt: attempt.min(COUNTS_TO), downtime: span }
            }
            Notice::Down { failure, next, .. } => {
                Notice::Down { epoch, failure, uptime: span, next: relative(next) }
            }
            Notice::DialFailed { attempt, failure, next, .. } => {
                let (attempt, next) = (attempt.min(COUNTS_TO), relative(next));
                Notice::DialFailed { epoch, attempt, failure, next }
            }
            Notice::Rescheduled { next } => Notice::Rescheduled { next: relative(next) },
            Notice::RoundTrip { .. } => Notice::RoundTrip { epoch, round_trip: span },
            other => other,
        }),
    }
}

/// All that a machine does next.
fn digest(pair: &Pair) -> (u64, Vec<Reached>) {
    let mut hasher = DefaultHasher::new();
    let mut all = Vec::new();
    for (when, at, input) in pair.steps() {
        let reached = pair.step(at, input);
        let step = reached.entry.step;
        let wake = match step.wake {
            Wake::At(due, timer) => {
                Some((due.saturating_duration_since(reached.pair.model.now()), timer))
            }
            Wake::Idle => None,
        };
        let actions: Vec<_> = step.actions.into_iter().map(answer).collect();
        (when, input, step.outcome, actions, wake, shape(&reached.pair)).hash(&mut hasher);
        if reached.leads_on(input) {
            all.push(reached);
        }
    }
    (hasher.finish(), all)
}

fn shape(pair: &Pair) -> Shape {
    pair.machine.shape().counting_to(COUNTS_TO)
}

/// How many shapes there were, and how many ways to one of them on average.
fn compare(setup: Setup, depth: usize) -> (usize, usize) {
    let (mut ways, mut known) = (HashMap::new(), HashMap::new());
    let mut compared = 0;
    let mut level = vec![Pair::new(setup)];
    for _ in 0..depth {
        let mut next = Vec::new();
        for pair in level {
            let ways: &mut u8 = ways.entry(pair.key()).or_default();
            if *ways == WAYS {
                continue;
            }
            *ways += 1;
            compared += 1;
            let (digest, reached) = digest(&pair);
            let before = *known.entry(shape(&pair)).or_insert(digest);
            assert_eq!(before, digest, "not the same as another with the same shape: {pair:#?}");
            next.extend(reached.into_iter().map(|reached| reached.pair));
        }
        level = next;
    }
    (known.len(), compared / known.len())
}

#[test]
fn what_has_the_same_shape_does_the_same() {
    for setup in all().into_iter().filter(|setup| !setup.draws) {
        let (shapes, ways) = compare(setup, depth(5, 10));
        say(&format!("{}: {shapes} shapes, each compared in {ways} ways", setup.name));
        assert!(ways > 1, "there is nothing to compare");
    }
}

#[test]
fn a_shape_is_told_from_its_own_present_and_its_own_newest_names() {
    let setup = all()[0];
    let mut early = Pair::new(setup);
    let mut late = Pair::new(setup);
    let play = |pair: &mut Pair, at: Instant, input| *pair = pair.step(at, input).pair;
    use crate::alphabet::Input;
    let hour = Instant::from_millis(3_600_000);
    play(&mut early, Instant::ORIGIN, Input::Start);
    for input in [Input::Start, Input::Refused404, Input::Tick] {
        play(&mut late, Instant::ORIGIN, input);
    }
    play(&mut late, hour, Input::Start);
    assert_ne!(early.machine.epoch(), late.machine.epoch());
    assert_eq!(early.machine.shape(), late.machine.shape());
    play(&mut early, Instant::from_millis(1), Input::Opened);
    assert_ne!(early.machine.shape(), late.machine.shape());
    play(&mut late, hour.saturating_add(Duration::from_millis(1)), Input::Opened);
    assert_eq!(early.machine.shape(), late.machine.shape());
    assert_eq!(early.model.nonce(), Nonce::default());
}
