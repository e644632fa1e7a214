//! Random scripts and settings: they play on any machine, mean what they say, and shrink well.
#![cfg(feature = "testing")]

use core::time::Duration;
use std::collections::HashSet;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{TestError, TestRunner},
};
use steadfast::{
    Action, Backoff, Command, Config, Event, FailureKind, Heartbeat, Instant, Machine, Notice,
    Outcome, Seed, Signal, State, Verdict, classify,
    testing::strategies::{
        self, Input, Line, Player, Script, When, backoffs, configs, failures, inputs, scripts,
        scripts_of, setups,
    },
};

const START: Line = Line { when: When::Same, input: Input::Command(Command::Start) };

fn refused() -> Line {
    Line::new(When::Same, Signal::Lost(FailureKind::Refused.into()))
}

fn opened() -> Line {
    Line::new(When::Same, Signal::Opened)
}

fn machine() -> Machine {
    Machine::new(Config::default(), Backoff::default(), Seed::new(1), Instant::ORIGIN)
}

/// The simplest value that a strategy has.
fn simplest<S: Strategy>(strategy: &S) -> S::Value {
    let mut tree = strategy.new_tree(&mut TestRunner::deterministic()).unwrap();
    while tree.simplify() {}
    tree.current()
}

fn sample<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn a_script_that_fails_shrinks_to_what_makes_it_fail() {
    let failed = TestRunner::deterministic().run(&scripts(), |script| {
        let redialed = |action: Action| matches!(action, Action::Dial { attempt: 1.., .. });
        let entries = script.play(&mut machine());
        prop_assert!(!entries.iter().any(|entry| entry.step.actions.iter().any(redialed)));
        Ok(())
    });
    let Err(TestError::Fail(_, script)) = failed else { panic!("{failed:?}") };
    let [start, lost, rest @ ..] = script.lines() else { panic!("{script:?}") };
    assert_eq!(*start, START);
    assert!(matches!(lost.input, Input::Signal(0, Signal::Lost(_)) | Input::Tick), "{script:?}");
    assert_eq!(rest.len(), 1, "{script:?}");
}

#[test]
fn the_simplest_of_everything_is_the_default() {
    assert_eq!(simplest(&configs()), Config::default());
    assert_eq!(simplest(&backoffs()), Backoff::default());
    assert_eq!(simplest(&failures()), FailureKind::Reset.into());
    assert_eq!(simplest(&inputs()), Input::Tick);
    assert_eq!(simplest(&scripts()), Script::default());
    let setup = simplest(&setups());
    assert_eq!((setup.config, setup.seed), (Config::default(), Seed::new(0)));
}

#[test]
fn instants_are_told_from_the_time_before_and_from_the_wake() {
    let mut machine = machine();
    let mut player = Player::default();
    let _ = player.play(&mut machine, START);
    let at = |when| player.call(&machine, Line::new(when, Input::Tick)).0.as_nanos();
    let span = Duration::from_secs(3);
    let (due, second) = (10_000_000_000, 1_000_000_000);
    assert_eq!(at(When::Same), 0);
    assert_eq!(at(When::Due), due);
    assert_eq!(at(When::JustBefore), due - 1);
    assert_eq!(at(When::JustAfter), due + 1);
    assert_eq!(at(When::After(span)), 3 * second);
    assert_eq!(at(When::Late(span)), due + 3 * second);
    assert_eq!(at(When::Back(span)), 0);
    assert_eq!(at(When::Late(Duration::MAX)), u64::MAX);
}

#[test]
fn a_clock_that_went_back_does_not_take_the_script_with_it() {
    let mut machine = machine();
    let mut player = Player::new(Instant::from_millis(5_000));
    let second = Duration::from_secs(1);
    let back = player.play(&mut machine, Line::new(When::Back(second), Command::Start));
    assert_eq!(back.at, Instant::from_millis(4_000));
    let next = player.play(&mut machine, Line::new(When::After(second), Input::Tick));
    assert_eq!(next.at, Instant::from_millis(6_000));
}

#[test]
fn without_a_deadline_the_wake_counts_as_a_second_away() {
    let script = Script::from([Line::new(When::Due, Input::Tick)]);
    assert_eq!(script.play(&mut machine())[0].at, Instant::from_millis(1_000));
}

