//! Strategies of [`proptest`] for configurations, policies, failures and whole scripts of events.
//!
//! The simplest alternative comes first everywhere, so that a failing case shrinks to something
//! worth reading: the default configuration, a reset connection, a short script of ticks.
//!
//! A [`Script`] is relative: it tells instants from the time before and from the wake, and names
//! epochs and nonces by their age. So it plays on any machine, whatever its deadlines are, and a
//! line that is taken out leaves a script that still makes sense.
//!
//! ```
//! use proptest::{prelude::*, test_runner::TestRunner};
//! use steadfast::{Wake, testing::strategies};
//!
//! // Usually in `proptest! { #[test] fn …(setup in strategies::setups(), …) { … } }`.
//! let mut runner = TestRunner::deterministic();
//! let cases = (strategies::setups(), strategies::scripts());
//! runner.run(&cases, |(setup, script)| {
//!     for entry in script.play(&mut setup.machine()) {
//!         if let Wake::At(due, _) = entry.step.wake {
//!             prop_assert!(due > entry.at, "a machine never asks to be woken at once");
//!         }
//!     }
//!     Ok(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod events;
mod script;
mod settings;

pub use events::{failures, inputs, scripts, scripts_of};
pub use script::{Input, Line, Player, Script, When};
pub use settings::{Setup, backoffs, configs, heartbeats, setups};
