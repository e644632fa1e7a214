//! One defect or more for each promise, and the promise that it breaks.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use steadfast::{
    Action, ClosedReason, Command, Config, Event, FailureKind, Instant, Machine, Network, Next,
    Notice, Signal, State, Step, Wake, testing::model::Promise,
};

use crate::{
    steps::{with_actions, without},
    tampered::{Flaw, Trial, retold},
};

pub(crate) fn answering(step: fn(State, Event, Step) -> Step) -> Flaw {
    Flaw { step: Some(step), ..Flaw::default() }
}

pub(crate) fn told(event: fn(&Machine, Instant, Event) -> (Instant, Event)) -> Flaw {
    Flaw { event: Some(event), ..Flaw::default() }
}

pub(crate) fn lost(kind: FailureKind) -> Signal {
    Signal::Lost(kind.into())
}

/// What `flaw` breaks on this way, which breaks nothing without it.
pub(crate) fn breaks(flaw: Flaw, way: fn(&mut Trial) -> &mut Trial) -> Option<Promise> {
    let mut sound = Trial::of(Flaw::default());
    assert_eq!(way(&mut sound).broken(), None, "{:?}", sound.verdict);
    let mut trial = Trial::of(flaw);
    way(&mut trial).broken()
}

#[test]
fn a_wake_that_is_due_already_breaks_promise_1() {
    let flaw = answering(|_, _, step| match step.wake {
        Wake::At(_, timer) => Step { wake: Wake::At(Instant::ORIGIN, timer), ..step },
        Wake::Idle => step,
    });
    assert_eq!(breaks(flaw, |trial| trial.feed(Command::Start)), Some(Promise::Progress));
}

#[test]
fn a_dial_without_a_wake_breaks_promise_2() {
    let flaw = answering(|_, _, step| Step { wake: Wake::Idle, ..step });
    assert_eq!(breaks(flaw, |trial| trial.feed(Command::Start)), Some(Promise::NoStall));
}

#[test]
fn a_start_that_is_ignored_breaks_promise_2() {
    let flaw = told(|_, now, event| match event {
        Event::Command(Command::Start) => (now, Event::Tick),
        other => (now, other),
    });
    assert_eq!(breaks(flaw, |trial| trial.feed(Command::Start)), Some(Promise::NoStall));
}

#[test]
fn a_network_that_comes_back_unnoticed_breaks_promise_2() {
    let flaw = told(|_, now, event| match event {
        Event::Command(Command::Network(Network::Online)) => (now, Event::Tick),
        other => (now, other),
    });
    let way: fn(&mut Trial) -> &mut Trial = |trial| {
        trial.feed(Command::Network(Network::Offline)).feed(Command::Start);
        trial.millis(5).feed(Command::Network(Network::Online))
    };
    assert_eq!(breaks(flaw, way), Some(Promise::NoStall));
}

#[test]
fn a_dial_that_times_out_without_an_abort_breaks_promise_3() {
    let flaw = answering(|_, _, step| without(step, |it| matches!(it, Action::Abort { .. })));
    let way: fn(&mut Trial) -> &mut Trial = |trial| trial.feed(Command::Start).wake(1);
    assert_eq!(breaks(flaw, way), Some(Promise::OneConnection));
}

#[test]
fn a_second_dial_beside_the_first_breaks_promise_3() {
    let flaw = answering(|_, _, step| {
        with_actions(step, |action| match action {
            Action::Dial { .. } => vec![action, action],
            other => vec![other],
        })
    });
    assert_eq!(breaks(flaw, |trial| trial.feed(Command::Start)), Some(Promise::OneConnection));
}

#[test]
fn an_old_connection_that_is_believed_breaks_promise_4() {
    let flaw = told(|machine, now, event| match event {
        Event::Transport(_, signal) => (now, Event::Transport(machine.epoch(), signal)),
        other => (now, other),
    });
    let way: fn(&mut Trial) -> &mut Trial = |trial| {
        trial.open().signal(lost(FailureKind::Reset)).wake(1).signal(Signal::Opened);
        trial.feed(Event::Transport(steadfast::Epoch::new(1), Signal::Received))
    };
    assert_eq!(breaks(flaw, way), Some(Promise::StaleIsInert));
}

