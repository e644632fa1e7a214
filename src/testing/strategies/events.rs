//! What can happen, at random.

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::select};

use super::{Input, Line, Script, When};
use crate::{CloseCode, Command, Failure, FailureKind, Network, PeerClose, Signal, Timeout};

/// How long a script is at most, in lines.
const LONGEST: usize = 32;

/// Why dials and connections end: any verdict of [`classify()`](crate::classify), with and without
/// a wish of the server. The simplest is a reset connection.
///
/// ```
/// use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
/// use steadfast::testing::strategies::failures;
///
/// let drawn = failures().new_tree(&mut TestRunner::deterministic()).unwrap().current();
/// assert!(!drawn.to_string().is_empty());
/// ```
pub fn failures() -> impl Strategy<Value = Failure> {
    let closed =
        |codes: Vec<u16>| select(codes).prop_map(|code| FailureKind::Closed(CloseCode::new(code)));
    let kind = prop_oneof![
        8 => Just(FailureKind::Reset),
        4 => Just(FailureKind::Refused),
        2 => Just(FailureKind::Timeout(Timeout::Network)),
        2 => closed(vec![1000, 1001, 1006, 1008, 1012, 1013, 4000]),
        2 => select(vec![200, 429, 500, 503]).prop_map(FailureKind::Http),
        1 => Just(FailureKind::Handshake),
        1 => select(vec![401, 404, 407]).prop_map(FailureKind::Http),
        1 => closed(vec![1002, 4401, 4999]),
        1 => select(vec![
            FailureKind::Subprotocol,
            FailureKind::Certificate,
            FailureKind::Misconfigured,
        ]),
    ];
    let wish = prop_oneof![4 => Just(0), 1 => 1_u64..60_000, 1 => Just(86_400_000)];
    (kind, wish, prop::bool::weighted(0.2)).prop_map(|(kind, wish, spread)| {
        let (failure, wish) = (Failure::from(kind), Duration::from_millis(wish));
        match spread {
            false => failure.with_retry_after(wish),
            true => failure.with_spread_over(wish),
        }
    })
}

/// Inputs of every sort, most of them of the newest epoch. The simplest is a tick.
///
/// ```
/// use proptest::prelude::*;
/// use steadfast::testing::strategies::{Input, inputs, scripts_of};
///
/// let without_commands =
///     scripts_of(inputs().prop_filter("no command", |input| !matches!(input, Input::Command(_))));
/// ```
pub fn inputs() -> impl Strategy<Value = Input> {
    let age = || prop_oneof![8 => Just(0_i8), 2 => 1..4_i8, 1 => Just(-1)];
    let nonce_age = prop_oneof![8 => Just(0_i8), 2 => 1..4_i8, 1 => Just(-1)];
    prop_oneof![
        4 => Just(Input::Tick),
        4 => commands().prop_map(Input::Command),
        8 => (age(), signals()).prop_map(|(age, signal)| Input::Signal(age, signal)),
        2 => (age(), nonce_age).prop_map(|(age, nonce_age)| Input::Pong(age, nonce_age)),
    ]
}

fn commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => Just(Command::Start),
        2 => Just(Command::RetryNow),
        2 => Just(Command::Probe),
        2 => Just(Command::Network(Network::Online)),
        2 => Just(Command::Network(Network::Offline)),
        2 => Just(Command::Stop),
    ]
}

fn signals() -> impl Strategy<Value = Signal> {
    let code = select(vec![1000, 1001, 1005, 1006, 1008, 1012, 4401, 4999, 65_535]);
    let spread = prop_oneof![4 => Just(0), 1 => 1_u64..400_000];
    prop_oneof![
        8 => Just(Signal::Opened),
        3 => Just(Signal::Received),
        1 => Just(Signal::ReadPaused),
        1 => Just(Signal::ReadResumed),
        1 => (code, spread).prop_map(|(code, spread)| {
            let close = PeerClose::from(CloseCode::new(code));
            Signal::CloseReceived(close.with_spread_over(Duration::from_millis(spread)))
        }),
        4 => failures().prop_map(Signal::Lost),
    ]
}

fn times() -> impl Strategy<Value = When> {
    let millis = Duration::from_millis;
    prop_oneof![
        4 => Just(When::Same),
        6 => Just(When::Due),
        2 => Just(When::JustBefore),
        2 => Just(When::JustAfter),
        2 => (0..60_000_u64).prop_map(move |n| When::After(millis(n))),
        1 => (0..100_000_000_000_u64).prop_map(|n| When::After(Duration::from_nanos(n))),
        1 => (0..100_000_u64).prop_map(move |n| When::Late(millis(n))),
        1 => (0..1_000_000_u64).prop_map(|n| When::Late(Duration::from_secs(n))),
        1 => (0..100_000_u64).prop_map(move |n| When::Back(millis(n))),
    ]
}

/// Scripts of anything at any time, up to 31 lines long.
///
/// ```
/// use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
/// use steadfast::testing::strategies::scripts;
///
/// let drawn = scripts().new_tree(&mut TestRunner::deterministic()).unwrap().current();
/// println!("{} lines", drawn.lines().len());
/// ```
pub fn scripts() -> impl Strategy<Value = Script> {
    scripts_of(inputs())
}

/// Scripts of these inputs at any time, up to 31 lines long.
///
/// ```
/// use proptest::prelude::*;
/// use steadfast::{Command, testing::strategies::{Input, inputs, scripts_of}};
///
/// let never_stopped = scripts_of(
///     inputs().prop_filter("a stop", |input| *input != Input::Command(Command::Stop)),
/// );
/// # let _ = never_stopped;
/// ```
pub fn scripts_of(inputs: impl Strategy<Value = Input>) -> impl Strategy<Value = Script> {
    let line = (times(), inputs).prop_map(|(when, input)| Line { when, input });
    vec(line, 0..LONGEST).prop_map(Script::from_iter)
}
