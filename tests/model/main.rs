//! The reference model on machines that break their promises, and on one that does not.
#![cfg(feature = "testing")]

#[path = "../support/steps.rs"]
mod steps;

mod broken;
mod checked;
mod deaf;
mod expecting;
mod tampered;
