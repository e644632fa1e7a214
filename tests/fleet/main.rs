//! Fleets in virtual time: the figures of the textbooks, the limits of our own, and the scenarios.
//!
//! What takes long without optimisation is ignored; this runs all of it:
//!
//! ```console
//! cargo test --profile proof --no-default-features --features fleet --test fleet -- --include-ignored
//! ```
#![cfg(feature = "fleet")]

#[path = "../support/document.rs"]
mod document;
mod page;
mod plots;
mod report;
mod scenarios;
mod settings;
mod storm;
mod table;
