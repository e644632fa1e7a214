//! Machines that mistreat a server that keeps the connection busy, and round trips mistold.

use std::time::Duration;

use steadfast::{
    Action, Command, Config, Event, FailureKind, Heartbeat, Notice, RoundTrip, Signal, Stats, Step,
    Timeout, Wake, testing::model::Promise,
};

use crate::{
    broken::{answering, told},
    steps::with_actions,
    tampered::{Flaw, Trial, retold},
};

type Way = fn(&mut Trial) -> &mut Trial;

/// What `flaw` breaks on this way, where something is expected every 30 s.
fn breaks(flaw: Flaw, way: Way) -> Option<Promise> {
    let config = || {
        let heartbeat = Heartbeat::expect(Duration::from_secs(30));
        Config::builder().with_heartbeat(heartbeat).build().unwrap()
    };
    let mut sound = Trial::with(config(), Flaw::default());
    assert_eq!(way(&mut sound).broken(), None, "{:?}", sound.verdict);
    let mut trial = Trial::with(config(), flaw);
    way(&mut trial).broken()
}

#[test]
fn a_ping_to_a_server_that_was_to_be_awaited_breaks_promise_7() {
    // To the machine it is as late as if its driver had been suspended.
    let flaw = told(|machine, now, event| match (event, machine.wake().instant()) {
        (Event::Tick, Some(due)) if now >= due => {
            (now.saturating_add(Duration::from_secs(11)), event)
        }
        _ => (now, event),
    });
    assert_eq!(breaks(flaw, |trial| trial.open().wake(1)), Some(Promise::OnlyInboundIsLife));
}

#[test]
fn a_silent_server_that_a_suspended_driver_gives_up_unasked_breaks_promise_10() {
    let flaw = told(|machine, now, event| match (event, machine.wake().instant()) {
        (Event::Tick, Some(due)) => (now.min(due), event),
        _ => (now, event),
    });
    let way: Way = |trial| trial.open().millis(3_600_000).feed(Event::Tick);
    assert_eq!(breaks(flaw, way), Some(Promise::GapRule));
}

#[test]
fn a_silent_server_that_is_given_more_time_by_a_probe_breaks_promise_7() {
    let flaw = answering(|_, event, step| match (event, step.wake) {
        (Event::Command(Command::Probe), Wake::At(due, timer)) => {
            Step { wake: Wake::At(due.saturating_add(Duration::from_secs(1)), timer), ..step }
        }
        _ => step,
    });
    let way: Way = |trial| trial.open().millis(29_000).feed(Command::Probe);
    assert_eq!(breaks(flaw, way), Some(Promise::OnlyInboundIsLife));
}

#[test]
fn a_pause_that_goes_unheard_breaks_a_promise_before_it_kills_the_server() {
    let flaw = told(|_, now, event| match event {
        Event::Transport(epoch, Signal::ReadPaused) => {
            (now, Event::Transport(epoch, Signal::Received))
        }
        other => (now, other),
    });
    let way: Way = |trial| trial.open().millis(5).signal(Signal::ReadPaused).wake(2);
    assert_eq!(breaks(flaw, way), Some(Promise::GapRule));
}

#[test]
fn a_silence_that_is_told_as_a_missed_answer_breaks_promise_12() {
    let flaw = answering(|_, _, step| {
        retold(step, |notice| match notice {
            Notice::Down { epoch, uptime, next, .. } => {
                let failure = Some(FailureKind::Timeout(Timeout::Heartbeat).into());
                Notice::Down { epoch, failure, uptime, next }
            }
            other => other,
        })
    });
    assert_eq!(breaks(flaw, |trial| trial.open().wake(1)), Some(Promise::LastErrorSurvives));
}

#[test]
fn a_second_ping_to_a_server_that_was_asked_breaks_promise_7() {
    let flaw = answering(|_, event, step| match event {
        Event::Command(Command::Probe) => with_actions(step, |action| match action {
            Action::Ping { epoch, nonce } => {
                let next = steadfast::Nonce::new(nonce.get() + 1);
                vec![action, Action::Ping { epoch, nonce: next }]
            }
            other => vec![other],
        }),
        _ => step,
    });
    assert_eq!(
        breaks(flaw, |trial| trial.open().feed(Command::Probe)),
        Some(Promise::OnlyInboundIsLife)
    );
}

#[test]
fn a_round_trip_that_is_measured_wrong_breaks_promise_7() {
    const ANSWERED: Way = |trial| {
        trial.open().feed(Command::Probe).millis(40);
        trial.signal(Signal::Pong(steadfast::Nonce::new(1)))
    };
    let change: [fn(Stats) -> Stats; 3] = [
        |stats| with_round_trip(stats, |it| it.smoothed += Duration::from_millis(1)),
        |stats| with_round_trip(stats, |it| it.variation *= 2),
        |mut stats| {
            stats.round_trip = None;
            stats
        },
    ];
    for stats in change {
        let flaw = Flaw { stats: Some(stats), ..Flaw::default() };
        assert_eq!(breaks(flaw, ANSWERED), Some(Promise::OnlyInboundIsLife));
    }
}

fn with_round_trip(mut stats: Stats, change: fn(&mut RoundTrip)) -> Stats {
    if let Some(round_trip) = &mut stats.round_trip {
        change(round_trip);
    }
    stats
}
