//! What the machine measures of the link that is open.

use core::time::Duration;

use steadfast::FailureKind;

use crate::support::{World, millis, secs};

/// The smoothed round trip and its variation, if there has been one.
fn measured(world: &World) -> Option<(Duration, Duration)> {
    world.machine.stats().round_trip.map(|it| (it.smoothed, it.variation))
}

/// Open, and its first ping answered after 100 ms.
fn answered() -> World {
    let mut world = World::new();
    world.open();
    let _ = world.wake();
    let _ = world.pass(millis(100)).pong();
    world
}

#[test]
fn there_is_no_round_trip_before_the_first_answer() {
    let mut world = World::new();
    assert_eq!(measured(&world), None);
    world.open();
    let _ = world.pass(secs(1)).received();
    let _ = world.wake();
    assert_eq!(measured(&world), None);
}

#[test]
fn round_trips_are_smoothed_as_rfc_6298_has_it() {
    let mut world = answered();
    assert_eq!(measured(&world), Some((millis(100), millis(50))));
    let _ = world.wake();
    let _ = world.pass(millis(180)).pong();
    assert_eq!(measured(&world), Some((millis(110), Duration::from_micros(57_500))));
}

#[test]
fn what_is_no_answer_to_the_newest_ping_is_not_measured() {
    let mut world = answered();
    let before = measured(&world);
    let _ = world.pass(secs(5)).pong();
    let _ = world.pass(secs(5)).received();
    assert_eq!(measured(&world), before);
}

#[test]
fn a_late_answer_counts_in_full_although_something_else_came_in_before_it() {
    let mut world = World::new();
    world.open();
    let _ = world.wake();
    let _ = world.pass(secs(2)).received();
    let _ = world.pass(secs(1)).pong();
    assert_eq!(measured(&world), Some((secs(3), millis(1_500))));
}

#[test]
fn a_round_trip_dies_with_its_link_and_the_next_link_begins_anew() {
    let mut world = answered();
    let _ = world.lost(FailureKind::Reset);
    assert_eq!(measured(&world), None);
    let _ = world.wake();
    let _ = world.opened();
    assert_eq!(measured(&world), None);
    let _ = world.wake();
    let _ = world.pass(millis(8)).pong();
    assert_eq!(measured(&world), Some((millis(8), millis(4))));
}

#[test]
fn a_link_that_is_closing_is_not_measured_any_more() {
    let mut world = answered();
    let _ = world.stop();
    assert_eq!(measured(&world), None);
}
