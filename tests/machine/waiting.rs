//! Dials, waits, the network, and the first connection.

use core::time::Duration;

use steadfast::{
    Action, Attempt, ClosedReason, Command, Config, Decision, Event, Failure, FailureKind,
    FirstConnect, Instant, Machine, Network, Next, Notice, Outcome, Seed, Signal, State, Timer,
    Wake,
};

use crate::{
    RESET,
    support::{NANO, World, brief, millis, plain, secs},
};

fn once() -> World {
    let config = Config::builder().with_first_connect(FirstConnect::Once).build().unwrap();
    World::with(config, plain())
}

/// A world in which five dials have failed, at the beginning of a wait of 8 s.
fn waiting() -> World {
    let mut world = World::new();
    let _ = world.start();
    world.fail_dials(5, RESET);
    assert_eq!(world.wait(), secs(8));
    world
}

#[test]
fn a_late_opened_of_a_timed_out_dial_is_stale() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.wake();
    let step = world.opened();
    assert_eq!((step.outcome, step.actions.len()), (Outcome::Stale, 0));
    assert_eq!(world.machine.state(), State::Backoff);
}

#[test]
fn retry_now_while_connecting_opens_no_second_connection() {
    let mut world = World::new();
    let _ = world.start();
    assert_eq!(world.command(Command::RetryNow).outcome, Outcome::Inapplicable);
    let _ = world.opened();
    assert_eq!(world.command(Command::RetryNow).outcome, Outcome::Inapplicable);
    assert_eq!(world.machine.stats().dials, 1);
}

#[test]
fn retry_now_dials_at_once_when_the_floor_has_passed() {
    let mut world = waiting();
    assert_eq!(brief(&world.pass(millis(100)).command(Command::RetryNow)), "Dial(6)");
    assert_eq!(world.machine.failures(), 5, "an attempt is an attempt");
}

#[test]
fn retry_now_within_the_floor_dials_when_it_ends() {
    let mut world = waiting();
    let step = world.pass(millis(100) - NANO).command(Command::RetryNow);
    assert_eq!(brief(&step), "Rescheduled");
    assert_eq!(world.wait(), NANO);
    assert_eq!(world.command(Command::RetryNow).outcome, Outcome::Inapplicable);
    assert_eq!(brief(&world.wake()), "Dial(6)");
}

#[test]
fn a_network_that_goes_suspends_the_wait_and_one_that_comes_ends_it_soon() {
    let mut world = waiting();
    let step = world.pass(secs(1)).offline();
    assert_eq!((brief(&step).as_str(), step.wake), ("Rescheduled", Wake::Idle));
    assert_eq!(world.machine.state(), State::Offline);
    let step = world.pass(secs(3_600)).online();
    assert_eq!(brief(&step), "Rescheduled");
    assert!(world.wait() <= secs(1));
    assert_eq!(brief(&world.wake()), "Dial(6)");
}

#[test]
fn the_return_of_the_network_forgets_no_failures() {
    let mut world = waiting();
    let _ = world.online();
    let step = world.wake();
    let dial = step.actions.iter().next();
    assert!(matches!(dial, Some(Action::Dial { attempt: 5, .. })), "{dial:?}");
    let _ = world.lost(RESET);
    assert_eq!(world.wait(), secs(16));
}

#[test]
fn hearing_that_the_network_is_there_ends_a_long_wait_soon() {
    let mut world = waiting();
    let step = world.pass(secs(1)).online();
    assert_eq!((brief(&step).as_str(), step.outcome), ("Rescheduled", Outcome::Applied));
    assert!(world.wait() <= secs(1), "{:?}", world.wait());
}

#[test]
fn a_wait_that_is_no_longer_than_the_spread_is_left_as_it_is() {
    let hears = |wait: Duration| {
        let mut world =
            World::with(Config::default(), move |_: &Attempt| Decision::RetryAfter(wait));
        let _ = world.start();
        let _ = world.lost(RESET);
        world.online().outcome
    };
    // The floor, and the second in which clients return with the network.
    assert_eq!(hears(millis(1_100)), Outcome::Inapplicable);
    assert_eq!(hears(millis(1_100) + NANO), Outcome::Applied);
}

