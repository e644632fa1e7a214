//! What happens to a fleet and to its server.

use core::{fmt, time::Duration};

use super::{FleetError, micros};
use crate::{CloseCode, Failure, FailureKind, time::Brief};

/// The most instances, batches, stages or cycles a scenario can have.
const MOST_PARTS: u16 = 1_000;

/// What happens to a fleet and to its server.
///
/// In a [`ColdStart`](Self::ColdStart) no client has ever been connected. In all others every
/// client has been connected long enough to be stable when, at t = 0, the trouble begins. The
/// functions of the same names make an instance of each with the defaults.
///
/// A server that is down refuses every attempt. Clients in the accept queue of a server that goes
/// down are told at the moment at which they would have been connected.
///
/// ```
/// use core::time::Duration;
/// use steadfast::fleet::Scenario;
///
/// let drain = Scenario::drain();
/// assert_eq!(drain.to_string(), "drain in 60 batches over 60.0 s");
/// assert_eq!(drain.lasts(), Duration::from_secs(59));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Scenario {
    /// All clients start: at t = 0, or each at a random moment within `over`.
    ColdStart {
        /// Within what time, exclusive; zero for all at once.
        #[serde(with = "crate::human_duration")]
        over: Duration,
    },
    /// All lose the connection at t = 0.
    Restart {
        /// As what.
        failure: Failure,
        /// How long the server is down after that; may be zero.
        #[serde(with = "crate::human_duration")]
        down: Duration,
    },
    /// Each instance has a share of the clients and of the capacity, and they restart one after
    /// another. Who lost an instance is sent to those that are up, in turn, so a client may be hit
    /// more than once.
    RollingRestart {
        /// As what a client loses the connection.
        failure: Failure,
        /// How many instances.
        instances: u16,
        /// Between one restart and the next.
        #[serde(with = "crate::human_duration")]
        interval: Duration,
        /// How long each is down, at most `interval`.
        #[serde(with = "crate::human_duration")]
        down: Duration,
    },
    /// A load balancer sends its clients elsewhere, batch by batch. The capacity stays what it is:
    /// there is another server for each that goes.
    Drain {
        /// As what a client loses the connection.
        failure: Failure,
        /// How many batches, the first at t = 0.
        batches: u16,
        /// How long draining takes, the wait after the last batch included.
        #[serde(with = "crate::human_duration")]
        over: Duration,
    },
    /// The server goes down at t = 0, comes up, goes down again and so on, dropping everyone each
    /// time. In the end it stays up.
    Flap {
        /// As what a client loses the connection.
        failure: Failure,
        /// For how long it is up.
        #[serde(with = "crate::human_duration")]
        up: Duration,
        /// For how long it is down.
        #[serde(with = "crate::human_duration")]
        down: Duration,
        /// How often it goes down.
        cycles: u16,
    },
    /// A region is gone, and comes back in stages.
    Outage {
        /// As what a client loses the connection, and as what every attempt fails meanwhile.
        failure: Failure,
        /// For how long nothing is served.
        #[serde(with = "crate::human_duration")]
        dark: Duration,
        /// In how many equal steps the capacity comes back, the first when the dark ends.
        stages: u16,
        /// Between one step and the next.
        #[serde(with = "crate::human_duration")]
        stage: Duration,
    },
}

impl Scenario {
    /// [`ColdStart`](Self::ColdStart) of all at once.
    pub const fn cold_start() -> Self {
        Self::ColdStart { over: Duration::ZERO }
    }

    /// [`Restart`](Self::Restart) with 1012 (service restart), back at once.
    pub fn restart() -> Self {
        let failure = FailureKind::Closed(CloseCode::SERVICE_RESTART).into();
        Self::Restart { failure, down: Duration::ZERO }
    }

    /// [`RollingRestart`](Self::RollingRestart) with 1012 (service restart): 10 instances, one
    /// every 30 s, each down for 10 s.
    pub fn rolling_restart() -> Self {
        Self::RollingRestart {
            failure: FailureKind::Closed(CloseCode::SERVICE_RESTART).into(),
            instances: 10,
            interval: Duration::from_secs(30),
            down: Duration::from_secs(10),
        }
    }

    /// [`Drain`](Self::Drain) with 1001 (going away): 60 batches over 60 s.
    pub fn drain() -> Self {
        Self::Drain {
            failure: FailureKind::Closed(CloseCode::GOING_AWAY).into(),
            batches: 60,
            over: Duration::from_secs(60),
        }
    }

    /// [`Flap`](Self::Flap) with connections reset: five times down for 10 s, up for 5 s between.
    pub fn flap() -> Self {
        Self::Flap {
            failure: FailureKind::Reset.into(),
            up: Duration::from_secs(5),
            down: Duration::from_secs(10),
            cycles: 5,
        }
    }

    /// [`Outage`](Self::Outage) with the host unreachable for 5 minutes; a quarter of the capacity
    /// comes back then, the others every 30 s.
    pub fn outage() -> Self {
        Self::Outage {
            failure: FailureKind::Unreachable.into(),
            dark: Duration::from_secs(300),
            stages: 4,
            stage: Duration::from_secs(30),
        }
    }

    /// When it changes something for the last time; saturates.
    pub fn lasts(&self) -> Duration {
        match *self {
            Self::ColdStart { over } => over,
            Self::Restart { down, .. } => down,
            Self::RollingRestart { instances, interval, down, .. } => {
                interval.saturating_mul(u32::from(instances.saturating_sub(1))).saturating_add(down)
            }
            Self::Drain { batches, over, .. } => part(over, batches.saturating_sub(1), batches),
            Self::Flap { up, down, cycles, .. } => {
                let cycle = up.saturating_add(down);
                cycle.saturating_mul(u32::from(cycles.saturating_sub(1))).saturating_add(down)
            }
            Self::Outage { dark, stages, stage, .. } => {
                stage.saturating_mul(u32::from(stages.saturating_sub(1))).saturating_add(dark)
            }
        }
    }

