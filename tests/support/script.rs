//! Random scripts as the lines that a world plays.

use proptest::prelude::*;
use steadfast::testing::strategies::{Script, inputs, scripts, scripts_of};

pub(crate) use steadfast::testing::strategies::{
    Input, Setup, When, failures as any_failure, heartbeats as any_heartbeat, setups as any_setup,
};

fn lines(script: Script) -> Vec<(When, Input)> {
    script.lines().iter().map(|line| (line.when, line.input)).collect()
}

/// Lines that keep `filter`.
pub(crate) fn script_of(filter: fn(&Input) -> bool) -> impl Strategy<Value = Vec<(When, Input)>> {
    scripts_of(inputs().prop_filter("not in this script", filter)).prop_map(lines)
}

pub(crate) fn any_script() -> impl Strategy<Value = Vec<(When, Input)>> {
    scripts().prop_map(lines)
}
