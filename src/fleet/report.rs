//! What came of it, for people and for programs.

use std::io;

use super::{ReportError, Scenario};
use crate::{Failure, Seed};

/// What came of a simulation.
///
/// Times are since t = 0, in seconds. Numbers are rounded to what they are worth, so that a report
/// reads back from its JSON as it was.
///
/// ```
/// use steadfast::{Backoff, fleet::{Fleet, Report}};
///
/// let report = Fleet::builder().with_clients(500).build()?.run("default", Backoff::default());
/// let json = report.to_json()?;
/// assert_eq!(serde_json::from_str::<Report>(&json)?, report);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// What the caller named the policy.
    pub policy: String,
    /// What happened.
    pub scenario: Scenario,
    /// How many clients there were.
    pub clients: u32,
    /// How many connections the server accepted in a second, when all was well.
    pub capacity_per_second: u32,
    /// How many places the server's accept queue had.
    pub backlog: u32,
    /// How an attempt failed that found the queue full.
    pub refusal: Failure,
    /// From which all randomness came.
    pub seed: Seed,
    /// When the simulation ended at the latest.
    pub horizon_s: f64,
    /// How often a client tried to connect.
    pub attempts: u64,
    /// The same for each client.
    pub attempts_per_client: f64,
    /// The most attempts between one tenth of a second and the next.
    pub peak_per_100ms: u64,
    /// How often a client was connected.
    pub connections: u64,
    /// How often a client lost its connection.
    pub losses: u64,
    /// How many clients were connected in the end.
    pub connected: u32,
    /// How many clients' policies gave up.
    pub gave_up: u32,
    /// When the last client was back for good; `None` if one was not within the horizon.
    pub time_to_last_s: Option<f64>,
    /// When it could have been, had all clients formed an orderly queue.
    pub ideal_s: f64,
    /// The one divided by the other.
    pub time_ratio: Option<f64>,
    /// How long connections took to come back, or to come for the first time; `None` if none did.
    /// Clients that were not back in the end do not count.
    pub downtime: Option<Percentiles>,
    /// How it went.
    pub curve: Curve,
}

/// How long clients were without a connection, in whole milliseconds, rounded down.
///
/// ```
/// use steadfast::fleet::Report;
///
/// fn half_were_back_after_ms(report: &Report) -> Option<u64> {
///     report.downtime.as_ref().map(|downtime| downtime.p50_ms)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Percentiles {
    /// Half were back after this.
    pub p50_ms: u64,
    /// Nine of ten.
    pub p90_ms: u64,
    /// Ninety-nine of a hundred.
    pub p99_ms: u64,
    /// All.
    pub max_ms: u64,
}

/// How it went, bucket by bucket from t = 0 until nothing happened any more.
///
/// ```
/// use steadfast::fleet::Curve;
///
/// fn busiest(curve: &Curve) -> Option<f64> {
///     let most = curve.attempts.iter().max()?;
///     let bucket = curve.attempts.iter().position(|attempts| attempts == most)?;
///     Some(curve.begins_s(bucket))
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Curve {
    /// How long a bucket is: 100 ms, or more if there would be over 2,000.
    pub bucket_ms: u64,
    /// Attempts in each bucket.
    pub attempts: Vec<u64>,
    /// Connections made in each bucket.
    pub connections: Vec<u64>,
    /// Connections lost in each bucket.
    pub losses: Vec<u64>,
    /// Clients connected at the end of each bucket.
    pub connected: Vec<u64>,
}

impl Curve {
    /// How many buckets there are.
    pub fn len(&self) -> usize {
        self.attempts.len()
    }

    /// Whether nothing ever happened.
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty()
    }

    /// When the bucket with this number begins, in seconds.
    pub fn begins_s(&self, bucket: usize) -> f64 {
        // Exact: one division of whole numbers.
        (bucket as u64 * self.bucket_ms) as f64 / 1_000.0
    }
}

impl Report {
    /// The report as JSON, indented.
    ///
    /// # Errors
    ///
    /// If it cannot be written, which should not happen.
    pub fn to_json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// The curve as CSV: one line for each bucket, with the second at which it begins.
    ///
    /// # Errors
    ///
    /// If `to` cannot be written to.
    pub fn write_csv(&self, mut to: impl io::Write) -> Result<(), ReportError> {
        writeln!(to, "seconds,attempts,connections,losses,connected")?;
        let curve = &self.curve;
        let made = curve.attempts.iter().zip(&curve.connections);
        let had = curve.losses.iter().zip(&curve.connected);
        for (bucket, ((attempts, connections), (losses, connected))) in made.zip(had).enumerate() {
            let seconds = curve.begins_s(bucket);
            writeln!(to, "{seconds},{attempts},{connections},{losses},{connected}")?;
        }
        Ok(())
    }

    /// The curve as a picture: attempts and connected clients over time.
    ///
    /// # Errors
    ///
    /// If it cannot be drawn, which should not happen.
    pub fn to_svg(&self) -> Result<String, ReportError> {
        super::plot::draw(self)
    }
}

/// Rounded to this many decimal places: few enough to be read back exactly.
pub(super) fn rounded(value: f64, places: i32) -> f64 {
    let unit = 10_f64.powi(places);
    (value * unit).round() / unit
}