#[test]
fn epochs_are_named_by_their_age() {
    let mut machine = machine();
    let mut player = Player::default();
    let tick = Line::new(When::Due, Input::Tick);
    for line in [START, refused(), tick, refused(), tick] {
        let _ = player.play(&mut machine, line);
    }
    let mut outcome = |age| {
        let line = Line::new(When::Same, Input::Signal(age, Signal::Received));
        let entry = player.play(&mut machine, line);
        let Event::Transport(epoch, _) = entry.event else { panic!("{entry}") };
        (epoch.get(), entry.step.outcome)
    };
    assert_eq!(outcome(0), (3, Outcome::Inapplicable));
    assert_eq!(outcome(1), (2, Outcome::Stale));
    assert_eq!(outcome(-1), (4, Outcome::Stale));
    assert_eq!(outcome(i8::MAX), (0, Outcome::Stale));
}

#[test]
fn a_pong_is_the_answer_to_the_ping_of_its_age() {
    let pinged = [START, opened(), Line::new(When::Due, Input::Tick)];
    let answered = |nonce_age| {
        let answer = Line::new(When::Same, Input::Pong(0, nonce_age));
        let script: Script = pinged.into_iter().chain([answer]).collect();
        let entries = script.play(&mut machine());
        let timed = |action| matches!(action, Action::Notify(Notice::RoundTrip { .. }));
        assert_eq!(entries[3].step.outcome, Outcome::Applied);
        entries[3].step.actions.iter().any(timed)
    };
    assert!(answered(0));
    assert!(!answered(1));
    assert!(!answered(-1));
}

#[test]
fn random_scripts_reach_every_state() {
    let mut reached = HashSet::new();
    let cases = (setups(), scripts());
    for (setup, script) in sample(&cases, 300) {
        let entries = script.play(&mut setup.machine());
        reached.extend(entries.iter().map(|entry| match entry.state {
            State::Closed(reason) => format!("{reason:?}").split('(').next().unwrap().to_owned(),
            state => format!("{state:?}"),
        }));
    }
    let mut reached: Vec<_> = reached.into_iter().collect();
    reached.sort_unstable();
    assert_eq!(
        reached,
        [
            "Backoff",
            "Closing",
            "Connecting",
            "Fatal",
            "GaveUp",
            "Idle",
            "Offline",
            "Open",
            "Stopped"
        ]
    );
}

#[test]
fn random_failures_meet_every_verdict_and_wish() {
    let failures = sample(&failures(), 1_000);
    let verdicts: HashSet<_> = failures.iter().map(|failure| classify(*failure)).collect();
    assert!(verdicts.contains(&Verdict::Refresh) && verdicts.contains(&Verdict::Stop));
    // Normal, twice, steps up, spread.
    assert_eq!(verdicts.len(), 2 + 4, "{verdicts:?}");
    assert!(failures.iter().any(|failure| failure.retry_after().is_some()));
    assert!(failures.iter().any(|failure| failure.spread_over().is_some()));
    assert!(failures.iter().any(|failure| *failure == FailureKind::Reset.into()));
}

#[test]
fn random_settings_differ_from_the_defaults_in_each_field() {
    let heartbeats: Vec<Heartbeat> = sample(&strategies::heartbeats(), 50);
    assert!(heartbeats.iter().any(|heartbeat| heartbeat.reprobes == 0));
    let kinds: HashSet<_> = heartbeats.iter().map(|heartbeat| heartbeat.kind).collect();
    assert_eq!(kinds.len(), 2);
    let configs: Vec<_> = sample(&configs(), 50).iter().map(Config::to_builder).collect();
    let default = Config::builder();
    assert!(configs.iter().any(|config| config.connect_timeout != default.connect_timeout));
    assert!(configs.iter().any(|config| config.online_spread.is_zero()));
    assert!(configs.iter().any(|config| config.heartbeat.is_none()));
    assert!(configs.iter().any(|config| config.first_connect != default.first_connect));
    let backoffs: Vec<_> = sample(&backoffs(), 100).iter().map(Backoff::to_builder).collect();
    let jitters: HashSet<_> = backoffs.iter().map(|backoff| backoff.jitter).collect();
    assert_eq!(jitters.len(), 4);
    assert!(backoffs.iter().any(|backoff| backoff.max_retries.is_some()));
    assert!(backoffs.iter().any(|backoff| backoff.max_elapsed.is_some()));
    assert!(backoffs.iter().any(|backoff| backoff.retry_after_cap.is_zero()));
    assert!(backoffs.iter().any(|backoff| backoff.spread != Backoff::builder().spread));
}

#[test]
fn scripts_of_some_inputs_have_no_others() {
    let stops = Input::Command(Command::Stop);
    let endless = scripts_of(inputs().prop_filter("a stop", move |input| *input != stops));
    let lines: usize = sample(&endless, 200)
        .iter()
        .map(|script| {
            assert!(script.lines().iter().all(|line| line.input != stops));
            script.lines().len()
        })
        .sum();
    assert!(lines > 2_000, "{lines}");
}
