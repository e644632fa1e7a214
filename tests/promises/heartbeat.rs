//! Promises 7 and 10: only what comes in is life, and a suspended driver asks before it kills.

use core::time::Duration;

use proptest::{collection::vec, prelude::*};
use steadfast::{
    Action, Backoff, Command, Config, Failure, FailureKind, Heartbeat, HeartbeatKind, Network,
    Notice, Signal, State, Timeout, Timer, Wake,
};

use crate::support::{NANO, World, any_heartbeat, at, brief, plain, secs};

const DEAD: FailureKind = FailureKind::Timeout(Timeout::Heartbeat);

fn beating(heartbeat: Heartbeat) -> World {
    World::with(Config::builder().with_heartbeat(heartbeat).build().unwrap(), plain())
}

fn any_pinging() -> impl Strategy<Value = Heartbeat> {
    any_heartbeat().prop_map(|heartbeat| heartbeat.with_kind(HeartbeatKind::Ping))
}

/// Ticks at each wake until the link is down; answers when.
fn until_down(world: &mut World) -> Duration {
    while world.machine.state() == State::Open {
        let _ = world.wake();
    }
    world.now.saturating_duration_since(at(Duration::ZERO))
}

proptest! {
    #[test]
    fn promise_07_only_inbound_is_life(
        heartbeat in any_pinging(),
        heard in 0..100_000_000_000_u64,
        noise in vec((0..30_000_000_000_u64, 0..6_u8), 0..30),
    ) {
        let mut world = beating(heartbeat.clone());
        world.open();
        let heard = Duration::from_nanos(heard);
        world.now = at(heard);
        let _ = world.received();
        for (pass, choice) in noise {
            let then = world.now.saturating_add(Duration::from_nanos(pass));
            while let Some(due) = world.machine.wake().instant().filter(|due| *due <= then) {
                if world.machine.state() != State::Open {
                    break;
                }
                world.now = due;
                let _ = world.tick();
            }
            if world.machine.state() != State::Open {
                break;
            }
            world.now = then;
            let _ = match choice {
                0 => world.tick(),
                1 => world.start(),
                2 => world.offline(),
                3 => world.command(Command::RetryNow),
                4 => world.signal(Signal::Opened),
                _ => world.play(
                    crate::support::When::Same,
                    crate::support::Input::Signal(1, Signal::Received),
                ),
            };
        }
        let patience = heartbeat.pong_timeout * (1 + u32::from(heartbeat.reprobes));
        prop_assert_eq!(until_down(&mut world), heard + heartbeat.interval + patience);
        prop_assert_eq!(world.machine.last_failure(), Some(Failure::from(DEAD)));
    }

    #[test]
    fn promise_07_a_peer_that_answers_in_time_is_never_given_up(
        heartbeat in any_pinging(),
        answers in vec(0..=100_u32, 1..40),
    ) {
        let mut world = beating(heartbeat.clone());
        world.open();
        for percent in answers {
            let step = world.wake();
            prop_assert_eq!(brief(&step), "Ping(1)");
            world.pass(heartbeat.pong_timeout * percent / 100);
            let _ = world.pong();
        }
        prop_assert_eq!(world.machine.state(), State::Open);
    }

    #[test]
    fn promise_10_gap_rule_no_suspend_of_any_length_kills_unasked(
        heartbeat in any_pinging(),
        wakes in 0..4_u8,
        gap in 1..1_000_000_000_000_u64,
    ) {
        let mut world = beating(heartbeat.clone());
        world.open();
        for _ in 0..wakes.min(1 + heartbeat.reprobes) {
            let _ = world.wake();
        }
        let due = world.machine.wake().instant().unwrap();
        let gap = heartbeat.pong_timeout + Duration::from_nanos(gap);
        world.now = due.saturating_add(gap);
        prop_assert_eq!(brief(&world.tick()), "Ping(1)");
        let patience = heartbeat.pong_timeout.min(secs(3));
        prop_assert_eq!(world.wait(), patience);
        prop_assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
    }
}

#[test]
fn promise_07_a_silent_peer_is_aborted_forty_seconds_after_it_was_last_heard() {
    let mut world = World::new();
    world.open();
    let _ = world.pass(secs(13)).received();
    assert_eq!(world.machine.wake(), Wake::At(at(secs(33)), Timer::Ping));
    assert_eq!(world.pass(secs(20) - NANO).tick().actions.len(), 0);
    assert_eq!(brief(&world.pass(NANO).tick()), "Ping(1)");
    assert_eq!(world.machine.wake(), Wake::At(at(secs(43)), Timer::Pong));
    assert_eq!(brief(&world.wake()), "Ping(1)");
    assert_eq!(world.machine.wake(), Wake::At(at(secs(53)), Timer::Pong));
    assert_eq!(world.pass(secs(10) - NANO).tick().actions.len(), 0);
    let step = world.pass(NANO).tick();
    assert_eq!(brief(&step), "Abort(1) Down(1)");
    let Some(Action::Notify(Notice::Down { failure, uptime, .. })) = step.actions.iter().last()
    else {
        panic!("{step:?}")
    };
    assert_eq!((failure, uptime), (Some(DEAD.into()), secs(53)));
}

