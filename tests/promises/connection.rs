//! Promises 3, 4 and 5: one connection, deaf to what is over, a bounded answer.

use proptest::prelude::*;
use steadfast::{
    Action, Actions, CloseCode, Event, FailureKind, Instant, Machine, Nonce, Notice, Outcome, Seed,
    Signal, State,
};

use crate::support::{Input, World, any_failure, any_script, any_setup, brief, plain, secs};

proptest! {
    #[test]
    fn promise_03_one_connection_is_alive_at_most(setup in any_setup(), script in any_script()) {
        let mut world = World::of(&setup);
        world.play_all(&script);
        let mut alive = None;
        for entry in world.log {
            if let Event::Transport(epoch, Signal::Lost(_)) = entry.event
                && alive == Some(epoch)
            {
                alive = None;
            }
            for action in entry.step.actions {
                match action {
                    Action::Dial { epoch, .. } => prop_assert_eq!(alive.replace(epoch), None),
                    Action::Abort { epoch } => prop_assert_eq!(alive.take(), Some(epoch)),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn promise_04_stale_is_inert(
        setup in any_setup(),
        script in any_script(),
        age in prop_oneof![1..5_i8, Just(-1_i8)],
        failure in any_failure(),
    ) {
        let mut world = World::of(&setup);
        world.play_all(&script);
        for signal in [
            Signal::Opened,
            Signal::Received,
            Signal::Pong(Nonce::new(1)),
            Signal::CloseReceived(CloseCode::GOING_AWAY.into()),
            Signal::ReadPaused,
            Signal::ReadResumed,
            Signal::Lost(failure),
        ] {
            let mut deaf = world.clone();
            let before = deaf.machine.clone();
            let step = deaf.play(crate::support::When::Same, Input::Signal(age, signal));
            prop_assert_eq!(step.outcome, Outcome::Stale);
            prop_assert!(step.actions.is_empty());
            prop_assert_eq!(format!("{:?}", deaf.machine), format!("{before:?}"));
        }
    }

    #[test]
    fn promise_05_bounded_a_step_has_at_most_four_actions(
        setup in any_setup(),
        script in any_script(),
    ) {
        let mut world = World::of(&setup);
        world.play_all(&script);
        prop_assert_eq!(Actions::MAX, 4);
        for entry in world.log {
            prop_assert!(entry.step.actions.len() <= 4);
        }
    }
}

#[test]
fn promise_03_a_dial_that_timed_out_is_aborted_before_the_next() {
    let mut world = World::new();
    assert_eq!(brief(&world.start()), "Dial(1)");
    assert_eq!(brief(&world.wake()), "Abort(1) DialFailed(1)");
    assert_eq!(brief(&world.wake()), "Dial(2)");
}

#[test]
fn promise_03_a_dead_link_is_aborted_before_the_next_dial() {
    let mut world = World::new();
    world.open();
    assert_eq!(brief(&world.wake()), "Ping(1)");
    assert_eq!(brief(&world.wake()), "Ping(1)");
    assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
    assert_eq!(brief(&world.wake()), "Dial(2)");
}

#[test]
fn promise_04_a_second_loss_of_the_same_dial_is_not_counted_twice() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.lost(FailureKind::Refused);
    let wake = world.machine.wake();
    let again = world.lost(FailureKind::Reset);
    assert_eq!((again.outcome, again.actions.len(), again.wake), (Outcome::Stale, 0, wake));
    assert_eq!(world.machine.failures(), 1);
    assert_eq!(world.machine.last_failure(), Some(FailureKind::Refused.into()));
}

#[test]
fn promise_04_news_of_the_last_connection_does_not_touch_the_next() {
    let mut world = World::new();
    world.open();
    let _ = world.lost(FailureKind::Reset);
    let _ = world.wake();
    let _ = world.opened();
    world.pass(secs(5));
    let wake = world.machine.wake();
    let old = steadfast::Epoch::new(1);
    for signal in [
        Signal::Received,
        Signal::Pong(Nonce::new(0)),
        Signal::ReadPaused,
        Signal::Lost(FailureKind::Reset.into()),
        Signal::CloseReceived(CloseCode::NORMAL.into()),
    ] {
        let step = world.feed(Event::Transport(old, signal));
        assert_eq!((step.outcome, step.wake), (Outcome::Stale, wake), "{signal:?}");
    }
    assert_eq!(world.machine.state(), State::Open);
    assert_eq!(world.machine.stats().stale, 5);
}

#[test]
fn promise_04_the_aborted_transport_does_not_rewrite_the_cause() {
    let mut world = World::new();
    world.open();
    for _ in 0..3 {
        let _ = world.wake();
    }
    let cause = world.machine.last_failure();
    assert_eq!(world.lost(FailureKind::Reset).outcome, Outcome::Stale);
    assert_eq!(world.machine.last_failure(), cause);
    assert_eq!(
        cause.map(steadfast::Failure::kind),
        Some(FailureKind::Timeout(steadfast::Timeout::Heartbeat))
    );
}

#[test]
fn promise_05_bounded_four_actions_do_happen() {
    let mut world = World::with(steadfast::Config::default(), limited());
    let _ = world.start();
    world.now = world.machine.wake().instant().unwrap();
    assert_eq!(brief(&world.start()), "Abort(1) DialFailed(1) Closed Rescheduled");
    let _ = world.wake();
    let _ = world.opened();
    world.now = world.machine.wake().instant().unwrap();
    let _ = world.tick();
    let _ = world.wake();
    world.now = world.machine.wake().instant().unwrap();
    assert_eq!(brief(&world.start()), "Abort(2) Down(2) Closed Rescheduled");
}

fn limited() -> steadfast::Backoff {
    plain().to_builder().with_max_retries(0).build().unwrap()
}

#[test]
fn promise_05_bounded_a_machine_does_not_grow() {
    let mut machine =
        Machine::new(steadfast::Config::default(), plain(), Seed::new(1), Instant::ORIGIN);
    let size = size_of_val(&machine);
    let mut now = Instant::ORIGIN;
    let _ = machine.handle(now, steadfast::Command::Start.into());
    let mut ups = 0;
    for _ in 0..2_000 {
        let step = machine.handle(now, Event::Transport(machine.epoch(), Signal::Opened));
        ups += step
            .actions
            .iter()
            .filter(|action| matches!(action, Action::Notify(Notice::Up { .. })))
            .count();
        let lost = Signal::Lost(FailureKind::Reset.into());
        now = machine.handle(now, Event::Transport(machine.epoch(), lost)).wake.instant().unwrap();
        let _ = machine.handle(now, Event::Tick);
    }
    assert_eq!((ups, machine.stats().dials), (2_000, 2_001));
    assert_eq!(size_of_val(&machine), size);
}
