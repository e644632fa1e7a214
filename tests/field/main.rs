//! What hides in the field: defects that real libraries have shipped, one test each, named after
//! what must not happen. The line above a test says where it was seen.
#![cfg(feature = "testing")]

#[path = "../support/mod.rs"]
mod support;

mod client;
mod connection;
mod delay;
mod heartbeat;
mod retry;
#[cfg(feature = "testing")]
#[path = "../client/rig.rs"]
#[allow(dead_code, reason = "each test crate uses its own part")]
mod rig;
#[cfg(feature = "testing")]
#[path = "../client/wire.rs"]
#[allow(dead_code, reason = "each test crate uses its own part")]
mod wire;

use steadfast::FailureKind;

const RESET: FailureKind = FailureKind::Reset;
const REFUSED: FailureKind = FailureKind::Refused;
