//! The shape of a machine: what decides its future, and nothing else.

use core::time::Duration;

use steadfast::{Command, Shape, Signal};

use crate::{
    RESET,
    support::{World, millis, secs},
};

/// The shapes that one history has on its way, begun so late.
fn shapes(begin: Duration) -> Vec<Shape> {
    let mut world = World::new();
    let mut shapes = Vec::new();
    let mut look = |world: &World| shapes.push(world.machine.shape());
    let _ = world.pass(begin).start();
    look(&world);
    world.fail_dials(2, RESET);
    look(&world);
    let _ = (world.wake(), world.opened());
    look(&world);
    let _ = (world.pass(secs(3)).command(Command::Probe), world.pass(secs(1)).tick());
    look(&world);
    let _ = (world.signal(Signal::ReadPaused), world.stop());
    look(&world);
    let _ = world.lost(RESET);
    look(&world);
    let _ = (world.offline(), world.start());
    look(&world);
    shapes
}

/// A dial that has been under way for nine seconds after so many failures.
fn dialing_after(failures: u32) -> Shape {
    let mut world = World::new();
    let _ = world.start();
    world.fail_dials(failures, RESET);
    let _ = world.pass(millis(100)).command(Command::RetryNow);
    let _ = world.pass(secs(9)).tick();
    world.machine.shape()
}

#[test]
fn the_same_history_begun_later_has_the_same_shapes_and_no_two_of_its_moments_have_one() {
    let shapes_at_once = shapes(Duration::ZERO);
    assert_eq!(shapes_at_once, shapes(secs(77)));
    for (nth, shape) in shapes_at_once.iter().enumerate() {
        assert!(!shapes_at_once[..nth].contains(shape), "{nth}: {shape:?}");
    }
}

#[test]
fn a_shape_that_counts_to_six_takes_seven_failures_for_six() {
    let (six, seven) = (dialing_after(6), dialing_after(7));
    assert_ne!(six, seven);
    assert_eq!(six.clone().counting_to(6), seven.clone().counting_to(6));
    assert_ne!(six.counting_to(7), seven.counting_to(7));
}

#[test]
fn whether_there_was_ever_a_connection_is_part_of_a_shape() {
    let dialing = |opens: bool| {
        let mut world = World::new();
        let _ = world.start();
        if opens {
            let _ = world.opened();
        }
        let _ = (world.lost(RESET), world.pass(millis(100)).command(Command::RetryNow));
        world.machine.shape().counting_to(1)
    };
    assert_ne!(dialing(false), dialing(true));
    assert!(format!("{:?}", dialing(true)).contains("was_open: true"));
}

#[test]
fn a_shape_that_looks_at_no_span_still_tells_whether_the_link_is_stable() {
    let open_for = |span| {
        let mut world = World::new();
        world.open().pass(span);
        let _ = (world.command(Command::Probe), world.pong());
        world.machine.shape()
    };
    let counting = |span| open_for(span).counting_to(3);
    assert_ne!(counting(secs(1)), counting(secs(5)));
    assert_eq!(counting(secs(12)), counting(secs(15)));
    assert_ne!(open_for(secs(12)), open_for(secs(15)));
}
