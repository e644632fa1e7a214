//! Close, stop, and start again.

use steadfast::{
    Action, CloseCode, ClosedReason, Command, Config, FailureKind, Next, Notice, Outcome, Signal,
    State, Step, Timer, Wake,
};

use crate::{
    RESET,
    support::{World, at, brief, millis, plain, secs},
};

/// A world that waits for its first retry: from 500 ms after the origin on.
fn waiting() -> World {
    let mut world = World::new();
    let _ = world.start();
    world.fail_dials(5, RESET);
    assert_eq!(world.wait(), secs(8));
    world
}

fn code_of(step: &Step) -> Option<Option<CloseCode>> {
    step.actions.iter().find_map(|action| match action {
        Action::Close { code, .. } => Some(code),
        _ => None,
    })
}

#[test]
fn the_peers_close_is_answered_once_with_its_own_code() {
    for (code, echo) in [(1000, Some(1000)), (4000, Some(4000)), (1005, None), (1006, None)] {
        let mut world = World::new();
        world.open();
        let step = world.close_received(CloseCode::new(code));
        assert_eq!(code_of(&step), Some(echo.map(CloseCode::new)), "{code}");
        assert_eq!(world.machine.state(), State::Closing);
        assert!(world.close_received(CloseCode::new(code)).actions.is_empty());
        assert_eq!(world.wait(), secs(2));
    }
}

#[test]
fn the_policy_hears_the_peers_code_and_not_how_the_socket_ended() {
    let unwelcome = CloseCode::POLICY_VIOLATION;
    let closed = steadfast::Failure::from(FailureKind::Closed(unwelcome));
    for times_out in [false, true] {
        let mut world = World::new();
        world.open();
        let _ = world.close_received(unwelcome);
        let expected = if times_out { "Abort(1) Down(1)" } else { "Down(1)" };
        let step = if times_out { world.wake() } else { world.lost(RESET) };
        assert_eq!(brief(&step), expected);
        assert_eq!((world.machine.last_failure(), world.wait()), (Some(closed), secs(2)));
    }
}

#[test]
fn a_fatal_close_code_ends_it_after_the_handshake() {
    let mut world = World::new();
    world.open();
    let _ = world.close_received(CloseCode::PROTOCOL_ERROR);
    assert_eq!(brief(&world.lost(RESET)), "Down(1) Closed");
    let fatal = FailureKind::Closed(CloseCode::PROTOCOL_ERROR).into();
    assert_eq!(world.machine.state(), State::Closed(ClosedReason::Fatal(fatal)));
}

#[test]
fn a_stop_says_1000_once_and_a_second_changes_nothing() {
    let mut world = World::new();
    world.open();
    assert_eq!(code_of(&world.stop()), Some(Some(CloseCode::NORMAL)));
    let wake = world.machine.wake();
    let again = world.pass(secs(1)).stop();
    assert_eq!((again.outcome, again.actions.len()), (Outcome::Inapplicable, 0));
    assert_eq!(world.machine.wake(), wake);
    assert_eq!(brief(&world.close_received(CloseCode::NORMAL)), "");
    assert_eq!(brief(&world.lost(RESET)), "Down(1) Closed");
}

#[test]
fn no_ping_leaves_while_a_connection_closes() {
    let config = Config::builder().with_close_timeout(secs(120)).build().unwrap();
    let mut world = World::with(config, plain());
    world.open();
    let _ = world.stop();
    for _ in 0..11 {
        assert!(world.pass(secs(10)).received().actions.is_empty());
        assert!(world.tick().actions.is_empty());
    }
    assert_eq!(world.machine.wake(), Wake::At(at(secs(120)), Timer::Close));
}

#[test]
fn a_start_while_it_runs_changes_nothing() {
    let mut world = World::new();
    let _ = world.start();
    assert_eq!(world.start().outcome, Outcome::Inapplicable);
    let _ = world.opened();
    assert_eq!(world.start().outcome, Outcome::Inapplicable);
    let _ = world.lost(RESET);
    assert_eq!(world.start().outcome, Outcome::Inapplicable);
    let _ = world.offline();
    assert_eq!(world.start().outcome, Outcome::Inapplicable);
    assert_eq!(world.machine.stats().inapplicable, 4);
}

#[test]
fn a_start_while_stopping_begins_again_after_the_handshake_and_the_floor() {
    let mut world = World::new();
    let _ = world.start();
    world.fail_dials(4, RESET);
    let _ = world.wake();
    let _ = world.opened();
    let _ = world.stop();
    assert_eq!(world.pass(secs(1)).start().outcome, Outcome::Applied);
    assert_eq!(world.start().outcome, Outcome::Inapplicable);
    let step = world.lost(RESET);
    let next = Next::Retry { attempt: 0, delay: millis(100) };
    let down = step.actions.iter().next();
    assert!(
        matches!(down, Some(Action::Notify(Notice::Down { failure: None, next: told, .. })) if told == next)
    );
    assert_eq!(world.command(Command::RetryNow).outcome, Outcome::Inapplicable);
    assert_eq!(brief(&world.wake()), "Dial(6)");
    assert_eq!(world.machine.failures(), 0);
}

#[test]
fn a_stop_after_a_start_while_stopping_stops() {
    let mut world = World::new();
    world.open();
    let _ = (world.stop(), world.start());
    assert_eq!(world.stop().outcome, Outcome::Applied);
    assert_eq!(brief(&world.wake()), "Abort(1) Down(1) Closed");
}

#[test]
fn a_stop_of_what_does_not_run_means_nothing() {
    let mut world = World::new();
    assert_eq!(world.stop().outcome, Outcome::Inapplicable);
    assert_eq!(world.machine.state(), State::Idle);
    let _ = (world.start(), world.stop());
    assert_eq!(world.stop().outcome, Outcome::Inapplicable);
}

#[test]
fn a_restart_reuses_no_epoch_and_remembers_no_failure() {
    let mut world = waiting();
    let _ = world.stop();
    let _ = world.start();
    let step = world.wake();
    let dial = step.actions.iter().next();
    assert!(matches!(dial, Some(Action::Dial { epoch, attempt: 0, .. }) if epoch.get() == 6));
    assert_eq!((world.machine.failures(), world.machine.last_failure()), (0, None));
}

#[test]
fn a_peer_that_says_normal_or_nothing_is_dialed_again_and_one_that_we_stopped_is_not() {
    for code in [CloseCode::NORMAL, CloseCode::GOING_AWAY, CloseCode::NO_STATUS] {
        let mut world = World::new();
        world.open();
        let _ = world.close_received(code);
        let _ = world.lost(RESET);
        assert_eq!(brief(&world.wake()), "Dial(2)", "{code}");
        let _ = (world.opened(), world.stop(), world.close_received(code));
        assert_eq!(brief(&world.lost(RESET)), "Down(2) Closed", "{code}");
    }
}

#[test]
fn while_it_closes_what_comes_in_is_in_order_and_a_second_opened_is_not() {
    let mut world = World::new();
    world.open();
    let _ = world.stop();
    let code = CloseCode::NORMAL.into();
    for signal in [Signal::Received, Signal::ReadPaused, Signal::CloseReceived(code)] {
        assert_eq!(world.signal(signal).outcome, Outcome::Applied, "{signal:?}");
    }
    assert_eq!(world.opened().outcome, Outcome::Inapplicable);
}