#[test]
fn a_late_pong_that_comes_too_late_breaks_promise_6() {
    let flaw = told(|machine, now, event| match event {
        Event::Transport(..) if machine.wake().instant() <= Some(now) => (now, Event::Tick),
        other => (now, other),
    });
    let way: fn(&mut Trial) -> &mut Trial =
        |trial| trial.open().wake(2).millis(10_000).signal(Signal::Received);
    assert_eq!(breaks(flaw, way), Some(Promise::EvidenceBeatsTheClock));
}

#[test]
fn a_command_that_counts_as_life_breaks_promise_7() {
    let flaw = told(|machine, now, event| match (machine.state(), event) {
        (State::Open, Event::Command(Command::RetryNow)) => {
            (now, Event::Transport(machine.epoch(), Signal::Received))
        }
        (_, other) => (now, other),
    });
    for pings in 0..2 {
        let mut trial = Trial::of(flaw);
        trial.open().wake(pings).millis(5).feed(Command::RetryNow);
        assert_eq!(trial.broken(), Some(Promise::OnlyInboundIsLife), "after {pings} pings");
    }
}

#[test]
fn a_connection_that_opens_and_so_resets_the_count_breaks_promise_8() {
    let flaw = answering(|before, _, step| {
        with_actions(step, |action| match action {
            Action::Notify(Notice::Down { epoch, failure, uptime, .. })
                if before == State::Open =>
            {
                let next = Next::Retry { attempt: 1, delay: Duration::from_secs(1) };
                vec![Action::Notify(Notice::Down { epoch, failure, uptime, next })]
            }
            other => vec![other],
        })
    });
    let way: fn(&mut Trial) -> &mut Trial = |trial| {
        trial.feed(Command::Start).signal(lost(FailureKind::Refused)).wake(1);
        trial.signal(Signal::Opened).signal(lost(FailureKind::Reset))
    };
    assert_eq!(breaks(flaw, way), Some(Promise::StabilityResets));
}

#[test]
fn a_clock_that_goes_back_and_is_taken_for_a_leap_breaks_promise_9() {
    let flaw = told(|machine, now, event| match machine.since() > now {
        true => (Instant::from_millis(3_600_000), event),
        false => (now, event),
    });
    let way: fn(&mut Trial) -> &mut Trial = |trial| {
        trial.millis(5).open();
        trial.now = Instant::from_millis(1);
        trial.feed(Event::Tick)
    };
    assert_eq!(breaks(flaw, way), Some(Promise::TimeIsClamped));
}

#[test]
fn an_uptime_that_is_told_wrong_breaks_promise_9() {
    let flaw = answering(|_, _, step| {
        retold(step, |notice| match notice {
            Notice::Down { epoch, failure, next, .. } => {
                Notice::Down { epoch, failure, uptime: Duration::MAX, next }
            }
            other => other,
        })
    });
    let way: fn(&mut Trial) -> &mut Trial = |trial| trial.open().signal(lost(FailureKind::Reset));
    assert_eq!(breaks(flaw, way), Some(Promise::TimeIsClamped));
}

#[test]
fn a_link_that_a_suspended_driver_gives_up_unasked_breaks_promise_10() {
    let flaw = told(|machine, now, event| match (event, machine.wake().instant()) {
        (Event::Tick, Some(due)) => (now.min(due), event),
        _ => (now, event),
    });
    let way: fn(&mut Trial) -> &mut Trial =
        |trial| trial.open().wake(2).millis(3_600_000).feed(Event::Tick);
    assert_eq!(breaks(flaw, way), Some(Promise::GapRule));
}

#[test]
fn a_retry_without_a_wait_breaks_promise_11() {
    let flaw = answering(|_, _, step| {
        retold(step, |notice| match notice {
            Notice::DialFailed { epoch, attempt, failure, .. } => {
                let next = Next::Retry { attempt: attempt + 1, delay: Duration::ZERO };
                Notice::DialFailed { epoch, attempt, failure, next }
            }
            other => other,
        })
    });
    let way: fn(&mut Trial) -> &mut Trial =
        |trial| trial.feed(Command::Start).signal(lost(FailureKind::Refused));
    assert_eq!(breaks(flaw, way), Some(Promise::BoundedDelay));
}

