//! The web as it is: several endpoints, proxies, redirects, sessions and requests that are made
//! afresh, over real loopback sockets where bytes matter.
#![cfg(all(feature = "tungstenite", feature = "testing"))]

mod counting;
mod endpoints;
mod failover;
mod fresh;
mod proxy;
mod redirect;
mod secrets;
#[cfg(feature = "tls")]
#[path = "../tls/server.rs"]
#[allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "shared with the tests of TLS, which use more of it"
)]
mod secure;
#[path = "../hostile/server.rs"]
#[allow(dead_code, reason = "shared with the tests of hostile servers, which use more of it")]
mod server;
mod session;
mod watch;
