//! A real proxy between the client and the server.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use futures::StreamExt;
use steadfast::{
    CloseCode, ClosedReason, FailureKind, Timeout,
    client::Event,
    transport::{Dialer, Proxy},
};

use crate::{
    server::{Peer, Server, TEXT, header},
    watch::{bounded, closed, connection, dialer, failed, nobody, open, retries},
};

/// One that makes a tunnel to `target`, whatever it is asked for, and what it was asked.
fn tunnel_to(target: SocketAddr) -> Server<String> {
    Server::start(1, move |_, mut client| {
        let request = client.request();
        let server = TcpStream::connect(target).unwrap();
        server.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        client.write("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n");
        relay(client.stream, server);
        request
    })
}

/// Carries bytes both ways until one side has left.
fn relay(client: TcpStream, server: TcpStream) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (server, client);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    there.join().unwrap();
}

/// One that answers so, `count` times.
fn answering(count: usize, answer: &'static str) -> Server<()> {
    Server::start(count, move |_, mut peer: Peer| {
        peer.request();
        peer.write(answer);
    })
}

fn proxy(address: SocketAddr) -> Proxy {
    Proxy::new(&format!("http://{address}")).unwrap()
}

/// A dialer of a server that only a proxy can find.
fn hidden(address: SocketAddr) -> Dialer {
    dialer("ws://hidden.invalid:81/feed?token=c4n4ry").with_proxy(proxy(address))
}

#[test]
fn messages_go_through_the_tunnel_to_a_server_that_only_the_proxy_can_find() {
    let server = Server::upgraded(|mut peer| {
        peer.frame(TEXT, b"hello");
        peer.drain();
    });
    let proxy = tunnel_to(server.address);
    let mut client = connection(hidden(proxy.address));
    open(&mut client);
    match bounded(client.next()) {
        Some(Event::Message(message)) => assert_eq!(message.as_text(), Some("hello")),
        other => panic!("{other:?}"),
    }
    drop(client);
    let asked = "CONNECT hidden.invalid:81 HTTP/1.1\r\nHost: hidden.invalid:81\r\n\r\n";
    assert_eq!(proxy.join_one(), asked);
    server.join();
}

#[test]
fn the_proxy_and_the_server_each_get_their_own_credentials() {
    let server = Server::start(1, |_, mut peer| peer.upgrade());
    let proxy = tunnel_to(server.address);
    let through = self::proxy(proxy.address).with_basic_auth("Aladdin", "open sesame").unwrap();
    let dialer = dialer(&server.url()).with_proxy(through);
    let mut client = connection(dialer.with_header("Authorization", "Bearer own").unwrap());
    open(&mut client);
    drop(client);
    let (to_proxy, to_server) = (proxy.join_one(), server.join_one());
    let basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert_eq!(header(&to_proxy, "proxy-authorization"), Some(basic));
    assert_eq!(header(&to_proxy, "authorization"), None);
    assert_eq!(header(&to_server, "proxy-authorization"), None);
    assert_eq!(header(&to_server, "authorization"), Some("Bearer own"));
}

#[test]
fn a_proxy_that_wants_other_credentials_is_asked_once_more() {
    let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                  Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 5\r\n\r\nlogin";
    let proxy = answering(2, answer);
    let mut client = connection(hidden(proxy.address));
    assert!(retries(failed(&mut client).2));
    assert!(!retries(failed(&mut client).2));
    assert_eq!(closed(&mut client), ClosedReason::Fatal(FailureKind::Http(407).into()));
    proxy.join();
}

#[test]
fn a_proxy_that_has_trouble_is_asked_again_and_one_that_refuses_is_not() {
    for (answer, status, again) in [
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", 502, true),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", 503, true),
        ("HTTP/1.1 504 Gateway Timeout\r\n\r\n", 504, true),
        ("HTTP/1.1 403 Forbidden\r\nX-Secret: c4n4ry\r\n\r\nc4n4ry", 403, false),
        ("HTTP/1.1 405 Method Not Allowed\r\n\r\n", 405, false),
        ("HTTP/1.1 302 Found\r\nLocation: http://login.example/?c4n4ry\r\n\r\n", 302, false),
    ] {
        let proxy = answering(1, answer);
        let mut client = connection(hidden(proxy.address).with_redirects(5));
        let (kind, told, next) = failed(&mut client);
        assert_eq!((kind, retries(next)), (FailureKind::Http(status), again), "{told}");
        let expected = format!(
            "ws://hidden.invalid:81/feed?… through proxy http://{}: \
             the proxy refused with HTTP {status}",
            proxy.address
        );
        assert_eq!(told, expected);
        proxy.join();
    }
}

#[test]
fn a_proxy_that_hangs_up_is_asked_again() {
    let proxy = Server::start(1, |_, mut peer| drop(peer.request()));
    let (kind, told, next) = failed(&mut connection(hidden(proxy.address)));
    assert_eq!(kind, FailureKind::Closed(CloseCode::ABNORMAL), "{told}");
    assert!(retries(next));
    proxy.join();
}

#[test]
fn a_proxy_that_never_answers_uses_up_the_connect_timeout() {
    let proxy = Server::start(1, |_, mut peer| {
        peer.request();
        peer.write("HTTP/1.1 200 OK\r\n");
        peer.drain();
    });
    let (kind, _, next) = failed(&mut connection(hidden(proxy.address)));
    assert_eq!(kind, FailureKind::Timeout(Timeout::Connect));
    assert!(retries(next));
    proxy.join();
}

#[test]
fn where_no_proxy_listens_the_error_names_it() {
    let nobody = nobody();
    let (kind, told, _) = failed(&mut connection(hidden(nobody.address)));
    assert_eq!(kind, FailureKind::Refused);
    assert!(told.contains(&format!("through proxy http://{}", nobody.address)), "{told}");
}

#[cfg(feature = "tls")]
mod tls {
    use steadfast::transport::Tls;

    use super::*;
    use crate::secure;

    #[test]
    fn tls_is_between_the_client_and_the_server() {
        let identity = secure::Identity(include_str!("../tls/certificates/server.pem"));
        let server = secure::Server::upgraded(identity.config(), |mut socket| {
            socket.send("hello".into()).unwrap();
            secure::drain(socket.get_mut());
        });
        let proxy = tunnel_to(server.address);
        let tls = Tls::trusting_only(secure::AUTHORITY.as_bytes()).unwrap();
        let dialer = dialer("wss://localhost:81/feed").with_tls(tls);
        let mut client = connection(dialer.with_proxy(self::proxy(proxy.address)));
        open(&mut client);
        match bounded(client.next()) {
            Some(Event::Message(message)) => assert_eq!(message.as_text(), Some("hello")),
            other => panic!("{other:?}"),
        }
        drop(client);
        assert!(proxy.join_one().starts_with("CONNECT localhost:81 HTTP/1.1\r\n"));
        server.join();
    }
}
