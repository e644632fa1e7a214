//! Promises 1, 2, 6, 9 and 14: progress, no stall, evidence first, a clamped clock, deadlines.

use core::time::Duration;

use proptest::{collection::vec, prelude::*};
use steadfast::{
    Command, Event, FailureKind, Instant, Machine, Network, Notice, Outcome, Policy, Signal, State,
    Timer, Wake,
};

use crate::support::{
    Input, NANO, Setup, When, World, any_script, any_setup, at, brief, millis, script_of, secs,
};

/// Brings the world to where it runs and has a network.
fn running(setup: &Setup, script: &[(When, Input)]) -> World {
    let mut world = World::of(setup);
    world.play_all(script);
    let _ = world.online();
    let _ = world.start();
    world
}

proptest! {
    #[test]
    fn promise_01_progress_a_wake_is_always_later_than_now(
        setup in any_setup(),
        script in any_script(),
    ) {
        let mut world = World::of(&setup);
        world.play_all(&script);
        for entry in &world.log {
            prop_assert!(entry.step.wake.instant().is_none_or(|due| due > entry.now));
        }
    }

    #[test]
    fn promise_01_progress_no_events_mean_no_more_dials_than_the_floor_allows(
        setup in any_setup(),
        script in any_script(),
    ) {
        let mut world = running(&setup, &script);
        let (began, before) = (world.now, world.machine.stats().dials);
        for _ in 0..50 {
            if world.machine.wake() != Wake::Idle {
                let _ = world.wake();
            }
        }
        let dials = u128::from(world.machine.stats().dials - before);
        let passed = world.now.saturating_duration_since(began).as_nanos();
        let floor = setup.backoff.bounds().floor().as_nanos();
        prop_assert!(dials <= passed / floor + 1, "{dials} dials in {passed} ns");
    }

    #[test]
    fn promise_01_progress_holds_to_the_end_of_time(
        setup in any_setup(),
        start in prop_oneof![Just(0_u64), 0..1_000_000_000_u64, 0..100_000_000_000_000_u64],
        steps in vec((0..1_000_000_000_000_u64, 0..8_u8), 0..40),
    ) {
        let mut now = Instant::from_nanos(u64::MAX - start);
        let seed = setup.seed;
        let mut machine = Machine::new(setup.config, setup.backoff, seed, now);
        for (pass, choice) in steps {
            let signal = |signal| Event::Transport(machine.epoch(), signal);
            let event = match choice {
                0 => Event::Tick,
                1 => Command::Start.into(),
                2 => Command::Stop.into(),
                3 => Command::Probe.into(),
                4 => signal(Signal::Opened),
                5 => signal(Signal::Received),
                6 => signal(Signal::Lost(FailureKind::Reset.into())),
                _ => Command::RetryNow.into(),
            };
            let step = machine.handle(now, event);
            let last = Instant::from_nanos(u64::MAX - 1);
            prop_assert!(step.wake.instant().is_none_or(|due| due > now.min(last)));
            now = now.saturating_add(Duration::from_nanos(pass));
        }
    }

    #[test]
    fn promise_02_no_stall_idle_only_where_only_an_event_can_help(
        setup in any_setup(),
        script in any_script(),
    ) {
        let mut world = World::of(&setup);
        world.play_all(&script);
        let beats = setup.config.to_builder().heartbeat.is_some();
        for entry in &world.log {
            let allowed = match entry.after {
                State::Idle | State::Closed(_) | State::Offline => true,
                State::Open => !beats,
                _ => false,
            };
            prop_assert!(allowed || entry.step.wake != Wake::Idle, "{entry:?}");
        }
    }

    #[test]
    fn promise_02_no_stall_a_server_that_is_back_is_found(
        setup in any_setup(),
        script in any_script(),
    ) {
        let mut world = running(&setup, &script);
        // A wait for the retry, or a handshake and the wait after it.
        for _ in 0..4 {
            match world.machine.state() {
                State::Connecting => drop(world.opened()),
                State::Open | State::Closed(_) => break,
                _ => drop(world.wake()),
            }
        }
        prop_assert!(matches!(world.machine.state(), State::Open | State::Closed(_)));
    }

    #[test]
    fn promise_06_evidence_beats_the_clock_however_late(
        setup in any_setup(),
        script in any_script(),
        late in prop_oneof![Just(0_u64), Just(1), 0..100_000_000_000_u64],
    ) {
        let mut world = running(&setup, &script);
        let late = When::Late(Duration::from_nanos(late));
        match world.machine.state() {
            State::Connecting => {
                let step = world.play(late, Input::Signal(0, Signal::Opened));
                prop_assert_eq!(brief(&step), format!("Up({})", world.machine.epoch()));
            }
            State::Open => {
                let step = world.play(late, Input::Signal(0, Signal::Received));
                prop_assert!(step.actions.is_empty(), "{step:?}");
                prop_assert_eq!(world.machine.state(), State::Open);
            }
            _ => {}
        }
    }

    #[test]
    fn promise_09_time_is_clamped_and_going_backwards_is_counted(
        setup in any_setup(),
        script in any_script(),
    ) {
        let mut world = World::of(&setup);
        world.play_all(&script);
        let mut steady = Machine::new(
            setup.config,
            setup.backoff,
            setup.seed,
            Instant::ORIGIN,
        );
        for entry in &world.log {
            prop_assert_eq!(steady.handle(entry.now, entry.event), entry.step);
        }
        prop_assert_eq!(steady.stats().clock_regressions, 0);
        let backwards = script.iter().filter(|(when, _)| matches!(when, When::Back(_))).count();
        prop_assert!(world.machine.stats().clock_regressions as usize <= backwards);
    }

    #[test]
    fn promise_14_every_phase_has_a_deadline_of_its_own(
        setup in any_setup(),
        script in script_of(|input| !matches!(input, Input::Command(Command::Network(_)))),
    ) {
        let mut world = World::of(&setup);
        world.play_all(&script);
        for entry in &world.log {
            let timer = match entry.step.wake {
                Wake::At(_, timer) => Some(timer),
                Wake::Idle => None,
            };
            match entry.after {
                State::Connecting => prop_assert_eq!(timer, Some(Timer::Connect)),
                State::Closing => prop_assert_eq!(timer, Some(Timer::Close)),
                State::Backoff => prop_assert_eq!(timer, Some(Timer::Retry)),
                State::Open => {
                    prop_assert!(matches!(timer, None | Some(Timer::Ping | Timer::Pong | Timer::Silence)));
                }
                _ => prop_assert_eq!(timer, None),
            }
        }
    }
}

