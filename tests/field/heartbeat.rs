//! Heartbeats that kill the living and spare the dead.

use steadfast::{State, Timer, Wake};

use crate::{
    RESET,
    support::{NANO, World, at, brief, secs},
};

// phoenixframework/phoenix#3083: an unanswered ping of the old socket closed the new one.
#[test]
fn heartbeat_does_not_survive_a_reconnect() {
    let mut world = World::new();
    world.open();
    assert_eq!(brief(&world.wake()), "Ping(1)");
    let _ = world.pass(secs(5)).lost(RESET);
    assert_eq!(brief(&world.wake()), "Dial(2)");
    let _ = world.opened();
    // At 30 s the peer of the old socket would have been given up.
    assert!(world.pass(secs(4)).tick().actions.is_empty());
    assert_eq!(world.machine.wake(), Wake::At(at(secs(46)), Timer::Ping));
    assert!(world.pass(secs(16) - NANO).tick().actions.is_empty());
    assert_eq!(brief(&world.pass(NANO).tick()), "Ping(2)");
}

// firezone/firezone#12312: each message that was sent put the heartbeat off.
#[test]
fn outbound_traffic_does_not_postpone_the_heartbeat() {
    let mut world = World::new();
    world.open();
    let mut acted = Vec::new();
    // A driver that sends all the time can do no more than call all the time.
    for second in 1..=40 {
        let step = world.pass(secs(1)).tick();
        if !step.actions.is_empty() {
            acted.push((second, brief(&step)));
        }
    }
    let expected = [(20, "Ping(1)"), (30, "Ping(1)"), (40, "Abort(1) Down(1)")];
    assert_eq!(acted, expected.map(|(second, brief)| (second, brief.to_owned())));
}

// robtaussig/react-use-websocket#269: the time that a phone slept counted as silence.
#[test]
fn a_late_timer_after_a_suspend_is_not_a_dead_peer() {
    for pings_before in 0..3 {
        let mut world = World::new();
        world.open();
        for _ in 0..pings_before {
            assert_eq!(brief(&world.wake()), "Ping(1)");
        }
        assert_eq!(brief(&world.pass(secs(8 * 3_600)).tick()), "Ping(1)");
        assert_eq!(brief(&world.pass(secs(2)).pong()), "RoundTrip(1)");
        assert_eq!(world.machine.state(), State::Open, "after {pings_before} pings");
    }
}
