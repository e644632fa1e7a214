//! Connections that are two at once, hit by the news of another, or not to be got rid of.

use steadfast::{
    Action, CloseCode, ClosedReason, Command, Epoch, Event, Network, Nonce, Outcome, Signal, State,
    Step, Wake,
};

use crate::{
    REFUSED, RESET,
    support::{NANO, World, brief, millis, secs},
};

const HINTS: [Command; 5] = [
    Command::Start,
    Command::RetryNow,
    Command::Probe,
    Command::Network(Network::Offline),
    Command::Network(Network::Online),
];

fn dials(step: &Step) -> bool {
    step.actions.iter().any(|action| matches!(action, Action::Dial { .. }))
}

// strophe/strophejs#268: a late error of the socket before disconnected the current one.
#[test]
fn a_stale_close_does_not_hit_the_new_connection() {
    let mut world = World::new();
    world.open();
    let _ = world.lost(RESET);
    // Waiting, dialing, open, closing, closed.
    for advance in [World::tick, World::wake, World::opened, World::stop, World::wake] {
        let _ = advance(&mut world);
        let (state, wake) = (world.machine.state(), world.machine.wake());
        for signal in [
            Signal::CloseReceived(CloseCode::GOING_AWAY.into()),
            Signal::Lost(RESET.into()),
            Signal::Opened,
            Signal::Received,
            Signal::Pong(Nonce::new(1)),
        ] {
            let step = world.feed(Event::Transport(Epoch::new(1), signal));
            assert_eq!((step.outcome, step.actions.len()), (Outcome::Stale, 0), "{signal:?}");
            assert_eq!((world.machine.state(), world.machine.wake()), (state, wake), "{signal:?}");
        }
    }
    assert_eq!(world.machine.state(), State::Closed(ClosedReason::Stopped));
    assert_eq!(world.machine.stats().dials, 2);
}

// socketio/socket.io-client#424: a reconnect during the handshake dialed again.
#[test]
fn there_is_no_second_dial_while_one_is_pending() {
    let mut world = World::new();
    assert!(dials(&world.start()));
    for attempt in 1..4 {
        for hint in HINTS.into_iter().cycle().take(50) {
            assert!(!dials(&world.pass(millis(10)).command(hint)), "{hint:?} while connecting");
        }
        let _ = world.lost(REFUSED);
        let flood = (0..100).map(|_| world.pass(millis(10)).command(Command::RetryNow));
        assert_eq!(flood.filter(dials).count(), 1, "one for all the impatience");
        assert_eq!(world.machine.stats().dials, attempt + 1);
    }
}

// websocket-client/websocket-client#592: close() took minutes on a broken connection.
#[test]
fn close_does_not_hang_on_a_dead_peer() {
    let mut silent = World::new();
    silent.open();
    // Dead for long, and found wanting already.
    let _ = (silent.wake(), silent.wake());
    assert_eq!(brief(&silent.stop()), "Close(1)");
    assert!(silent.pass(secs(2) - NANO).tick().actions.is_empty());
    assert_eq!(brief(&silent.pass(NANO).tick()), "Abort(1) Down(1) Closed");
}

// aio-libs/aiohttp#1002: close() waited for as long as anything else came in.
#[test]
fn close_does_not_hang_on_a_peer_that_only_talks() {
    let mut world = World::new();
    world.open();
    let _ = world.stop();
    for _ in 0..19 {
        assert!(world.pass(millis(100)).received().actions.is_empty());
    }
    assert_eq!(brief(&world.pass(millis(100)).tick()), "Abort(1) Down(1) Closed");
}

// lukeed/sockette#46: closed while it waited for a retry, it dialed all the same.
#[test]
fn nothing_reconnects_after_the_user_closed() {
    type Reach = fn(&mut World) -> Vec<Step>;
    let states: [(State, Reach); 5] = [
        (State::Connecting, |_| vec![]),
        (State::Backoff, |world| vec![world.lost(REFUSED)]),
        (State::Open, |world| vec![world.opened()]),
        (State::Closing, |world| vec![world.opened(), world.close_received(CloseCode::NORMAL)]),
        (State::Offline, |world| vec![world.lost(REFUSED), world.offline()]),
    ];
    for (state, reach) in states {
        let mut world = World::new();
        let _ = world.start();
        let _ = reach(&mut world);
        assert_eq!(world.machine.state(), state);
        let _ = world.stop();
        for _ in 0..100 {
            let restless = [
                world.pass(millis(100)).tick(),
                world.command(Command::RetryNow),
                world.offline(),
                world.online(),
                world.opened(),
            ];
            assert!(!restless.iter().any(dials), "stopped while {state:?}");
        }
        let _ = world.lost(RESET);
        assert_eq!(world.machine.state(), State::Closed(ClosedReason::Stopped), "from {state:?}");
        assert_eq!((world.tick().wake, world.machine.stats().dials), (Wake::Idle, 1));
    }
}
