//! What a user sees of the model: promises, reports, verdicts.

use steadfast::{
    Attempt, Command, Config, Decision, Event, FailureKind, Instant, Policy, Seed, Signal, State,
    StateMachine, Verdict, Wake, classify,
    testing::model::{Checked, Promise},
};

use crate::{
    steps::without,
    tampered::{Flaw, Trial},
};

/// Forgets to dial.
fn forgetful() -> Flaw {
    Flaw {
        step: Some(|_, _, step| {
            without(step, |action| matches!(action, steadfast::Action::Dial { .. }))
        }),
        ..Flaw::default()
    }
}

#[test]
fn the_promises_are_numbered_as_they_are_listed() {
    let numbers: Vec<u8> = Promise::ALL.into_iter().map(Promise::number).collect();
    assert_eq!(numbers, (1..=15).collect::<Vec<u8>>());
    let mut names: Vec<_> = Promise::ALL.into_iter().map(Promise::name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 15);
}

#[test]
fn a_violation_shows_its_promise_what_was_found_and_the_calls_up_to_it() {
    let mut trial = Trial::of(forgetful());
    trial.feed(Event::Tick).millis(40).feed(Command::Start).feed(Event::Tick);
    let violation = trial.verdict.violation().unwrap();
    assert_eq!(
        violation.to_string(),
        "\
promise 2, no stall: Idle only in Idle/Closed, offline, or Open with the heartbeat off
but a start did nothing

time    state       event  actions; wake
0 s     idle        tick   no wake
0.04 s  connecting  start  connect due in 10 s
"
    );
}

#[test]
fn the_first_violation_is_the_one_that_is_told_and_the_driver_is_not_disturbed() {
    let mut trial = Trial::of(forgetful());
    trial.feed(Command::Start);
    let first = trial.verdict.violation();
    trial.wake(3);
    assert_eq!(trial.verdict.violation(), first);
    assert_eq!(trial.machine.stats().dials, 2, "the machine goes on");
}

#[test]
#[should_panic(expected = "promise 2, no stall")]
fn a_violation_that_nobody_asks_for_panics() {
    let mut trial = Trial::of(forgetful());
    let tampered = trial.machine.machine().clone();
    let policy = steadfast::Backoff::default();
    trial.machine = Checked::around(tampered, Config::default(), policy, Instant::ORIGIN);
    trial.feed(Command::Start);
}

#[test]
fn only_the_last_calls_are_kept() {
    let mut trial = Trial::of(Flaw::default());
    trial.feed(Command::Start).wake(200);
    assert_eq!(trial.machine.calls().count(), 64);
    assert_eq!(trial.machine.calls().last().map(|call| call.at), Some(trial.now));
}

#[test]
fn a_classifier_and_bounds_of_its_own_are_what_a_policy_is_held_against() {
    let policy = |_: &Attempt| Decision::RetryAfter(std::time::Duration::ZERO);
    let policy = policy.with_classifier(|failure| match failure.kind() {
        FailureKind::Http(404) => Verdict::Retry(steadfast::Pace::Normal),
        FailureKind::Refused => Verdict::Stop,
        _ => classify(failure),
    });
    let now = Instant::ORIGIN;
    let mut machine = Checked::new(Config::default(), policy, Seed::new(1), now);
    let _ = machine.handle(now, Command::Start.into());
    let lost = |kind: FailureKind| Signal::Lost(kind.into());
    let signal = Event::Transport(machine.epoch(), lost(FailureKind::Http(404)));
    let step = machine.handle(now, signal);
    assert_eq!(step.wake, Wake::At(Instant::from_millis(100), steadfast::Timer::Retry));
    let now = Instant::from_millis(100);
    let _ = machine.handle(now, Event::Tick);
    let signal = Event::Transport(machine.epoch(), lost(FailureKind::Refused));
    let _ = machine.handle(now, signal);
    assert!(matches!(machine.state(), State::Closed(_)));
}

#[test]
fn the_end_of_time_breaks_no_promise() {
    for before in [0, 1, 2, 5_000_000_000, 15_000_000_000, 45_000_000_000] {
        let mut now = Instant::from_nanos(u64::MAX - before);
        let policy = steadfast::Backoff::default();
        let mut machine = Checked::new(Config::default(), policy, Seed::new(before), now);
        for round in 0..3_u64 {
            for event in [
                Command::Start.into(),
                Event::Transport(machine.epoch(), Signal::Opened),
                Event::Transport(steadfast::Epoch::new(round + 1), Signal::Opened),
                Command::Probe.into(),
                Event::Tick,
                Event::Transport(machine.epoch(), Signal::Received),
                Event::Transport(machine.epoch(), Signal::Lost(FailureKind::Reset.into())),
                Event::Tick,
                Command::Stop.into(),
            ] {
                let _ = machine.handle(now, event);
                now = Instant::from_nanos(now.as_nanos().saturating_add(1_500_000_000));
            }
        }
    }
}
