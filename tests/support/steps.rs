//! Steps with other actions than a machine gave them.
#![allow(dead_code, reason = "each test crate uses its own part")]

use steadfast::{Action, Actions, Step};

/// The step with other actions: those of `change`, for each that there was.
pub(crate) fn with_actions(step: Step, change: impl Fn(Action) -> Vec<Action>) -> Step {
    let actions: Vec<_> = step.actions.into_iter().flat_map(change).collect();
    let actions = serde_json::from_value(serde_json::to_value(actions).unwrap());
    let actions: Actions = actions.unwrap();
    Step { actions, ..step }
}

/// The step without its actions of one kind.
pub(crate) fn without(step: Step, drop: fn(Action) -> bool) -> Step {
    with_actions(step, |action| if drop(action) { Vec::new() } else { vec![action] })
}
