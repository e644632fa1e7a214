//! Machines that leave out, add or mistell what nobody would miss at once.

use steadfast::{
    Action, Backoff, CloseCode, ClosedReason, Command, Config, Event, FailureKind, Heartbeat,
    Instant, Machine, Network, Nonce, Notice, Outcome, Seed, Signal, State, StateMachine, Step,
    testing::model::{Checked, Promise},
};

use crate::{
    broken::{answering, breaks, lost, told},
    steps::{with_actions, without},
    tampered::{Flaw, Trial, retold},
};

type Way = fn(&mut Trial) -> &mut Trial;

const FATAL: Way = |trial| trial.feed(Command::Start).signal(lost(FailureKind::Http(404)));

fn deaf_to(command: Command) -> Flaw {
    // What cannot be captured by a function is told apart by its kind.
    match command {
        Command::RetryNow => told(|_, now, event| match event {
            Event::Command(Command::RetryNow) => (now, Event::Tick),
            other => (now, other),
        }),
        Command::Probe => told(|_, now, event| match event {
            Event::Command(Command::Probe) => (now, Event::Tick),
            other => (now, other),
        }),
        _ => told(|_, now, event| match event {
            Event::Command(Command::Network(Network::Offline)) => (now, Event::Tick),
            other => (now, other),
        }),
    }
}

#[test]
fn a_state_with_another_reason_than_was_told_breaks_promise_12() {
    let state = |state| match state {
        State::Closed(_) => State::Closed(ClosedReason::Fatal(FailureKind::Certificate.into())),
        other => other,
    };
    let flaw = Flaw { state: Some(state), ..Flaw::default() };
    assert_eq!(breaks(flaw, FATAL), Some(Promise::LastErrorSurvives));
}

#[test]
fn a_last_failure_that_is_forgotten_at_the_end_breaks_promise_12() {
    let flaw = Flaw { forgets: true, ..Flaw::default() };
    assert_eq!(breaks(flaw, FATAL), Some(Promise::LastErrorSurvives));
}

#[test]
fn a_fatal_failure_that_is_told_as_giving_up_breaks_promise_12() {
    let flaw = answering(|_, _, step| {
        retold(step, |notice| match notice {
            Notice::Closed { reason: ClosedReason::Fatal(failure) } => {
                Notice::Closed { reason: ClosedReason::GaveUp(failure) }
            }
            other => other,
        })
    });
    assert_eq!(breaks(flaw, FATAL), Some(Promise::LastErrorSurvives));
}

#[test]
fn a_round_trip_that_is_never_told_breaks_promise_7() {
    let flaw = answering(|_, _, step| {
        without(step, |it| matches!(it, Action::Notify(Notice::RoundTrip { .. })))
    });
    let way: Way = |trial| trial.open().wake(1).millis(5).signal(Signal::Pong(Nonce::new(1)));
    assert_eq!(breaks(flaw, way), Some(Promise::OnlyInboundIsLife));
}

#[test]
fn a_close_with_another_code_breaks_promise_3() {
    let flaw = answering(|_, _, step| {
        with_actions(step, |action| match action {
            Action::Close { epoch, .. } => {
                vec![Action::Close { epoch, code: Some(CloseCode::GOING_AWAY) }]
            }
            other => vec![other],
        })
    });
    let ways: [Way; 2] = [
        |trial| trial.open().feed(Command::Stop),
        |trial| trial.open().signal(Signal::CloseReceived(CloseCode::SERVICE_RESTART.into())),
    ];
    for way in ways {
        assert_eq!(breaks(flaw, way), Some(Promise::OneConnection));
    }
}

#[test]
fn another_number_of_reprobes_is_found() {
    for (reprobes, promise) in
        [(0, Some(Promise::GapRule)), (1, None), (2, Some(Promise::OnlyInboundIsLife))]
    {
        let heartbeat = Heartbeat::default().with_reprobes(reprobes);
        let config = Config::builder().with_heartbeat(heartbeat).build().unwrap();
        let machine = Machine::new(config, Backoff::default(), Seed::new(1), Instant::ORIGIN);
        let (config, policy) = (Config::default(), Backoff::default());
        let mut machine = Checked::around(machine, config, policy, Instant::ORIGIN);
        let verdict = machine.verdict();
        let _ = machine.handle(Instant::ORIGIN, Command::Start.into());
        let opened = Event::Transport(machine.epoch(), Signal::Opened);
        let _ = machine.handle(Instant::ORIGIN, opened);
        for _ in 0..3 {
            let due = machine.wake().instant().unwrap();
            let _ = machine.handle(due, Event::Tick);
        }
        assert_eq!(verdict.violation().map(|it| it.promise), promise, "{reprobes} reprobes");
    }
}

#[test]
fn a_machine_that_is_deaf_to_a_command_is_found() {
    let waits: Way = |trial| trial.feed(Command::Start).signal(lost(FailureKind::Refused));
    for command in [Command::RetryNow, Command::Network(Network::Offline)] {
        let mut trial = Trial::of(deaf_to(command));
        waits(&mut trial).feed(command);
        assert!(trial.broken().is_some(), "{command:?}");
    }
    let mut trial = Trial::of(deaf_to(Command::Probe));
    trial.open().millis(5).feed(Command::Probe);
    assert!(trial.broken().is_some());
}

#[test]
fn a_second_start_that_is_said_to_apply_breaks_promise_4() {
    let flaw = answering(|_, _, step| Step { outcome: Outcome::Applied, ..step });
    let mut trial = Trial::of(flaw);
    trial.feed(Command::Start).feed(Command::Start);
    assert_eq!(trial.broken(), Some(Promise::StaleIsInert));
}