#[test]
fn a_reason_that_is_not_the_last_failure_breaks_promise_12() {
    let flaw = answering(|_, _, step| {
        retold(step, |notice| match notice {
            Notice::Closed { .. } => {
                Notice::Closed { reason: ClosedReason::Fatal(FailureKind::Refused.into()) }
            }
            other => other,
        })
    });
    let way: fn(&mut Trial) -> &mut Trial =
        |trial| trial.feed(Command::Start).signal(lost(FailureKind::Http(404)));
    assert_eq!(breaks(flaw, way), Some(Promise::LastErrorSurvives));
}

#[test]
fn a_failure_that_is_final_and_retried_breaks_promise_12() {
    let flaw = told(|_, now, event| match event {
        Event::Transport(epoch, Signal::Lost(_)) => {
            (now, Event::Transport(epoch, lost(FailureKind::Refused)))
        }
        other => (now, other),
    });
    let way: fn(&mut Trial) -> &mut Trial =
        |trial| trial.feed(Command::Start).signal(lost(FailureKind::Http(404)));
    assert_eq!(breaks(flaw, way), Some(Promise::LastErrorSurvives));
}

#[test]
fn a_stop_that_is_ignored_breaks_promise_13() {
    let flaw = told(|_, now, event| match event {
        Event::Command(Command::Stop) => (now, Event::Tick),
        other => (now, other),
    });
    let ways: [fn(&mut Trial) -> &mut Trial; 3] = [
        |trial| trial.feed(Command::Start).feed(Command::Stop),
        |trial| trial.open().feed(Command::Stop),
        |trial| {
            let retry_after = Duration::from_secs(60);
            let busy = steadfast::Failure::from(FailureKind::Http(503));
            trial.feed(Command::Start).signal(Signal::Lost(busy.with_retry_after(retry_after)));
            trial.feed(Command::Stop)
        },
    ];
    for way in ways {
        assert_eq!(breaks(flaw, way), Some(Promise::StopMeansStop));
    }
}

#[test]
fn a_dial_that_may_take_longer_breaks_promise_14() {
    let flaw = answering(|_, event, step| match (event, step.wake) {
        (Event::Command(_), Wake::At(due, timer)) => {
            let wake = Wake::At(due.saturating_add(Duration::from_secs(1)), timer);
            Step { wake, ..step }
        }
        _ => step,
    });
    assert_eq!(
        breaks(flaw, |trial| trial.feed(Command::Start)),
        Some(Promise::EveryPhaseHasADeadline)
    );
}

#[test]
fn a_close_that_comes_before_its_deadline_breaks_promise_14() {
    let flaw = told(|machine, now, event| match (machine.state(), machine.wake().instant()) {
        (State::Closing, Some(due)) => (now.max(due), event),
        _ => (now, event),
    });
    let way: fn(&mut Trial) -> &mut Trial =
        |trial| trial.open().feed(Command::Stop).millis(1).feed(Event::Tick);
    assert_eq!(breaks(flaw, way), Some(Promise::EveryPhaseHasADeadline));
}

#[test]
fn a_machine_that_is_not_the_same_twice_breaks_promise_15() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let flaw = answering(|_, event, step| match (event, step.wake) {
        (Event::Command(_), Wake::At(due, timer)) => {
            let calls = Duration::from_nanos(CALLS.fetch_add(1, Ordering::Relaxed));
            Step { wake: Wake::At(due.saturating_add(calls), timer), ..step }
        }
        _ => step,
    });
    assert_eq!(
        breaks(flaw, |trial| trial.feed(Command::Start)),
        Some(Promise::DeterministicReplay)
    );
}

#[test]
fn a_first_connection_that_is_to_be_tried_once_and_is_retried_breaks_promise_12() {
    let once = Config::builder().with_first_connect(steadfast::FirstConnect::Once);
    let flaw = answering(|_, _, step| {
        let retry = Next::Retry { attempt: 1, delay: Duration::from_millis(500) };
        with_actions(step, |action| match action {
            Action::Notify(Notice::DialFailed { epoch, attempt, failure, .. }) => {
                vec![Action::Notify(Notice::DialFailed { epoch, attempt, failure, next: retry })]
            }
            Action::Notify(Notice::Closed { .. }) => Vec::new(),
            other => vec![other],
        })
    });
    let mut trial = Trial::with(once.build().unwrap(), flaw);
    trial.feed(Command::Start).signal(lost(FailureKind::Refused));
    assert_eq!(trial.broken(), Some(Promise::LastErrorSurvives));
}
