//! Promises 2, 7 and 10 where the server is the one that keeps the connection busy.

use core::time::Duration;

use proptest::{collection::vec, prelude::*};
use steadfast::{
    Command, Config, Failure, FailureKind, Heartbeat, HeartbeatKind, Network, Signal, State,
    Timeout, Timer, Wake,
};

use crate::support::{NANO, World, any_heartbeat, at, brief, plain, secs};

const SILENT: FailureKind = FailureKind::Timeout(Timeout::Silence);
const UNANSWERED: FailureKind = FailureKind::Timeout(Timeout::Heartbeat);

fn any_expecting() -> impl Strategy<Value = Heartbeat> {
    any_heartbeat().prop_map(|heartbeat| heartbeat.with_kind(HeartbeatKind::Expect))
}

/// Open, with something expected every 30 s.
fn expecting() -> World {
    of(Heartbeat::expect(secs(30)))
}

fn of(heartbeat: Heartbeat) -> World {
    let mut world =
        World::with(Config::builder().with_heartbeat(heartbeat).build().unwrap(), plain());
    world.open();
    world
}

proptest! {
    #[test]
    fn promise_07_a_silent_server_is_given_up_after_the_interval_whatever_is_asked(
        heartbeat in any_expecting(),
        heard in 0..100_000_000_000_u64,
        noise in vec((0..10_000_000_000_u64, 0..6_u8), 0..10),
    ) {
        let mut world = of(heartbeat.clone());
        world.now = at(Duration::from_nanos(heard));
        let _ = world.received();
        let dead = world.now.saturating_add(heartbeat.interval);
        let mut asked = false;
        for (pass, choice) in noise {
            let then = world.now.saturating_add(Duration::from_nanos(pass));
            if world.machine.wake().instant().unwrap() <= then {
                break;
            }
            world.now = then;
            asked |= choice < 2;
            let step = match choice {
                0 => world.command(Command::Probe),
                1 => world.online(),
                2 => world.tick(),
                3 => world.start(),
                4 => world.offline(),
                _ => world.signal(Signal::Opened),
            };
            prop_assert!(step.actions.len() <= usize::from(choice < 2));
            prop_assert!(world.machine.wake().instant().unwrap() <= dead);
        }
        let _ = world.wake();
        let failure = if asked { UNANSWERED } else { SILENT };
        prop_assert_eq!(world.machine.last_failure(), Some(Failure::from(failure)));
        prop_assert!(world.now == dead || asked && world.now < dead);
    }

    #[test]
    fn promise_07_a_server_that_is_heard_in_time_is_never_given_up_nor_asked(
        heartbeat in any_expecting(),
        pauses in vec(0..=100_u32, 1..40),
    ) {
        let mut world = of(heartbeat.clone());
        for percent in pauses {
            world.pass(heartbeat.interval * percent / 100);
            prop_assert_eq!(brief(&world.received()), "");
        }
        prop_assert_eq!(world.machine.state(), State::Open);
    }

    #[test]
    fn promise_10_gap_rule_no_suspend_of_any_length_kills_a_server_unasked(
        heartbeat in any_expecting(),
        gap in 1..1_000_000_000_000_u64,
    ) {
        let mut world = of(heartbeat.clone());
        let gap = heartbeat.pong_timeout + Duration::from_nanos(gap);
        world.now = world.machine.wake().instant().unwrap().saturating_add(gap);
        prop_assert_eq!(brief(&world.tick()), "Ping(1)");
        prop_assert_eq!(world.wait(), heartbeat.pong_timeout.min(secs(3)));
        prop_assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
        prop_assert_eq!(world.machine.last_failure(), Some(Failure::from(UNANSWERED)));
    }

    #[test]
    fn promise_02_a_reader_that_is_paused_never_takes_a_server_for_dead_and_never_stalls(
        heartbeat in any_expecting(),
        before in 0..100_u32,
        late in vec(0..100_000_000_000_u64, 0..20),
    ) {
        let mut world = of(heartbeat.clone());
        world.pass(heartbeat.interval * before / 100);
        let _ = world.signal(Signal::ReadPaused);
        for late in late {
            world.now = world.machine.wake().instant().unwrap();
            prop_assert_eq!(brief(&world.pass(Duration::from_nanos(late)).tick()), "");
        }
        prop_assert_eq!(brief(&world.signal(Signal::ReadResumed)), "");
        prop_assert_eq!(world.wait(), heartbeat.interval);
        prop_assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
    }
}