    pub(super) fn check(&self, horizon: Duration) -> Result<(), FleetError> {
        match *self {
            Self::ColdStart { .. } | Self::Restart { .. } => {}
            Self::RollingRestart { instances, interval, down, .. } => {
                parts("instances", instances)?;
                if down > interval {
                    return Err(FleetError::Overlap { down, interval });
                }
            }
            Self::Drain { batches, .. } => parts("batches", batches)?,
            Self::Flap { up, down, cycles, .. } => {
                parts("cycles", cycles)?;
                for (field, span) in [("up", up), ("down", down)] {
                    if span.is_zero() {
                        return Err(FleetError::Zero { field });
                    }
                }
            }
            Self::Outage { stages, .. } => parts("stages", stages)?,
        }
        let lasts = self.lasts();
        if lasts >= horizon {
            return Err(FleetError::BeyondHorizon { lasts, horizon });
        }
        Ok(())
    }
}

fn parts(field: &'static str, number: u16) -> Result<(), FleetError> {
    match number {
        0 => Err(FleetError::Zero { field }),
        1..=MOST_PARTS => Ok(()),
        _ => Err(FleetError::TooMany { field, most: u32::from(MOST_PARTS) }),
    }
}

fn part(whole: Duration, numerator: u16, denominator: u16) -> Duration {
    whole.saturating_mul(u32::from(numerator)) / u32::from(denominator.max(1))
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ColdStart { over } if over.is_zero() => f.write_str("cold start"),
            Self::ColdStart { over } => write!(f, "cold start over {}", Brief(over)),
            Self::Restart { failure, down } if down.is_zero() => write!(f, "restart, {failure}"),
            Self::Restart { failure, down } => {
                write!(f, "restart, {failure}, down for {}", Brief(down))
            }
            Self::RollingRestart { instances, interval, .. } => {
                write!(f, "rolling restart of {instances} instances, one every {}", Brief(interval))
            }
            Self::Drain { batches, over, .. } => {
                write!(f, "drain in {batches} batches over {}", Brief(over))
            }
            Self::Flap { up, down, cycles, .. } => {
                write!(f, "flap, {cycles} times down for {}, up for {}", Brief(down), Brief(up))
            }
            Self::Outage { dark, stages, stage, .. } => {
                let (dark, stage) = (Brief(dark), Brief(stage));
                write!(f, "outage of {dark}, back in {stages} stages, one every {stage}")
            }
        }
    }
}

/// Something that a scenario does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The instance with this number drops whoever is connected to it or in its queue.
    Lose { instance: u16, failure: Failure },
    /// From now on this much is served, and the instance with this number, if any, takes nobody.
    Serve { capacity_per_second: u32, without: Option<u16> },
}

impl Scenario {
    /// All that it does, in the order of time (whole microseconds), to a server that has this
    /// capacity when all is well.
    pub(super) fn changes(&self, capacity: u32) -> Vec<(u64, Change)> {
        let serve = |capacity_per_second| Change::Serve { capacity_per_second, without: None };
        let (up, down) = (serve(capacity), serve(0));
        let lose = |instance, failure| Change::Lose { instance, failure };
        match *self {
            Self::ColdStart { .. } => Vec::new(),
            Self::Restart { failure, down: span } if span.is_zero() => vec![(0, lose(0, failure))],
            Self::Restart { failure, down: span } => {
                vec![(0, lose(0, failure)), (0, down), (micros(span), up)]
            }
            Self::RollingRestart { failure, instances, interval, down: span } => (0..instances)
                .flat_map(|instance| {
                    let at = interval.saturating_mul(u32::from(instance));
                    let left = capacity - share(capacity, instance, instances);
                    let less = Change::Serve { capacity_per_second: left, without: Some(instance) };
                    let from = micros(at);
                    [
                        (from, lose(instance, failure)),
                        (from, less),
                        (micros(at.saturating_add(span)), up),
                    ]
                })
                .collect(),
            Self::Drain { failure, batches, over } => (0..batches)
                .map(|batch| (micros(part(over, batch, batches)), lose(batch, failure)))
                .collect(),
            Self::Flap { failure, up: up_span, down: down_span, cycles } => (0..cycles)
                .flat_map(|cycle| {
                    let at = up_span.saturating_add(down_span).saturating_mul(u32::from(cycle));
                    let from = micros(at);
                    [
                        (from, lose(0, failure)),
                        (from, down),
                        (micros(at.saturating_add(down_span)), up),
                    ]
                })
                .collect(),
            Self::Outage { failure, dark, stages, stage } => {
                let steps = (0..stages).map(|step| {
                    let at = stage.saturating_mul(u32::from(step)).saturating_add(dark);
                    let back: u32 = (0..=step).map(|s| share(capacity, s, stages)).sum();
                    (micros(at), serve(back))
                });
                [(0, lose(0, failure)), (0, down)].into_iter().chain(steps).collect()
            }
        }
    }

    /// Among how many instances the clients are at first, in turn.
    pub(super) fn instances(&self) -> u16 {
        match *self {
            Self::RollingRestart { instances, .. } => instances,
            Self::Drain { batches, .. } => batches,
            _ => 1,
        }
    }
}

/// What the part with this number has of the whole; the shares of all parts add up to it.
fn share(whole: u32, number: u16, parts: u16) -> u32 {
    let up_to = |number: u64| u64::from(whole) * number / u64::from(parts.max(1));
    let (from, to) = (up_to(u64::from(number)), up_to(u64::from(number) + 1));
    u32::try_from(to - from).unwrap_or(whole)
}
