//! The web as it is: several endpoints, proxies, redirects, sessions and requests that are made
//! afresh, over real loopback sockets where bytes matter.
#![cfg(all(feature = "tungstenite", feature = "testing"))]

mod failover;
