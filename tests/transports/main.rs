//! Any transport: the same conversation over each. Real sockets, except for one in memory; nothing
//! here asserts how long something took.
#![cfg(feature = "tungstenite")]

mod conversation;
#[cfg(feature = "testing")]
mod faulty;
#[cfg(feature = "testing")]
mod memory;
mod server;
mod tcp;
mod tokio;
#[cfg(unix)]
mod unix;
