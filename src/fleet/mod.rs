//! A simulator of many clients, in virtual time, and a server that cannot accept them all at once.
//!
//! N real [`Machine`](crate::Machine)s share a policy's settings and meet a server with one accept
//! queue: C connections a second, B places, deterministic service, refusals that are free and
//! instant. Times are whole microseconds and ties are in the order of the clients, so the same seed
//! gives the same [`Report`]. A million clients that are refused forty times each take half a minute
//! and 160 MB.
//!
//! ```
//! use steadfast::{Backoff, fleet::{Fleet, Scenario, Textbook}};
//!
//! let fleet = Fleet::builder()
//!     .with_clients(2_000)
//!     .with_scenario(Scenario::cold_start())
//!     .build()?;
//! let textbook = fleet.run("full jitter", Textbook::Full);
//! let ours = fleet.run("default", &Backoff::default());
//! assert!(ours.peak_per_100ms < textbook.peak_per_100ms);
//! # Ok::<(), steadfast::fleet::FleetError>(())
//! ```
//!
//! Heartbeats are off, for the server never falls silent without a word.

mod agenda;
mod builder;
mod error;
mod ideal;
mod plot;
mod report;
mod run;
mod scenario;
mod server;
mod tally;
mod textbook;

use core::time::Duration;

pub use builder::FleetBuilder;
pub use error::{FleetError, ReportError};
pub use report::{Curve, Percentiles, Report};
pub use scenario::Scenario;
pub use textbook::Textbook;

use crate::Policy;

/// A fleet, its server and what happens to them: every value of this type can be simulated.
///
/// ```
/// use steadfast::{Backoff, fleet::Fleet};
///
/// let fleet = Fleet::builder().with_clients(500).with_capacity_per_second(100).build()?;
/// let report = fleet.run("mine", &Backoff::default());
/// assert_eq!(report.connected, 500);
/// # Ok::<(), steadfast::fleet::FleetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    settings: FleetBuilder,
}

impl Fleet {
    /// A builder that holds the defaults.
    pub fn builder() -> FleetBuilder {
        FleetBuilder::default()
    }

    /// A builder that holds this fleet.
    pub fn to_builder(&self) -> FleetBuilder {
        self.settings.clone()
    }

    /// Lets it happen. Each client has its own copy of `policy`; a reference to a
    /// [`Backoff`](crate::Backoff) will do. The name is for the report.
    pub fn run<P: Policy + Clone>(&self, name: &str, policy: P) -> Report {
        self.run_watched(name, policy, |_| ())
    }

    /// The same, and tells `watch` now and then how far it is: some hundred times a second.
    ///
    /// ```
    /// use steadfast::{Backoff, fleet::Fleet};
    ///
    /// let (mut last, fleet) = (0, Fleet::builder().with_clients(20_000).build()?);
    /// let report = fleet.run_watched("default", &Backoff::default(), |progress| {
    ///     assert!(progress.attempts >= last);
    ///     last = progress.attempts;
    /// });
    /// assert!(0 < last && last <= report.attempts);
    /// # Ok::<(), steadfast::fleet::FleetError>(())
    /// ```
    pub fn run_watched<P: Policy + Clone>(
        &self,
        name: &str,
        policy: P,
        watch: impl FnMut(Progress),
    ) -> Report {
        run::Run::new(self, &policy, watch).report(name)
    }
}

/// How far a simulation is.
///
/// ```
/// use steadfast::fleet::Progress;
///
/// fn line(progress: Progress) -> String {
///     format!("{:?}: {} are back", progress.at, progress.connected)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The time since t = 0, in the simulation.
    pub at: Duration,
    /// How often a client has tried to connect so far.
    pub attempts: u64,
    /// How many clients are connected.
    pub connected: u32,
}

/// Whole microseconds, rounded down; saturates.
fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
