//! The reference model on machines that break their promises, and on one that does not.
#![cfg(feature = "testing")]

mod broken;
mod checked;
mod deaf;
mod tampered;
