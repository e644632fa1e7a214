//! How likely something is.

use std::{fmt, str::FromStr};

use fastrand::Rng;

/// In millionths, of which 1,000,000 are certain: `5%`, `0.0001%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chance(u32);

impl Chance {
    const CERTAIN: u32 = 1_000_000;
    const PER_CENT: u32 = 10_000;

    pub(crate) fn happens(self, rng: &mut Rng) -> bool {
        rng.u32(..Self::CERTAIN) < self.0
    }

    #[cfg(test)]
    pub(crate) fn from_millionths(millionths: u32) -> Option<Self> {
        (millionths <= Self::CERTAIN).then_some(Self(millionths))
    }
}

/// From 0 % to 100 %, with at most four decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoChance;

impl FromStr for Chance {
    type Err = NoChance;

    fn from_str(text: &str) -> Result<Self, NoChance> {
        let number = text.strip_suffix('%').ok_or(NoChance)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !(are_digits(whole) && are_digits(decimals) && (1..=4).contains(&decimals.len())) {
            return Err(NoChance);
        }
        let whole: u32 = whole.parse().map_err(|_| NoChance)?;
        let decimals: u32 = format!("{decimals:0<4}").parse().map_err(|_| NoChance)?;
        let millionths =
            whole.checked_mul(Self::PER_CENT).and_then(|whole| whole.checked_add(decimals));
        millionths.filter(|millionths| *millionths <= Self::CERTAIN).map(Self).ok_or(NoChance)
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / Self::PER_CENT)?;
        match self.0 % Self::PER_CENT {
            0 => f.write_str("%"),
            decimals => write!(f, ".{}%", format!("{decimals:04}").trim_end_matches('0')),
        }
    }
}
