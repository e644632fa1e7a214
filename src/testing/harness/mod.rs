//! Whether a driver does what the machine says.
//!
//! A machine keeps its promises if its driver keeps its own: carries out each action, in order,
//! reports what happens under its own epoch, and calls at the wake. [`check_driver`] puts a driver
//! between a machine that is checked at each call and a server that lets go wrong whatever a seed
//! makes of it, and looks at what it does from outside. That a driver is an async client of this
//! crate or of your own makes no difference.

mod deed;
mod dice;
mod link;
mod run;
mod scene;
mod script;
mod server;
mod stage;
mod watched;

use std::{fmt, future::Future, ops::Range};

pub use deed::Deed;
pub use stage::{Commands, Stage, StageConn, StageDial, StageDialer};
pub use watched::Watched;

use super::model::{Promise, Violation};
use crate::Instant;

/// How many deeds a failure tells of.
const KEPT: usize = 40;

/// Runs a driver once for each seed, and once more, in virtual time against a server that refuses,
/// hangs, falls silent, closes and breaks as the seed has it, while the application starts and stops
/// and the computer sleeps.
///
/// It checks that
///
/// - each dial is begun once, when the machine says so, and what is aborted is dropped;
/// - at most one connection is held, and none is dropped that was not to be;
/// - Pings and Closes arrive as they were asked for, and nothing after a Close;
/// - each frame, each end and each command is reported once, in order, under its own epoch, and
///   before a deadline that is due;
/// - the machine is called at its wake, with the present of the clock, and not without need;
/// - a client comes back once all is well, and is closed in time once it is stopped;
/// - the same seed gives the same run, and the machine keeps its promises.
///
/// A driver that keeps a thread busy without calling the machine is not found out: it hangs.
///
/// ```
/// use std::{pin::Pin, task::Poll};
/// use futures::{Stream, future::poll_fn, stream::StreamExt};
/// use steadfast::{Command, client::Builder, testing::harness::{Stage, check_driver}};
///
/// async fn drive(stage: Stage) {
///     let Stage { machine, dialer, clock, mut commands, .. } = stage;
///     let mut connection = Builder::new(dialer, clock).build_with(|_, _, _, _| machine);
///     poll_fn(|cx| loop {
///         match commands.poll_next_unpin(cx) {
///             Poll::Ready(Some(Command::Start)) => connection.start(),
///             Poll::Ready(Some(Command::Stop)) => connection.stop(),
///             Poll::Ready(Some(Command::RetryNow)) => connection.retry_now(),
///             Poll::Ready(Some(Command::Probe)) => connection.probe(),
///             Poll::Ready(Some(Command::Network(network))) => connection.set_network(network),
///             Poll::Ready(Some(_)) => {}
///             Poll::Ready(None) => break Poll::Ready(()),
///             Poll::Pending => match Pin::new(&mut connection).poll_next(cx) {
///                 Poll::Ready(Some(_event)) => {}
///                 // It may be started again.
///                 Poll::Ready(None) | Poll::Pending => break Poll::Pending,
///             },
///         }
///     })
///     .await;
/// }
///
/// let report = check_driver(0..5, drive).unwrap_or_else(|failure| panic!("{failure}"));
/// assert_eq!(report.runs, 5);
/// ```
///
/// # Errors
///
/// The first seed with which a promise was not kept, with all that led to it.
///
/// # Panics
///
/// If the driver does.
pub fn check_driver<F, Fut>(seeds: Range<u64>, drive: F) -> Result<Report, DriverFailure>
where
    F: Fn(Stage) -> Fut,
    Fut: Future<Output = ()>,
{
    let mut report = Report::default();
    for seed in seeds {
        let first = run::run(seed, &drive);
        let mut violation = first.violation.clone();
        if violation.is_none() && run::run(seed, &drive) != first {
            violation = Some(Promise::DeterministicReplay.broken("the second run was another"));
        }
        if let Some(violation) = violation {
            let (calls, mut deeds) = (first.calls, first.deeds);
            let violation = violation.after(calls.into_iter().rev().take(KEPT).rev());
            let deeds = deeds.split_off(deeds.len().saturating_sub(KEPT));
            return Err(DriverFailure { seed, violation, deeds });
        }
        report.add(first.report);
    }
    Ok(report)
}

/// What the drivers did in all runs together, so that nobody takes a run in which nothing happened
/// for a proof.
///
/// ```
/// use steadfast::testing::harness::Report;
///
/// fn was_put_through_something(report: &Report) -> bool {
///     report.opens > 0 && report.pings > 0 && report.closes > 0
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Runs, each with a seed of its own; that each was repeated is not counted.
    pub runs: u64,
    /// Calls of the machine.
    pub calls: u64,
    /// Dials.
    pub dials: u64,
    /// Connections.
    pub opens: u64,
    /// Frames that were read.
    pub frames: u64,
    /// Pings that reached the server.
    pub pings: u64,
    /// Closes that reached the server.
    pub closes: u64,
}

impl Report {
    fn add(&mut self, other: Self) {
        self.runs += 1;
        self.calls += other.calls;
        self.dials += other.dials;
        self.opens += other.opens;
        self.frames += other.frames;
        self.pings += other.pings;
        self.closes += other.closes;
    }
}

/// A driver that has not done its part.
///
/// Shown, it is the seed, the promise, what was found, the last calls of the machine, and the last
/// deeds of the driver.
///
/// ```
/// use steadfast::testing::harness::DriverFailure;
///
/// fn show(failure: &DriverFailure) -> String {
///     format!("seed {}: {}", failure.seed, failure.violation.what)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DriverFailure {
    /// The seed: the same one shows the same again.
    pub seed: u64,
    /// The promise, and the calls of the machine up to there.
    pub violation: Violation,
    /// What the driver did last, at most forty deeds, and when.
    pub deeds: Vec<(Instant, Deed)>,
}

impl fmt::Display for DriverFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "with seed {}: {}", self.seed, self.violation)?;
        writeln!(f, "what the driver did:")?;
        for (at, deed) in &self.deeds {
            let at = at.saturating_duration_since(Instant::ORIGIN);
            writeln!(f, "{} s  {deed}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

impl std::error::Error for DriverFailure {}
