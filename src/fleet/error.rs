//! Mistakes in a simulation's settings, and reports that cannot be written.

use core::time::Duration;
use std::io;

/// A simulation that makes no sense.
///
/// ```
/// use steadfast::fleet::{Fleet, FleetError};
///
/// let wrong = Fleet::builder().with_clients(0).build();
/// assert_eq!(wrong.unwrap_err(), FleetError::Zero { field: "clients" });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// The field is zero and must not be.
    #[error("{field} must not be zero")]
    Zero {
        /// Which field.
        field: &'static str,
    },
    /// The field is larger than it may be.
    #[error("{field} must be at most {most}")]
    TooMany {
        /// Which field.
        field: &'static str,
        /// What it may at most be.
        most: u32,
    },
    /// The field is longer than it may be.
    #[error("{field} must be at most {longest:?}")]
    TooLong {
        /// Which field.
        field: &'static str,
        /// What it may at most be.
        longest: Duration,
    },
    /// The scenario is not over when the simulation ends.
    #[error("the scenario lasts {lasts:?}, but the simulation ends after {horizon:?}")]
    BeyondHorizon {
        /// Until when the scenario changes something.
        lasts: Duration,
        /// When the simulation ends.
        horizon: Duration,
    },
    /// An instance would still be down when the next one goes down.
    #[error("an instance is down for {down:?}, but one restarts every {interval:?}")]
    Overlap {
        /// How long one is down.
        down: Duration,
        /// Between one restart and the next.
        interval: Duration,
    },
}

/// A report that could not be written.
///
/// ```
/// use steadfast::fleet::{Report, ReportError};
///
/// fn save(report: &Report) -> Result<(), ReportError> {
///     println!("{}", report.to_json()?);
///     report.write_csv(std::io::stdout())
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// As JSON.
    #[error("report not written as JSON")]
    Json(#[from] serde_json::Error),
    /// As CSV.
    #[error("report not written as CSV")]
    Csv(#[from] io::Error),
    /// As SVG.
    #[error("report not drawn: {0}")]
    Svg(String),
}
