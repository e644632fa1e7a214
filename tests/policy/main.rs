//! The policy: how long to wait, when to give up, and what the machine lets no policy do.
#![cfg(feature = "testing")]

#[path = "../support/mod.rs"]
mod support;

mod ceiling;
mod delay;
mod edges;
mod limits;
mod machine;
mod pace;
