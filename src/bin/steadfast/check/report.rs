//! What a check has found, for people and for programs.

use std::{fmt, time::Duration};

use serde_json::json;
use steadfast::{CloseCode, FailureKind, Timeout, transport::Url};

use super::pinging::{Failed, Pinged, Trouble};
use crate::{
    connect::{Over, Rule},
    exit::Exit,
};

pub(super) struct Report {
    url: Url,
    pinged: Pinged,
}

/// Of the round trips; there is at least one.
struct Summary {
    min: Duration,
    median: Duration,
    max: Duration,
}

impl Report {
    pub(super) fn new(url: Url, pinged: Pinged) -> Self {
        Self { url, pinged }
    }

    pub(super) fn exit(&self) -> Exit {
        match self.pinged.trouble.as_ref() {
            None => Exit::Clean,
            Some(Trouble::Interrupted(exit)) => *exit,
            // Whatever the code: the server was asked to stay.
            Some(Trouble::Failed(Failed { failure, .. })) if matches!(failure.kind(), FailureKind::Closed(code) if code != CloseCode::ABNORMAL) => {
                Exit::ClosedByPeer
            }
            Some(Trouble::Failed(failed)) => over(failed).exit(),
        }
    }

    /// Why it is not healthy.
    pub(super) fn reason(&self) -> Option<String> {
        let Self { url, pinged } = self;
        let failed = match pinged.trouble.as_ref()? {
            Trouble::Failed(failed) => failed,
            Trouble::Interrupted(exit) => return Some(exit.why().to_owned()),
        };
        let ping = match failed.failure.kind() {
            FailureKind::Timeout(Timeout::Heartbeat) => format!(" {}", pinged.sent),
            _ => String::new(),
        };
        let (url, text) = (url.to_string(), over(failed).to_string());
        // A dial that has failed names the URL itself.
        Some(match text.contains(&url) {
            true => text,
            false => format!("{url}: {text}{ping}"),
        })
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let Pinged { opened, sent, round_trips, smoothed, trouble } = &self.pinged;
        let over = match trouble {
            Some(Trouble::Failed(failed)) => Some(over(failed)),
            Some(Trouble::Interrupted(_)) | None => None,
        };
        let summary = Summary::of(round_trips);
        let http_status = over.as_ref().and_then(|over| match over.failure.kind() {
            FailureKind::Http(status) => Some(status),
            _ => None,
        });
        json!({
            "url": self.url.to_string(),
            "healthy": trouble.is_none(),
            "open_ms": opened.map(millis),
            "sent": sent,
            "answered": round_trips.len(),
            "rtt_ms": round_trips.iter().copied().map(millis).collect::<Vec<_>>(),
            "min_ms": summary.as_ref().map(|it| millis(it.min)),
            "median_ms": summary.as_ref().map(|it| millis(it.median)),
            "max_ms": summary.as_ref().map(|it| millis(it.max)),
            "smoothed_ms": smoothed.map(millis),
            "reason": self.reason(),
            "http_status": http_status,
            "close_code": over.as_ref().and_then(Over::close_code),
            "exit": self.exit().status(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pinged { opened, sent, round_trips, smoothed, .. } = &self.pinged;
        let Some(opened) = opened else { return Ok(()) };
        writeln!(f, "{}  open after {:.3} ms\n", self.url, millis(*opened))?;
        for (number, round_trip) in (1..).zip(round_trips) {
            writeln!(f, "  ping {number:<4} {:>10.3} ms", millis(*round_trip))?;
        }
        if round_trips.len() < usize::try_from(*sent).unwrap_or(usize::MAX) {
            writeln!(f, "  ping {sent:<4} {:>10}", "no answer")?;
        }
        write!(f, "\n{} of {sent} answered", round_trips.len())?;
        if let (Some(Summary { min, median, max }), Some(smoothed)) =
            (Summary::of(round_trips), smoothed)
        {
            write!(
                f,
                ", min {:.3} ms, median {:.3} ms, max {:.3} ms, smoothed {:.3} ms",
                millis(min),
                millis(median),
                millis(max),
                millis(*smoothed),
            )?;
        }
        writeln!(f)
    }
}

impl Summary {
    /// The median of an even number is the mean of the two in the middle.
    fn of(round_trips: &[Duration]) -> Option<Self> {
        let mut sorted = round_trips.to_vec();
        sorted.sort_unstable();
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let median = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2;
        Some(Self { min, median, max })
    }
}

/// There is no second attempt.
fn over(failed: &Failed) -> Over {
    let Failed { failure, error, close_reason } = failed;
    Over {
        failure: *failure,
        error: error.clone(),
        url: None,
        close_reason: close_reason.clone(),
        rule: Rule::NoReconnect,
        retries: 0,
    }
}

/// To the microsecond.
fn millis(duration: Duration) -> f64 {
    let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let median = |millis: &[u64]| {
            let round_trips: Vec<_> = millis.iter().copied().map(Duration::from_millis).collect();
            Summary::of(&round_trips).map(|summary| summary.median.as_millis())
        };
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[9]), Some(9));
        assert_eq!(median(&[9, 1]), Some(5));
        assert_eq!(median(&[9, 1, 2]), Some(2));
    }
}
