//! The default transport against servers that are broken, hostile, or merely unlucky, over real
//! loopback sockets. Nothing here asserts how long something took by a clock of its own, only what
//! was told; what does not end is caught by a deadline of seconds.
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
