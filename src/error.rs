//! Mistakes in a configuration, each naming the field.

use core::{error::Error, fmt, time::Duration};

use crate::time::Nanos;

/// A configuration or a policy that cannot work.
///
/// ```
/// use core::time::Duration;
/// use steadfast::Backoff;
///
/// let wrong = Backoff::builder().with_floor(Duration::from_micros(1)).build().unwrap_err();
/// assert_eq!(wrong.to_string(), "floor must be at least 1ms");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The field is zero and must not be.
    Zero {
        /// Which field.
        field: &'static str,
    },
    /// The field is shorter than it may be.
    TooShort {
        /// Which field.
        field: &'static str,
        /// What it must at least be.
        minimum: Duration,
    },
    /// The field is longer than 2^64 − 2 nanoseconds, about 584 years.
    TooLong {
        /// Which field.
        field: &'static str,
    },
    /// The floor is above the cap, so no delay could satisfy both.
    FloorAboveCap {
        /// The least delay.
        floor: Duration,
        /// The greatest delay.
        cap: Duration,
    },
    /// The field is outside the floor and the cap.
    OutOfBounds {
        /// Which field.
        field: &'static str,
        /// The least delay.
        floor: Duration,
        /// The greatest delay.
        cap: Duration,
    },
    /// The growth factor would make delays shrink.
    FactorBelowOne {
        /// The factor in percent; 100 keeps delays constant.
        percent: u32,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Zero { field } => write!(f, "{field} must not be zero"),
            Self::TooShort { field, minimum } => {
                write!(f, "{field} must be at least {minimum:?}")
            }
            Self::TooLong { field } => write!(f, "{field} must be shorter than 584 years"),
            Self::FloorAboveCap { floor, cap } => {
                write!(f, "floor ({floor:?}) must not be above cap ({cap:?})")
            }
            Self::OutOfBounds { field, floor, cap } => {
                write!(f, "{field} must be between floor ({floor:?}) and cap ({cap:?})")
            }
            Self::FactorBelowOne { percent } => {
                write!(f, "factor_percent must be at least 100, not {percent}")
            }
        }
    }
}

impl Error for ConfigError {}

/// `duration` in the machine's unit, if it fits.
pub(crate) fn fits(field: &'static str, duration: Duration) -> Result<Nanos, ConfigError> {
    Nanos::checked_from(duration)
        .filter(|nanos| *nanos != Nanos::FOREVER)
        .ok_or(ConfigError::TooLong { field })
}

/// `duration` in the machine's unit, if it fits and is not zero.
pub(crate) fn positive(field: &'static str, duration: Duration) -> Result<Nanos, ConfigError> {
    if duration.is_zero() { Err(ConfigError::Zero { field }) } else { fits(field, duration) }
}
