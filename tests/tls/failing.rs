//! Handshakes that come to nothing.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use steadfast::{CloseCode, FailureKind, Timeout};

use crate::{
    client::{connection, connection_with, dialer, failure, retries},
    server::{Server, drain, identity},
};

/// What comes of a server without TLS: a failure that tells why, and is not final.
#[track_caller]
fn fails(serve: impl FnOnce(TcpStream) + Send + 'static, kind: FailureKind, why: &str) {
    let server = Server::plain(serve);
    let (failure, text, next) = failure(&mut connection(dialer(&server.url())));
    assert_eq!(failure.kind(), kind, "{text}");
    assert!(retries(next), "{text}");
    assert!(text.contains("wss://localhost:") && text.contains(why), "{text}");
    server.join();
}

fn read_some(stream: &mut TcpStream) {
    let mut buffer = [0; 4_096];
    assert_ne!(stream.read(&mut buffer).unwrap(), 0);
}

#[test]
fn a_server_that_speaks_http_is_told_as_such_and_tried_again() {
    let serve = |mut stream: TcpStream| {
        read_some(&mut stream);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap();
        drain(&mut stream);
    };
    fails(serve, FailureKind::Tls, "the server does not speak TLS");
}

#[test]
fn a_server_that_hangs_up_before_tls_is_tried_again() {
    let serve = |mut stream: TcpStream| {
        read_some(&mut stream);
        stream.shutdown(Shutdown::Write).unwrap();
        drain(&mut stream);
    };
    fails(serve, FailureKind::Tls, "handshake");
}

#[test]
fn an_alert_is_tried_again() {
    let serve = |mut stream: TcpStream| {
        read_some(&mut stream);
        // Fatal, internal error (RFC 8446 §6).
        stream.write_all(&[0x15, 3, 3, 0, 2, 2, 80]).unwrap();
        drain(&mut stream);
    };
    fails(serve, FailureKind::Tls, "InternalError");
}

#[test]
fn a_server_for_another_protocol_refuses() {
    let mut config = identity!("server").config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let server = Server::secure(config, |stream| stream.is_err());
    let (failure, text, next) = failure(&mut connection(dialer(&server.url())));
    assert_eq!(failure.kind(), FailureKind::Tls, "{text}");
    assert!(retries(next) && text.contains("NoApplicationProtocol"), "{text}");
    assert!(server.join());
}

#[test]
fn a_server_that_never_answers_the_handshake_is_given_up_and_tried_again() {
    let server = Server::plain(|mut stream| drain(&mut stream));
    let mut connection = connection_with(dialer(&server.url()), Duration::from_millis(100));
    let (failure, text, next) = failure(&mut connection);
    assert_eq!(failure.kind(), FailureKind::Timeout(Timeout::Connect), "{text}");
    assert!(retries(next));
    drop(connection);
    server.join();
}

#[test]
fn a_refusal_comes_through_tls() {
    let server = Server::secure(identity!("server").config(), |stream| {
        let mut stream = stream.unwrap();
        let mut buffer = [0; 4_096];
        let length = stream.read(&mut buffer).unwrap();
        stream
            .write_all(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        drain(&mut stream);
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    });
    let (failure, text, next) = failure(&mut connection(dialer(&server.url())));
    assert_eq!(failure.kind(), FailureKind::Http(503), "{text}");
    assert_eq!(failure.retry_after(), Some(Duration::from_secs(7)));
    assert!(retries(next));
    assert!(server.join().starts_with("GET /feed?token=canary HTTP/1.1\r\n"));
}

/// The other way round: what a server with TLS answers is no HTTP.
#[test]
fn a_url_without_tls_finds_no_http_at_a_server_with_it() {
    let server = Server::secure(identity!("server").config(), |stream| stream.is_err());
    let url = server.url().replace("wss://", "ws://");
    let (failure, text, next) = failure(&mut connection(dialer(&url)));
    let kinds = [FailureKind::Handshake, FailureKind::Closed(CloseCode::ABNORMAL)];
    assert!(kinds.contains(&failure.kind()), "{text}");
    assert!(retries(next) && text.contains("ws://localhost:"), "{text}");
    assert!(server.join());
}
