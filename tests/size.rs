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

#[cfg(feature = "client")]
#[test]
fn what_the_application_is_told_is_no_larger_than_the_message_that_it_mostly_is() {
    use std::task::Poll;
    use steadfast::client::{Event, Frame, Message};

    assert_eq!(size_of::<Frame>(), size_of::<Message>());
    assert_eq!(size_of::<Poll<Option<Event>>>(), size_of::<Message>());
}
