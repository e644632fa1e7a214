//! A fleet of a million machines fits in a cache-friendly array.

use steadfast::{Backoff, Config, Event, Machine, Step};

#[test]
fn a_machine_that_shares_its_configuration_is_at_most_128_bytes() {
    assert!(size_of::<Machine<&'static Backoff, &'static Config>>() <= 128);
}

#[test]
fn events_and_steps_are_small_enough_to_pass_around() {
    assert!(size_of::<Event>() <= 16);
    assert!(size_of::<Step>() <= 256);
}
