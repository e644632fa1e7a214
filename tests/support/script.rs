//! Random scripts in the form in which a world plays them.

use proptest::prelude::*;
use steadfast::{
    Backoff, Command, Config, Signal,
    testing::strategies::{self, Script},
};

pub(crate) use steadfast::testing::strategies::{
    When, failures as any_failure, heartbeats as any_heartbeat,
};

/// What happens. Ages count back from the newest: 0 is the newest epoch or nonce, 1 the one
/// before it, −1 one that does not exist yet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input {
    Tick,
    Command(Command),
    Signal(i8, Signal),
    Pong(i8, u32),
}

impl From<strategies::Input> for Input {
    fn from(input: strategies::Input) -> Self {
        match input {
            strategies::Input::Tick => Self::Tick,
            strategies::Input::Command(command) => Self::Command(command),
            strategies::Input::Signal(age, signal) => Self::Signal(age, signal),
            strategies::Input::Pong(age, nonce_age) => {
                Self::Pong(age, 0_u32.wrapping_add_signed(nonce_age.into()))
            }
        }
    }
}

/// What a world is made of.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) backoff: Backoff,
    pub(crate) seed: u64,
}

pub(crate) fn any_setup() -> impl Strategy<Value = Setup> {
    strategies::setups().prop_map(|setup| Setup {
        config: setup.config,
        backoff: setup.backoff,
        seed: setup.seed.get(),
    })
}

fn lines(script: Script) -> Vec<(When, Input)> {
    script.lines().iter().map(|line| (line.when, line.input.into())).collect()
}

/// Lines that keep `filter`.
pub(crate) fn script_of(filter: fn(&Input) -> bool) -> impl Strategy<Value = Vec<(When, Input)>> {
    let kept = move |input: &strategies::Input| filter(&Input::from(*input));
    let inputs = strategies::inputs().prop_filter("not in this script", kept);
    strategies::scripts_of(inputs).prop_map(lines)
}

pub(crate) fn any_script() -> impl Strategy<Value = Vec<(When, Input)>> {
    strategies::scripts().prop_map(lines)
}
