//! What the promise tests are made of: a world that drives a machine and asserts, at every step,
//! all that must hold whatever happens.
#![allow(dead_code, unused_imports, reason = "each test crate uses its own part")]

mod script;
mod world;

use core::time::Duration;

use steadfast::{Action, Backoff, Instant, Jitter, Notice, Step};

pub(crate) use script::{
    Input, Setup, When, any_failure, any_heartbeat, any_script, any_setup, script_of,
};
pub(crate) use world::{Entry, World};

pub(crate) const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) const NANO: Duration = Duration::from_nanos(1);

/// The instant this long after the origin.
pub(crate) fn at(since_origin: Duration) -> Instant {
    Instant::ORIGIN.saturating_add(since_origin)
}

/// The default backoff with the draw left out: 1 s after the loss of a connection, else 500 ms,
/// 1 s, 2 s and so on up to 30 s.
pub(crate) fn plain() -> Backoff {
    Backoff::builder().with_jitter(Jitter::None).build().unwrap()
}

/// The names and epochs of a step's actions, in order: `"Abort(1) Down(1) Closed"`.
pub(crate) fn brief(step: &Step) -> String {
    let names: Vec<String> = step.actions.iter().map(name).collect();
    names.join(" ")
}

fn name(action: Action) -> String {
    match action {
        Action::Dial { epoch, .. } => format!("Dial({epoch})"),
        Action::Ping { epoch, .. } => format!("Ping({epoch})"),
        Action::Close { epoch, .. } => format!("Close({epoch})"),
        Action::Abort { epoch } => format!("Abort({epoch})"),
        Action::Notify(Notice::Up { epoch, .. }) => format!("Up({epoch})"),
        Action::Notify(Notice::Down { epoch, .. }) => format!("Down({epoch})"),
        Action::Notify(Notice::DialFailed { epoch, .. }) => format!("DialFailed({epoch})"),
        Action::Notify(Notice::RoundTrip { epoch, .. }) => format!("RoundTrip({epoch})"),
        Action::Notify(Notice::Rescheduled { .. }) => "Rescheduled".into(),
        Action::Notify(Notice::Closed { .. }) => "Closed".into(),
        Action::Notify(other) => format!("{other:?}"),
    }
}
