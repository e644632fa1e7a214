//! Who is believed.

use std::sync::Arc;

use steadfast::{
    FailureKind, Next,
    transport::{Dialer, Tls, rustls},
};

use crate::{
    client::{configuration, connection, dial, dialer, failure, retries},
    server::{AUTHORITY, Identity, Server, drain, identity},
};

/// What a server with this certificate comes to: a final failure that tells why.
#[track_caller]
fn refuses(server: Identity, host: &str, why: &str) {
    let server = Server::secure(server.config(), |stream| stream.is_err());
    let url = server.url().replace("localhost", host);
    let (failure, text, next) = failure(&mut connection(dialer(&url)));
    assert_eq!(failure.kind(), FailureKind::Certificate, "{text}");
    assert_eq!(next, Next::Closed, "{text}");
    assert!(text.contains("/feed") && text.contains(why), "{text}");
    assert!(server.join(), "the server was told");
}

#[test]
fn a_certificate_that_has_expired_is_final() {
    refuses(identity!("expired"), "localhost", "expired");
}

#[test]
fn a_certificate_that_is_not_yet_valid_is_final() {
    refuses(identity!("early"), "localhost", "not valid yet");
}

#[test]
fn a_certificate_for_another_host_is_final() {
    refuses(identity!("elsewhere"), "localhost", "not valid for name");
    refuses(identity!("elsewhere"), "127.0.0.1", "not valid for name");
}

#[test]
fn a_certificate_of_an_unknown_authority_is_final() {
    refuses(identity!("self-signed"), "localhost", "UnknownIssuer");
}

#[test]
fn a_name_and_an_address_of_the_certificate_are_both_believed() {
    for host in ["localhost", "127.0.0.1"] {
        let server = Server::upgraded(identity!("server").config(), |mut socket| {
            let name = socket.get_ref().conn.server_name().map(ToOwned::to_owned);
            drain(socket.get_mut());
            name
        });
        let conn = dial(dialer(&server.url().replace("localhost", host))).unwrap();
        drop(conn);
        // An address is no server name (RFC 6066 §3).
        let expected = (host == "localhost").then(|| host.to_owned());
        assert_eq!(server.join(), expected);
    }
}

#[test]
fn an_authority_can_be_added_to_those_of_the_system() {
    let server = Server::upgraded(identity!("server").config(), |mut socket| {
        drain(socket.get_mut());
    });
    let tls = Tls::trusting_platform_and(AUTHORITY.as_bytes()).unwrap();
    drop(dial(Dialer::new(&server.url()).unwrap().with_tls(tls)).unwrap());
    server.join();
}

#[test]
fn a_certificate_that_the_client_shows_is_seen() {
    for version in rustls::ALL_VERSIONS {
        let config = identity!("server").config_for_known_clients(version);
        let server = Server::upgraded(config, |mut socket| {
            let shown = socket.get_ref().conn.peer_certificates().map(<[_]>::to_vec);
            drain(socket.get_mut());
            shown
        });
        let own = configuration(version, Some(identity!("client")));
        let dialer = Dialer::new(&server.url()).unwrap().with_tls(Arc::new(own));
        drop(dial(dialer).unwrap());
        assert_eq!(server.join(), Some(identity!("client").certificates()));
    }
}

/// TLS 1.2 refuses within the handshake, TLS 1.3 after it, when the client is upgrading.
#[test]
fn a_client_that_the_server_does_not_know_is_refused_by_tls_and_tries_again() {
    for version in rustls::ALL_VERSIONS {
        let config = identity!("server").config_for_known_clients(version);
        let server = Server::secure(config, |stream| stream.is_err());
        let own = configuration(version, None);
        let dialer = Dialer::new(&server.url()).unwrap().with_tls(Arc::new(own));
        let (failure, text, next) = failure(&mut connection(dialer));
        assert_eq!(failure.kind(), FailureKind::Tls, "{text}");
        assert!(retries(next) && text.contains("alert"), "{text}");
        assert!(server.join());
    }
}
