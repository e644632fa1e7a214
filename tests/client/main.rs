//! The client over connections in memory and a clock that stands still: single-threaded, without
//! sleeping, and never polled unless something has woken it.
#![cfg(feature = "testing")]

mod away;
mod batches;
mod book;
mod cancelling;
mod closing;
mod dialing;
mod flowing;
mod flushing;
mod handle;
mod heartbeat;
mod heartbeat_message;
mod lifecycle;
mod lives;
mod outbox;
mod pressure;
mod queue;
mod recording;
mod regressions;
mod restarting;
mod resync;
mod retaining;
mod rig;
mod room;
mod sending;
mod session;
mod sharing;
mod snapshot;
mod task;
mod types;
mod wire;
