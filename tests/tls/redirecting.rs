//! Redirects from one server with TLS to another.

use std::{
    io::{self, Read, Write},
    net::TcpListener,
    sync::Arc,
};

use async_tungstenite::tungstenite;
use steadfast::{
    FailureKind, Next,
    transport::{Dialer, rustls},
};

use crate::{
    client::{configuration, connection, dial, dialer, failure},
    server::{Secure, Server, accept, drain, handshake, identity},
};

fn redirect(stream: &mut Secure, location: &str) {
    let mut buffer = [0; 4_096];
    assert_ne!(stream.read(&mut buffer).unwrap(), 0);
    let answer = format!("HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).unwrap();
    drain(stream);
}

fn is_shown(stream: &Secure) -> bool {
    stream.conn.peer_certificates().is_some()
}

#[test]
fn a_certificate_of_the_client_is_shown_to_no_other_origin_and_not_to_who_redirects_back() {
    for version in rustls::ALL_VERSIONS {
        let asking = || identity!("server").config_for_any_clients(version);
        let home = Server::start(move |listener| {
            let config = asking().into();
            let mut stream = handshake(&config, accept(&listener)).unwrap();
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let away = request.split("away=").nth(1).unwrap().split(' ').next().unwrap();
            let location = format!("https://localhost:{away}/");
            let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            drain(&mut stream);
            let again = handshake(&config, accept(&listener)).unwrap();
            let shown = [is_shown(&stream), is_shown(&again)];
            let mut socket = tungstenite::accept(again).unwrap();
            drain(socket.get_mut());
            shown
        });
        let back = format!("https://localhost:{}/again", home.address.port());
        let away = Server::secure(asking(), move |stream| {
            let mut stream = stream.unwrap();
            redirect(&mut stream, &back);
            is_shown(&stream)
        });
        let url = format!("wss://localhost:{}/?away={}", home.address.port(), away.address.port());
        let own = configuration(version, Some(identity!("client")));
        let dialer = Dialer::new(&url).unwrap().with_tls(Arc::new(own));
        drop(dial(dialer.with_redirects(2)).unwrap());
        assert!(!away.join(), "the other origin has seen who the client is");
        assert_eq!(home.join(), [true, false]);
    }
}

#[test]
fn a_redirect_out_of_tls_is_final_and_leads_nowhere() {
    for scheme in ["http", "ws"] {
        let outside = TcpListener::bind("127.0.0.1:0").unwrap();
        let location = format!("{scheme}://{}/", outside.local_addr().unwrap());
        let server = Server::secure(identity!("server").config(), move |stream| {
            redirect(&mut stream.unwrap(), &location);
        });
        let mut client = connection(dialer(&server.url()).with_redirects(9));
        let (failure, text, next) = failure(&mut client);
        assert_eq!((failure.kind(), next), (FailureKind::Http(307), Next::Closed), "{text}");
        assert!(text.contains("from TLS to plain TCP"), "{text}");
        server.join();
        outside.set_nonblocking(true).unwrap();
        let accepted = outside.accept().map_err(|error| error.kind());
        assert_eq!(accepted.unwrap_err(), io::ErrorKind::WouldBlock, "somebody has come out");
    }
}
