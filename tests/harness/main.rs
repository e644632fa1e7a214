//! Drivers under test: those of this crate, one as a user would write it, and broken ones. The
//! environment variable `STEADFAST_SEEDS` sets how many runs each of the sound ones has.
#![cfg(feature = "testing")]

#[path = "../support/steps.rs"]
mod steps;

mod broken;
mod flawed;
mod foreign;
mod ours;

/// So many seeds, from the first on.
fn seeds(first: u64) -> std::ops::Range<u64> {
    let asked = std::env::var("STEADFAST_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    first..first + asked.unwrap_or(300)
}
