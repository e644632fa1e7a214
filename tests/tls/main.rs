//! The default transport's TLS, against real servers on loopback sockets. Their certificates are
//! committed; `certificates/make.sh` tells how they are made.
#![cfg(feature = "tls")]

mod client;
mod failing;
mod open;
mod platform;
mod redirecting;
mod server;
mod setup;
mod verifying;
