//! Everything that can happen to a machine, up to a depth: every promise is checked at each step,
//! by the reference model.
//!
//! `sequences` plays every sequence of events at every interesting instant. `search` goes deeper,
//! breadth first, because it goes on only once from each shape of machine and model; `shapes` holds
//! against each other what has the same shape, so that this is no article of faith.
//!
//! A debug build searches for some seconds; a release build until there is nothing more to find,
//! which takes two minutes. The environment variable `STEADFAST_DEPTH` sets another depth,
//! at most 5 for sequences.
#![cfg(feature = "testing")]

mod alphabet;
mod search;
mod sequences;
mod setup;
mod shapes;
