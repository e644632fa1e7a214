//! The machine by example: what each command and signal does in each state.
#![cfg(feature = "testing")]

#[path = "../support/mod.rs"]
mod support;

mod closing;
mod link;
mod looking;
mod round_trip;
mod shape;
mod waiting;

const RESET: steadfast::FailureKind = steadfast::FailureKind::Reset;