#[test]
fn promise_02_no_stall_offline_waits_for_the_network_and_nothing_else() {
    let mut world = World::new();
    let _ = world.offline();
    let step = world.start();
    assert_eq!((brief(&step).as_str(), step.wake), ("Rescheduled", Wake::Idle));
    assert_eq!(world.machine.state(), State::Offline);
    assert_eq!(world.pass(secs(86_400)).tick().actions.len(), 0);
    let _ = world.online();
    assert!(world.wait() <= secs(1));
    assert_eq!(brief(&world.wake()), "Dial(1)");
}

#[test]
fn promise_06_a_pong_at_the_very_deadline_saves_the_link() {
    let mut world = World::new();
    world.open();
    for _ in 0..2 {
        assert_eq!(brief(&world.wake()), "Ping(1)");
    }
    world.now = world.machine.wake().instant().unwrap();
    assert_eq!(brief(&world.pong()), "RoundTrip(1)");
    assert_eq!(world.machine.wake(), Wake::At(world.now.saturating_add(secs(20)), Timer::Ping));
}

#[test]
fn promise_06_a_dial_that_succeeds_at_its_deadline_has_succeeded() {
    for late in [Duration::ZERO, NANO, secs(3_600)] {
        let mut world = World::new();
        let _ = world.start();
        assert_eq!(brief(&world.pass(secs(10) + late).opened()), "Up(1)");
    }
}

#[test]
fn promise_06_a_dial_that_fails_at_its_deadline_tells_its_own_failure() {
    let mut world = World::new();
    let _ = world.start();
    assert_eq!(brief(&world.pass(secs(10)).lost(FailureKind::Tls)), "DialFailed(1)");
    assert_eq!(world.machine.last_failure(), Some(FailureKind::Tls.into()));
}

#[test]
fn promise_06_a_loss_at_the_close_deadline_needs_no_abort() {
    let mut world = World::new();
    world.open();
    let _ = world.stop();
    assert_eq!(brief(&world.pass(secs(2)).lost(FailureKind::Reset)), "Down(1) Closed");
}

#[test]
fn promise_06_a_command_comes_after_what_is_due() {
    let mut world = World::new();
    let _ = world.start();
    let step = world.pass(secs(10)).stop();
    assert_eq!(brief(&step), "Abort(1) DialFailed(1) Closed");
    let _ = world.start();
    let _ = world.wake();
    let _ = world.lost(FailureKind::Refused);
    world.now = world.machine.wake().instant().unwrap();
    assert_eq!(brief(&world.command(Command::RetryNow)), "Dial(3)");
}

#[test]
fn promise_09_a_step_back_changes_no_deadline() {
    let mut world = World::new();
    world.pass(secs(100)).open();
    let wake = world.machine.wake();
    let back = world.play(When::Back(secs(50)), Input::Tick);
    assert_eq!((back.wake, back.actions.len()), (wake, 0));
    let heard = world.play(When::Back(secs(90)), Input::Signal(0, Signal::Received));
    assert_eq!(heard.wake, Wake::At(at(secs(120)), Timer::Ping));
    assert_eq!(world.machine.stats().clock_regressions, 2);
}

#[test]
fn promise_14_a_dial_ends_after_exactly_ten_seconds() {
    let mut world = World::new();
    let step = world.pass(secs(7)).start();
    assert_eq!(step.wake, Wake::At(at(secs(17)), Timer::Connect));
    assert_eq!(world.pass(secs(10) - NANO).tick().actions.len(), 0);
    assert_eq!(brief(&world.pass(NANO).tick()), "Abort(1) DialFailed(1)");
}

#[test]
fn promise_14_byte_progress_does_not_extend_a_dial() {
    let mut world = World::new();
    let _ = world.start();
    for _ in 0..9 {
        let step = world.pass(secs(1)).received();
        assert_eq!(step.outcome, Outcome::Inapplicable);
        assert_eq!(step.wake, Wake::At(at(secs(10)), Timer::Connect));
    }
}

#[test]
fn promise_14_a_close_ends_after_exactly_two_seconds_whatever_comes_in() {
    let mut world = World::new();
    world.open();
    assert_eq!(world.stop().wake, Wake::At(at(secs(2)), Timer::Close));
    let _ = world.pass(millis(1_999)).received();
    let _ = world.command(Command::Network(Network::Online));
    assert_eq!(world.machine.wake(), Wake::At(at(secs(2)), Timer::Close));
    let step = world.pass(millis(1)).tick();
    assert_eq!(brief(&step), "Abort(1) Down(1) Closed");
    let last = step.actions.iter().last();
    assert!(matches!(last, Some(steadfast::Action::Notify(Notice::Closed { .. }))));
}
