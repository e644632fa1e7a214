//! What a machine shows of itself.

use steadfast::{Epoch, Event, Seed, State, StateMachine, Timer, Wake};

use crate::{
    RESET,
    support::{World, at, brief, millis, secs},
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
