//! TLS over TCP.

use std::{net::TcpListener, sync::Arc};

use futures::executor::block_on;
use steadfast::transport::{AsyncIoClock, Dialer, Tls};

use crate::{
    conversation::converse,
    secure::{AUTHORITY, Identity, accept, handshake},
    server::serve_two,
};

#[test]
fn tls_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let identity = Identity(include_str!("../tls/certificates/server.pem"));
    let config = Arc::new(identity.config());
    let server = serve_two(move || handshake(&config, accept(&listener)).unwrap());
    let tls = Tls::trusting_only(AUTHORITY.as_bytes()).unwrap();
    let dialer = Dialer::new(&format!("wss://localhost:{port}/")).unwrap().with_tls(tls);
    block_on(converse(dialer, AsyncIoClock::new()));
    server.join().unwrap();
}
