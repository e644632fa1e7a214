//! What a machine shows of itself.

use steadfast::{
    Config, Epoch, Event, Instant, Machine, Outcome, Seed, State, StateMachine, Timer, Wake,
};

use crate::{
    RESET,
    support::{World, at, brief, millis, plain, secs},
};

#[test]
fn a_machine_behind_the_seam_is_the_machine_itself() {
    let mut world = World::new();
    let _ = world.pass(secs(5)).start();
    world.fail_dials(2, RESET);
    let machine = &mut world.machine;
    let due = at(millis(6_500));
    assert_eq!(StateMachine::state(machine), State::Backoff);
    assert_eq!(StateMachine::wake(machine), Wake::At(due, Timer::Retry));
    assert_eq!(StateMachine::epoch(machine), Epoch::new(2));
    assert_eq!(StateMachine::failures(machine), 2);
    assert_eq!(StateMachine::last_failure(machine), Some(RESET.into()));
    assert_eq!(StateMachine::since(machine), at(secs(5)));
    let stats = StateMachine::stats(machine);
    assert_eq!((stats.dials, stats.opens), (2, 0));
    assert_eq!(brief(&StateMachine::handle(machine, due, Event::Tick)), "Dial(3)");
}

#[test]
fn a_machine_prints_its_state_and_when_the_link_changed() {
    let mut world = World::new();
    let _ = world.pass(secs(5)).start();
    let printed = format!("{:?}", world.machine);
    assert!(printed.starts_with("Machine { phase: Connecting"), "{printed}");
    assert!(printed.contains("epoch: Epoch(1), since: Instant(5000000000)"), "{printed}");
}

#[test]
fn a_seed_keeps_its_value_and_prints_it_in_hexadecimal() {
    let seed = Seed::new(42);
    assert_eq!((seed.get(), format!("{seed:?}").as_str()), (42, "Seed(0x000000000000002a)"));
}

#[test]
fn a_tick_is_always_in_order() {
    let mut world = World::new();
    for _ in 0..3 {
        assert_eq!(world.tick().outcome, Outcome::Applied);
        let _ = world.start();
    }
}

#[test]
fn the_last_instant_of_the_clock_is_the_one_before_it() {
    let (last, before) = (Instant::from_nanos(u64::MAX), Instant::from_nanos(u64::MAX - 1));
    let mut machine = Machine::new(Config::default(), plain(), Seed::new(1), last);
    assert_eq!(machine.since(), before);
    for now in [last, before] {
        let _ = machine.handle(now, Event::Tick);
    }
    assert_eq!(machine.stats().clock_regressions, 0);
}