#[test]
fn promise_07_a_silent_server_is_given_up_to_the_nanosecond_and_sent_nothing() {
    let mut world = expecting();
    let _ = world.pass(secs(7)).received();
    assert_eq!(world.machine.wake(), Wake::At(at(secs(37)), Timer::Silence));
    assert_eq!(brief(&world.pass(secs(30) - NANO).tick()), "");
    assert_eq!(brief(&world.pass(NANO).tick()), "Abort(1) Down(1)");
    assert_eq!(world.machine.last_failure(), Some(SILENT.into()));
}

#[test]
fn promise_06_what_a_server_says_at_the_last_instant_is_heard() {
    let mut world = expecting();
    assert_eq!(brief(&world.pass(secs(30)).received()), "");
    assert_eq!(world.machine.wake(), Wake::At(at(secs(60)), Timer::Silence));
}

#[test]
fn promise_07_who_asks_a_server_sooner_never_knows_later() {
    for ask in [Command::Probe, Command::Network(Network::Online)] {
        for (after, dead) in [(0, 3), (5, 8), (27, 30), (28, 30), (29, 30)] {
            let mut world = expecting();
            assert_eq!(brief(&world.pass(secs(after)).command(ask)), "Ping(1)");
            assert_eq!(world.machine.wake(), Wake::At(at(secs(dead)), Timer::Pong));
            assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
            assert_eq!(world.machine.last_failure(), Some(UNANSWERED.into()));
        }
    }
}

#[test]
fn promise_07_the_answer_to_a_probe_is_timed_and_the_server_awaited_again() {
    let mut world = expecting();
    let _ = world.pass(secs(5)).command(Command::Probe);
    assert_eq!(brief(&world.pass(secs(1)).pong()), "RoundTrip(1)");
    assert_eq!(world.machine.wake(), Wake::At(at(secs(36)), Timer::Silence));
}

#[test]
fn promise_07_a_probe_is_sent_once_until_something_comes_in() {
    let mut world = expecting();
    assert_eq!(brief(&world.command(Command::Probe)), "Ping(1)");
    assert_eq!(brief(&world.pass(secs(1)).command(Command::Probe)), "");
    let _ = world.received();
    assert_eq!(brief(&world.command(Command::Probe)), "Ping(1)");
}

#[test]
fn promise_10_gap_rule_begins_just_above_the_pong_timeout_of_a_silent_server() {
    let late_by = |late| brief(&expecting().pass(secs(30) + late).tick());
    assert_eq!(late_by(secs(10)), "Abort(1) Down(1)", "late, not suspended");
    assert_eq!(late_by(secs(10) + NANO), "Ping(1)", "suspended");
}

#[test]
fn promise_10_gap_rule_asks_a_silent_server_only_once() {
    let mut world = expecting();
    let night = secs(8 * 3_600);
    assert_eq!(brief(&world.pass(night).tick()), "Ping(1)");
    assert_eq!(brief(&world.pass(night).tick()), "Abort(1) Down(1)");
}

#[test]
fn promise_10_a_probe_that_slept_through_the_night_is_sent_again() {
    let mut world = expecting();
    let _ = world.command(Command::Probe);
    assert_eq!(brief(&world.pass(secs(8 * 3_600)).tick()), "Ping(1)");
    assert_eq!(world.wait(), secs(3));
    assert_eq!(brief(&world.pass(secs(1)).pong()), "RoundTrip(1)");
    assert_eq!(world.wait(), secs(30));
}

#[test]
fn promise_10_a_probe_that_a_pause_hides_the_answer_to_is_forgotten() {
    let mut world = expecting();
    let _ = world.command(Command::Probe);
    let _ = world.pass(secs(1)).signal(Signal::ReadPaused);
    assert_eq!(world.machine.wake(), Wake::At(at(secs(31)), Timer::Silence));
    assert_eq!(brief(&world.command(Command::Probe)), "");
    let _ = world.pass(secs(1)).signal(Signal::ReadResumed);
    assert_eq!(world.machine.wake(), Wake::At(at(secs(32)), Timer::Silence));
    assert_eq!(brief(&world.pass(secs(1)).pong()), "RoundTrip(1)");
}
