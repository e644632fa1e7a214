//! Any transport: the same conversation over each. Real sockets, except for one in memory; nothing
//! here asserts how long something took.
#![cfg(feature = "tungstenite")]

mod conversation;
#[cfg(feature = "testing")]
mod faulty;
#[cfg(feature = "testing")]
mod memory;
#[cfg(feature = "tls")]
#[path = "../tls/server.rs"]
#[allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "shared with the tests of TLS, which use more of it"
)]
mod secure;
mod server;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod tokio;
#[cfg(unix)]
mod unix;
