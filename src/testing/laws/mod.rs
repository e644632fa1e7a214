//! The laws of policies, and one call that puts a policy through them.
//!
//! A [`Policy`] decides how a whole fleet treats a server that is down. Most mistakes in one show
//! only in the outage that it was written for: a delay that overflows at the 32nd retry, jitter that
//! ends at the cap, a counter that a connection of one second resets. [`check_policy`] asks the
//! policy itself about all sorts of failures, and drives [`Machine`](crate::Machine)s with it
//! through outages of years in virtual time. The first [`Law`] that it breaks comes back as a
//! [`Counterexample`]: what was expected, what was found, and the calls that lead there as a table.
//! The same policy gives the same counterexample.
//!
//! A test of one's own policy:
//!
//! ```
//! use core::time::Duration;
//! use steadfast::{Attempt, Decision, testing::check_policy};
//!
//! /// Up to 400 ms, 800 ms, 1.6 s and so on up to 51.2 s, never less than 100 ms.
//! fn doubling(attempt: &Attempt) -> Decision {
//!     let ceiling = 200_u64 << attempt.number.min(8);
//!     Decision::RetryAfter(Duration::from_millis(100 + attempt.entropy % (ceiling - 100)))
//! }
//!
//! check_policy(|| doubling).unwrap();
//! ```
//!
//! And what it comes to when the shift is not kept below the width of the number:
//!
//! ```
//! # use core::time::Duration;
//! # use steadfast::{Attempt, Decision, testing::{check_policy, laws::Law}};
//! let doubling = |attempt: &Attempt| {
//!     let ceiling = (200_u64.wrapping_shl(attempt.number)).clamp(400, 51_200);
//!     Decision::RetryAfter(Duration::from_millis(100 + attempt.entropy % (ceiling - 100)))
//! };
//! let broken = check_policy(|| doubling).unwrap_err();
//! assert_eq!(broken.law(), Law::Growth);
//! assert!(broken.to_string().starts_with("the policy breaks the law Growth"));
//! ```
//!
//! A law that is broken on purpose can be left out with [`Laws::except`].

mod answers;
mod counterexample;
mod fleet;
mod growth;
mod hot_loop;
mod law;
mod limit;
mod outage;
mod retry_after;
mod search;
mod spread;
mod trial;

pub use counterexample::Counterexample;
pub use law::Law;

use crate::Policy;

/// Puts the policies that `make` makes through every [`Law`].
///
/// Each trial has a policy of its own, so one that keeps state, or a closure, will do.
///
/// ```
/// use steadfast::{Backoff, testing::check_policy};
///
/// check_policy(Backoff::default).unwrap();
/// ```
///
/// # Errors
///
/// A law that is broken, with the evidence: the first of [`Law::ALL`], unless it is one that only
/// random scripts break.
pub fn check_policy<P: Policy>(make: impl Fn() -> P) -> Result<(), Counterexample> {
    Laws::all().check(make)
}

/// The laws to check.
///
/// ```
/// use steadfast::{Backoff, Jitter, testing::laws::{Law, Laws}};
///
/// // A client that is alone need not make room for others.
/// let policy = Backoff::builder().with_jitter(Jitter::None).build()?;
/// Laws::all().except(Law::Spread).check(|| &policy).unwrap();
/// # Ok::<(), steadfast::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Laws {
    kept: Vec<Law>,
}

impl Laws {
    /// Every law.
    pub fn all() -> Self {
        Self { kept: Law::ALL.to_vec() }
    }

    /// These laws without `law`.
    #[must_use]
    pub fn except(mut self, law: Law) -> Self {
        self.kept.retain(|kept| *kept != law);
        self
    }

    /// Puts the policies that `make` makes through these laws.
    ///
    /// A policy that panics does so through the panic hook, which usually prints.
    ///
    /// # Errors
    ///
    /// A law that is broken, with the evidence.
    pub fn check<P: Policy>(&self, make: impl Fn() -> P) -> Result<(), Counterexample> {
        self.kept.iter().try_for_each(|law| match law {
            Law::Endurance => search::in_hardships(|trial| answers::endurance(&make, trial)),
            Law::Repeats => answers::repeats(&make),
            Law::Bounds => search::in_hardships(|trial| answers::bounds(&make, trial)),
            Law::Growth => growth::growth(&make),
            Law::Limit => limit::limit(&make),
            Law::NoHotLoop => hot_loop::no_hot_loop(&make),
            Law::Spread => spread::spread(&make),
            Law::RetryAfter => retry_after::retry_after(&make),
        })?;
        search::in_random_scripts(&self.kept, |law, trial| match law {
            Law::Endurance => answers::endurance(&make, trial),
            Law::Repeats => answers::repeats_in(&make, trial),
            Law::Bounds => answers::bounds(&make, trial),
            Law::Limit => limit::limit_in(&make, trial),
            Law::NoHotLoop => hot_loop::no_hot_loop_in(&make, trial),
            // These compare many machines.
            Law::Growth | Law::Spread | Law::RetryAfter => Ok(()),
        })
    }
}
