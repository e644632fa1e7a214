//! The default transport against servers that are broken, hostile, or merely unlucky, over real
//! loopback sockets. Nothing here asserts how long something took, only what was told.
#![cfg(feature = "tungstenite")]

mod answering;
mod closing;
mod codes;
mod cutting;
mod flooding;
mod lengths;
mod refusing;
mod request;
mod secrets;
mod server;
mod slow;
mod violating;
mod watch;