#[test]
fn hearing_again_that_the_network_is_there_puts_nothing_off() {
    let mut world = waiting();
    let _ = world.online();
    let until = world.machine.wake();
    for _ in 0..20 {
        assert_eq!(world.pass(NANO).online().outcome, Outcome::Inapplicable);
        assert_eq!(world.machine.wake(), until);
    }
}

#[test]
fn the_network_comes_back_for_different_clients_at_different_times() {
    let mut waits: Vec<Duration> = (0..50)
        .map(|seed| {
            let mut world = World::seeded(Config::default(), plain(), Seed::new(seed));
            let _ = world.offline();
            let _ = world.start();
            let _ = world.online();
            world.wait()
        })
        .collect();
    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 50);
    assert!(waits[0] < millis(200) && waits[49] > millis(800), "{waits:?}");
}

#[test]
fn a_dial_and_a_link_are_left_to_their_own_deadlines_when_the_network_goes() {
    let mut world = World::new();
    let _ = world.start();
    let wake = world.machine.wake();
    let step = world.pass(secs(1)).offline();
    assert_eq!((step.outcome, step.actions.len(), step.wake), (Outcome::Applied, 0, wake));
    assert_eq!(world.offline().outcome, Outcome::Inapplicable);
    let _ = world.opened();
    assert_eq!(world.machine.state(), State::Open);
    let step = world.lost(RESET);
    assert_eq!(world.machine.state(), State::Offline);
    let next = step.actions.iter().last();
    let offline = Next::Offline { attempt: 1 };
    assert!(matches!(next, Some(Action::Notify(Notice::Down { next, .. })) if next == offline));
}

#[test]
fn retry_now_dials_even_without_a_network() {
    let mut world = waiting();
    let _ = world.offline();
    assert_eq!(brief(&world.pass(secs(1)).command(Command::RetryNow)), "Dial(6)");
    let _ = world.lost(RESET);
    assert_eq!(world.machine.state(), State::Offline);
}

#[test]
fn a_first_connection_that_is_tried_once_gives_up_at_its_first_failure() {
    let mut world = once();
    let _ = world.start();
    assert_eq!(brief(&world.lost(FailureKind::Refused)), "DialFailed(1) Closed");
    let gave_up = ClosedReason::GaveUp(FailureKind::Refused.into());
    assert_eq!(world.machine.state(), State::Closed(gave_up));
    let _ = world.start();
    assert_eq!(brief(&world.wake()), "Dial(2)");
    assert_eq!(brief(&world.wake()), "Abort(2) DialFailed(2) Closed");
}

#[test]
fn a_connection_that_has_been_is_retried_though_the_first_was_not() {
    let mut world = once();
    world.open();
    let _ = world.lost(RESET);
    let _ = world.wake();
    let _ = world.lost(FailureKind::Refused);
    assert_eq!(world.machine.state(), State::Backoff);
}

#[test]
fn a_machine_made_late_or_told_of_the_end_of_time_does_not_panic() {
    for now in [u64::MAX, u64::MAX - 1, 0].map(Instant::from_nanos) {
        let mut machine = Machine::new(Config::default(), plain(), Seed::new(1), now);
        for then in [now, Instant::ORIGIN, Instant::from_nanos(u64::MAX)] {
            let _ = machine.handle(then, Command::Start.into());
            let _ = machine.handle(then, Event::Transport(machine.epoch(), Signal::Opened));
            let _ = machine.handle(then, Command::Network(Network::Online).into());
            let lost = Signal::Lost(RESET.into());
            let _ = machine.handle(then, Event::Transport(machine.epoch(), lost));
            let step = machine.handle(then, Event::Tick);
            let then = then.min(Instant::from_nanos(u64::MAX - 1));
            assert!(step.wake.instant().is_none_or(|due| due > then));
        }
    }
}

#[test]
fn a_stop_and_a_start_do_not_get_around_retry_after() {
    let mut world = World::new();
    let _ = world.start();
    let busy = Failure::from(FailureKind::Http(503)).with_retry_after(secs(60));
    let _ = world.lost(busy);
    let _ = world.stop();
    assert_eq!(brief(&world.start()), "Rescheduled");
    assert_eq!(world.wait(), secs(60));
}

