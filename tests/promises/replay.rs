//! Promise 15: the same configuration, seed and events give the same steps, everywhere.

use core::time::Duration;

use proptest::prelude::*;
use steadfast::{Backoff, Config, Event, FailureKind, Instant, Machine, Seed, Signal};

use crate::support::{World, any_script, any_setup};

proptest! {
    #[test]
    fn promise_15_deterministic_replay(setup in any_setup(), script in any_script()) {
        let mut world = World::of(&setup);
        world.play_all(&script);
        // The configuration may be shared: that changes nothing either.
        let seed = setup.seed;
        let mut again = Machine::new(&setup.config, &setup.backoff, seed, Instant::ORIGIN);
        for entry in &world.log {
            prop_assert_eq!(again.handle(entry.now, entry.event), entry.step);
            prop_assert_eq!(again.state(), entry.after);
        }
    }

    #[test]
    fn promise_15_a_clone_goes_on_as_the_original_does(
        setup in any_setup(),
        script in any_script(),
        at in any::<prop::sample::Index>(),
    ) {
        let (before, after) = script.split_at(if script.is_empty() { 0 } else { at.index(script.len()) });
        let mut world = World::of(&setup);
        world.play_all(before);
        let mut copy = world.clone();
        copy.play_all(after);
        world.play_all(after);
        prop_assert_eq!(world.log, copy.log);
    }
}

/// The waits after each of `count` refused dials, in nanoseconds.
fn waits(seed: u64, count: usize) -> Vec<u64> {
    let mut machine =
        Machine::new(Config::default(), Backoff::default(), Seed::new(seed), Instant::ORIGIN);
    let mut now = Instant::ORIGIN;
    let _ = machine.handle(now, steadfast::Command::Start.into());
    let mut waits = Vec::new();
    for _ in 0..count {
        let refused = Signal::Lost(FailureKind::Refused.into());
        let step = machine.handle(now, Event::Transport(machine.epoch(), refused));
        let due = step.wake.instant().unwrap();
        waits.push(due.as_nanos() - now.as_nanos());
        now = due;
        let _ = machine.handle(now, Event::Tick);
    }
    waits
}

#[test]
fn promise_15_the_waits_of_a_seed_are_the_same_on_every_platform() {
    // Computed by another program, from SplitMix64 and multiply-and-shift.
    let expected: [u64; 10] = [
        396_625_952,
        243_919_353,
        629_342_147,
        1_442_343_794,
        400_438_331,
        13_904_826_417,
        6_630_315_292,
        24_038_893_114,
        10_263_938_063,
        18_592_613_784,
    ];
    assert_eq!(waits(42, 10), expected);
}

#[test]
fn promise_15_another_seed_waits_otherwise() {
    let (one, other) = (waits(1, 20), waits(2, 20));
    assert!(one.iter().zip(&other).all(|(a, b)| a != b), "{one:?} {other:?}");
    assert!(one.iter().all(|wait| Duration::from_nanos(*wait) >= Duration::from_millis(100)));
}