#[test]
fn promise_07_any_inbound_frame_counts_as_the_answer() {
    for signal in [Signal::Received, Signal::Pong(steadfast::Nonce::new(77))] {
        let mut world = World::new();
        world.open();
        let _ = world.wake();
        assert_eq!(world.pass(secs(9)).signal(signal).actions.len(), 0, "{signal:?}");
        assert_eq!(world.machine.wake(), Wake::At(at(secs(49)), Timer::Ping));
    }
}

#[test]
fn promise_07_asking_sooner_never_means_knowing_later() {
    for ask in [Command::Probe, Command::Network(Network::Online)] {
        for after in 0..40 {
            let mut world = World::new();
            world.open();
            while world.machine.wake().instant().unwrap() <= at(secs(after)) {
                let _ = world.wake();
            }
            world.now = at(secs(after));
            let _ = world.command(ask);
            assert!(until_down(&mut world) <= secs(40), "{ask:?} after {after} s");
        }
    }
}

#[test]
fn promise_07_a_heartbeat_that_is_off_never_pings_and_never_wakes() {
    let config = Config::builder().with_heartbeat(None).build().unwrap();
    let mut world = World::with(config, Backoff::default());
    world.open();
    assert_eq!(world.machine.wake(), Wake::Idle);
    for _ in 0..10 {
        assert_eq!(world.pass(secs(86_400)).tick().actions.len(), 0);
        assert_eq!(world.received().wake, Wake::Idle);
    }
}

#[test]
fn promise_10_gap_rule_begins_just_above_the_pong_timeout() {
    let late_by = |late| {
        let mut world = World::new();
        world.open();
        let _ = world.pass(secs(20) + late).tick();
        world.wait()
    };
    assert_eq!(late_by(secs(10)), secs(10), "late, not suspended");
    assert_eq!(late_by(secs(10) + NANO), secs(3), "suspended");
}

#[test]
fn promise_10_gap_rule_spares_the_last_ping_of_a_suspended_driver() {
    let late_by = |late| {
        let mut world = World::new();
        world.open();
        let _ = world.wake();
        let _ = world.wake();
        brief(&world.pass(secs(10) + late).tick())
    };
    assert_eq!(late_by(secs(10)), "Abort(1) Down(1)", "late, not suspended");
    assert_eq!(late_by(secs(10) + NANO), "Ping(1)", "suspended");
}

#[test]
fn promise_10_gap_rule_sends_one_ping_for_a_night_of_sleep() {
    let mut world = World::new();
    world.open();
    let step = world.pass(secs(8 * 3_600)).tick();
    assert_eq!(brief(&step), "Ping(1)");
    assert_eq!(brief(&world.pass(secs(1)).pong()), "RoundTrip(1)");
    assert_eq!(world.wait(), secs(20));
}

#[test]
fn promise_10_gap_rule_excuses_only_once() {
    let mut world = World::new();
    world.open();
    let night = secs(8 * 3_600);
    assert_eq!(brief(&world.pass(night).tick()), "Ping(1)");
    assert_eq!(brief(&world.pass(night).tick()), "Abort(1) Down(1)");
}

#[test]
fn promise_10_gap_rule_is_owed_again_to_a_peer_that_was_heard() {
    let mut world = World::new();
    world.open();
    for _ in 0..3 {
        let _ = world.wake();
        let _ = world.wake();
        assert_eq!(brief(&world.pass(secs(3_600)).tick()), "Ping(1)");
        assert_eq!(world.wait(), secs(3));
        let _ = world.received();
    }
    assert_eq!(world.machine.state(), State::Open);
}

#[test]
fn promise_10_gap_rule_gives_no_more_time_than_a_pong_may_take_anyway() {
    let heartbeat = Heartbeat::default().with_pong_timeout(secs(1));
    let mut world = beating(heartbeat);
    world.open();
    assert_eq!(brief(&world.pass(secs(3_600)).tick()), "Ping(1)");
    assert_eq!(world.wait(), secs(1));
}

#[test]
fn promise_10_a_leap_in_any_other_state_is_one_deadline() {
    let mut world = World::new();
    let _ = world.start();
    assert_eq!(brief(&world.pass(secs(86_400)).tick()), "Abort(1) DialFailed(1)");
    assert_eq!(brief(&world.pass(secs(86_400)).tick()), "Dial(2)");
}