#[test]
fn a_network_that_comes_back_leaves_the_spread_on_top_of_retry_after() {
    let wait = |seed| {
        let mut machine =
            Machine::new(Config::default(), plain(), Seed::new(seed), Instant::ORIGIN);
        let _ = machine.handle(Instant::ORIGIN, Command::Start.into());
        let busy = Failure::from(FailureKind::Http(503)).with_retry_after(secs(60));
        let lost = Event::Transport(machine.epoch(), Signal::Lost(busy));
        let _ = machine.handle(Instant::ORIGIN, lost);
        let _ = machine.handle(Instant::ORIGIN, Command::Network(Network::Offline).into());
        let step =
            machine.handle(Instant::from_millis(1), Command::Network(Network::Online).into());
        step.wake.instant().unwrap()
    };
    let waits: Vec<_> = (1..=20).map(wait).collect();
    assert!(waits.iter().all(|at| (60_000..=61_000).contains(&(at.as_nanos() / 1_000_000))));
    assert!(waits.iter().any(|at| *at != waits[0]), "{waits:?}");
}

#[test]
fn a_first_connection_that_is_tried_once_may_refresh_its_credentials_once() {
    let mut world = once();
    let _ = world.start();
    let _ = world.lost(FailureKind::Http(401));
    assert_eq!(world.machine.state(), State::Backoff);
    assert_eq!(brief(&world.wake()), "Dial(2)");
    let _ = world.lost(FailureKind::Refused);
    assert_eq!(
        world.machine.state(),
        State::Closed(ClosedReason::GaveUp(FailureKind::Refused.into()))
    );
}

#[test]
fn a_delay_beyond_the_end_of_time_is_still_a_deadline() {
    let forever = |_: &Attempt| Decision::RetryAfter(Duration::MAX);
    let mut machine = Machine::new(Config::default(), forever, Seed::new(1), Instant::ORIGIN);
    let _ = machine.handle(Instant::ORIGIN, Command::Start.into());
    let lost = Event::Transport(machine.epoch(), Signal::Lost(RESET.into()));
    let step = machine.handle(Instant::ORIGIN, lost);
    assert!(matches!(step.wake, Wake::At(_, Timer::Retry)), "{step:?}");
}

#[test]
fn a_fleet_with_a_policy_of_its_own_does_not_return_as_one_after_retry_after() {
    let policy = |attempt: &Attempt| Decision::RetryAfter(millis(attempt.entropy % 30_000));
    let wake = |seed| {
        let mut machine = Machine::new(Config::default(), policy, Seed::new(seed), Instant::ORIGIN);
        let _ = machine.handle(Instant::ORIGIN, Command::Start.into());
        let busy = Failure::from(FailureKind::Http(503)).with_retry_after(secs(60));
        let lost = Event::Transport(machine.epoch(), Signal::Lost(busy));
        machine.handle(Instant::ORIGIN, lost).wake.instant().unwrap().as_nanos()
    };
    let wakes: std::collections::BTreeSet<_> = (0..1_000).map(wake).collect();
    assert!(wakes.len() > 900, "{} distinct instants", wakes.len());
}

#[test]
fn a_stop_and_a_start_without_a_network_do_not_get_around_retry_after() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.lost(Failure::from(FailureKind::Http(503)).with_retry_after(secs(60)));
    let _ = (world.stop(), world.offline(), world.start());
    assert_eq!(world.machine.state(), State::Offline);
    assert_eq!(brief(&world.pass(secs(1)).command(Command::RetryNow)), "Rescheduled");
    assert_eq!(world.wait(), secs(59));
}

#[test]
fn nobody_returns_in_the_very_instant_in_which_the_network_does() {
    let config = Config::builder().with_online_spread(NANO).build().unwrap();
    for seed in 0..20 {
        let mut world = World::seeded(config.clone(), plain(), Seed::new(seed));
        let _ = (world.offline(), world.start());
        assert_eq!(brief(&world.online()), "Rescheduled", "seed {seed}");
        assert_eq!(world.wait(), NANO);
    }
}
