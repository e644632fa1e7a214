//! What happens, by name.

use std::time::Duration;

use clap::ValueEnum;
use steadfast::fleet::Scenario;

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Story {
    Restart,
    Rolling,
    Drain,
    Flap,
    Outage,
    ColdStart,
}

impl Story {
    /// The same with a server that says over how long its clients should spread.
    pub(crate) fn with_hint(self, hint: Option<Duration>) -> Result<Scenario, String> {
        let mut scenario = match self {
            Self::Restart => Scenario::restart(),
            Self::Rolling => Scenario::rolling_restart(),
            Self::Drain => Scenario::drain(),
            Self::Flap => Scenario::flap(),
            Self::Outage => Scenario::outage(),
            Self::ColdStart => Scenario::cold_start(),
        };
        let Some(hint) = hint else { return Ok(scenario) };
        match &mut scenario {
            Scenario::Restart { failure, .. }
            | Scenario::RollingRestart { failure, .. }
            | Scenario::Drain { failure, .. } => *failure = failure.with_spread_over(hint),
            _ => {
                return Err("--hint is for a server that says goodbye: \
                            --scenario restart, rolling or drain"
                    .to_owned());
            }
        }
        Ok(scenario)
    }
}
