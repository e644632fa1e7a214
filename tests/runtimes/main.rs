//! Any runtime, or none: the same client, unchanged, where somebody polls it. Real sockets on
//! loopback; nothing here asserts how long something took.
#![cfg(feature = "tungstenite")]

mod async_io_time;
mod client;
mod examples;
mod executors;
mod poll_loop;
mod sends;
mod server;
mod tokio;
#[cfg(all(feature = "tokio", feature = "testing"))]
mod tokio_time;
