//! The fifteen promises of the machine, each by name.
//!
//! What must hold at every step of any script is asserted by `World` itself; the tests here say
//! it again, one promise at a time, and pin the exact times by example.
#![cfg(feature = "testing")]

#[path = "../support/mod.rs"]
mod support;

mod closing;
mod connection;
mod expecting;
mod heartbeat;
mod replay;
mod retry;
mod time;

use proptest::prelude::*;
use support::{World, any_script, any_setup};

proptest! {
    #[test]
    fn every_universal_promise_holds_at_every_step_of_any_script(
        setup in any_setup(),
        script in any_script(),
    ) {
        World::of(&setup).play_all(&script);
    }
}
