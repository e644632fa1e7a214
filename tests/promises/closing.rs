//! Promise 13: stop means stop.

use proptest::prelude::*;
use steadfast::{Action, ClosedReason, Command, FailureKind, Outcome, State, Wake};

use crate::support::{Input, World, any_script, any_setup, brief, millis, script_of, secs};

proptest! {
    #[test]
    fn promise_13_stop_means_stop(
        setup in any_setup(),
        script in any_script(),
        rest in script_of(|input| !matches!(input, Input::Command(Command::Start))),
    ) {
        let mut world = World::of(&setup);
        world.play_all(&script);
        let _ = world.stop();
        let (stopped, lines) = (world.now, world.log.len());
        world.play_all(&rest);
        for entry in &world.log[lines..] {
            for action in entry.step.actions {
                prop_assert!(!matches!(action, Action::Dial { .. }), "{entry:?}");
            }
        }
        let close_timeout = setup.config.to_builder().close_timeout;
        world.now = world.now.max(stopped.saturating_add(close_timeout));
        let _ = world.tick();
        prop_assert!(matches!(world.machine.state(), State::Idle | State::Closed(_)));
        prop_assert_eq!(world.machine.wake(), Wake::Idle);
    }
}

#[test]
fn promise_13_a_stop_while_connecting_aborts_at_once() {
    let mut world = World::new();
    let _ = world.start();
    assert_eq!(brief(&world.stop()), "Abort(1) Closed");
    assert_eq!(world.machine.state(), State::Closed(ClosedReason::Stopped));
    assert_eq!(world.opened().outcome, Outcome::Stale);
}

#[test]
fn promise_13_a_stop_while_waiting_leaves_no_timer() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.lost(FailureKind::Refused);
    let step = world.stop();
    assert_eq!((brief(&step).as_str(), step.wake), ("Closed", Wake::Idle));
    assert_eq!(world.pass(secs(3_600)).tick().actions.len(), 0);
}

#[test]
fn promise_13_a_stop_while_offline_outlives_the_return_of_the_network() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.offline();
    let _ = world.lost(FailureKind::Unreachable);
    assert_eq!(world.machine.state(), State::Offline);
    assert_eq!(brief(&world.stop()), "Closed");
    assert_eq!(world.online().actions.len(), 0);
    assert_eq!(world.pass(secs(60)).tick().actions.len(), 0);
}

#[test]
fn promise_13_a_stop_while_open_is_over_in_two_seconds() {
    let mut world = World::new();
    world.open();
    assert_eq!(brief(&world.pass(secs(5)).stop()), "Close(1)");
    assert_eq!(world.pass(millis(1_999)).tick().actions.len(), 0);
    assert_eq!(brief(&world.pass(millis(1)).tick()), "Abort(1) Down(1) Closed");
}

#[test]
fn promise_13_a_stop_during_the_peers_close_takes_no_longer_and_does_not_retry() {
    let mut world = World::new();
    world.open();
    let _ = world.close_received(steadfast::CloseCode::GOING_AWAY);
    assert_eq!(world.pass(millis(1_500)).stop().actions.len(), 0);
    assert_eq!(world.wait(), millis(500));
    assert_eq!(brief(&world.lost(FailureKind::Reset)), "Down(1) Closed");
    assert_eq!(world.machine.state(), State::Closed(ClosedReason::Stopped));
}

#[test]
fn promise_13_nothing_but_start_wakes_what_is_closed() {
    let mut world = World::new();
    world.open();
    let _ = world.stop();
    let _ = world.lost(FailureKind::Reset);
    for command in [Command::RetryNow, Command::Probe, Command::Stop] {
        assert_eq!(world.pass(secs(1)).command(command).outcome, Outcome::Inapplicable);
    }
    for signal in [steadfast::Signal::Opened, steadfast::Signal::Received] {
        assert_eq!(world.signal(signal).outcome, Outcome::Stale);
    }
    assert_eq!(world.online().actions.len() + world.offline().actions.len(), 0);
    let _ = world.online();
    assert_eq!(brief(&world.start()), "Dial(2)");
}

#[test]
fn promise_13_a_stop_prevents_a_dial_that_is_due() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.lost(FailureKind::Refused);
    let _ = world.pass(secs(60));
    assert_eq!(brief(&world.stop()), "Closed");
    assert_eq!(world.machine.stats().dials, 1);
}
