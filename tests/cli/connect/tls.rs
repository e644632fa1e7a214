//! Whose certificate is believed.

use std::{sync::Arc, thread, time::Duration};

use async_tungstenite::tungstenite;
use steadfast::transport::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::program::Program;
use crate::command::Scratch;

const SERVER: &str = include_str!("../../tls/certificates/server.pem");
const AUTHORITY: &str = include_str!("../../tls/certificates/authority.pem");

/// A server with the certificate of the test authority, that meets so many connections and closes
/// those that are upgraded.
fn server(connections: usize) -> (String, thread::JoinHandle<()>) {
    let certificates = CertificateDer::pem_slice_iter(SERVER.as_bytes());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            certificates.collect::<Result<_, _>>().unwrap(),
            PrivateKeyDer::from_pem_slice(SERVER.as_bytes()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://localhost:{}/?canary", listener.local_addr().unwrap().port());
    let thread = thread::spawn(move || {
        for _ in 0..connections {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let connection = ServerConnection::new(config.clone()).unwrap();
            if let Ok(mut peer) = tungstenite::accept(StreamOwned::new(connection, stream)) {
                while peer.read().is_ok() {}
            }
        }
    });
    (url, thread)
}

#[test]
fn an_authority_that_was_named_is_believed() {
    let authority = Scratch::new("connect-authority.pem", AUTHORITY);
    let (url, server) = server(1);
    let ended = Program::run(&["--ca", authority.path(), &url], "");
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    server.join().unwrap();
}

#[test]
fn a_certificate_of_somebody_else_is_5_and_tried_once() {
    // The client certificate's own authority is not that of the server.
    let other = include_str!("../../tls/certificates/self-signed.pem");
    let authority = Scratch::new("connect-other.pem", other);
    let (url, server) = server(1);
    let ended = Program::run(&["--ca", authority.path(), &url], "");
    assert_eq!(ended.exit, Some(5), "{ended:?}");
    assert!(ended.why().contains("certificate not valid for this host"), "{ended:?}");
    assert!(!format!("{ended:?}").contains("canary"));
    server.join().unwrap();
}

#[test]
fn insecure_believes_anyone_and_warns() {
    let (url, server) = server(1);
    let ended = Program::run(&["-k", &url], "");
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    assert!(ended.stderr[0].starts_with("steadfast: warning: certificates are not checked"));
    server.join().unwrap();
}
