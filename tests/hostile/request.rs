//! What the client asks for, and what it refuses to ask for.

use std::{collections::HashSet, io::Read};

use futures::SinkExt;
use steadfast::{
    Credentials, Epoch,
    client::{Dial, DialContext, Event},
    transport::{Dialer, HeaderError, Limits, UrlError},
};

use crate::{
    server::{Server, TEXT, header},
    watch::{bounded, dial, dial_with, open, until},
};

/// The requests of one dial each.
fn requests(
    count: usize,
    url: impl Fn(&str) -> String,
    dialer: fn(Dialer) -> Dialer,
) -> Vec<String> {
    let server = Server::start(count, |_, mut peer| {
        let headers = "Sec-WebSocket-Protocol: feed.v2\r\n";
        let request = peer.request();
        let offered = header(&request, "sec-websocket-protocol").is_some();
        let key = header(&request, "sec-websocket-key").unwrap();
        let accept = async_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        peer.write(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{}\r\n",
            if offered { headers } else { "" }
        ));
        peer.drain();
        request
    });
    let url = url(&server.address.to_string());
    for _ in 0..count {
        let mut connection = dial_with(dialer(Dialer::new(&url).unwrap())).build();
        open(&mut connection);
    }
    server.join()
}

#[test]
fn the_request_has_all_it_needs_once() {
    let request = requests(
        1,
        |address| format!("ws://{address}/feed/v2?topic=a%20b&since=7"),
        |dialer| {
            let dialer = dialer.with_header("Authorization", "Bearer token").unwrap();
            let dialer = dialer.with_header("X-Trace", "one").unwrap();
            let dialer = dialer.with_header("X-Trace", "two").unwrap();
            // No name twice (RFC 6455 §4.1).
            ["feed.v2", "feed.v1", "feed.v2"]
                .iter()
                .fold(dialer, |dialer, name| dialer.with_subprotocol(name).unwrap())
        },
    )
    .remove(0);
    let mut lines = request.lines();
    assert_eq!(lines.next(), Some("GET /feed/v2?topic=a%20b&since=7 HTTP/1.1"));
    assert!(header(&request, "host").unwrap().starts_with("127.0.0.1:"));
    for (name, value) in [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("authorization", "Bearer token"),
        ("sec-websocket-protocol", "feed.v2, feed.v1"),
    ] {
        assert_eq!(header(&request, name), Some(value), "{request}");
    }
    let mut names: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
    let traces: Vec<_> = names
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("x-trace"))
        .map(|(_, value)| value.trim())
        .collect();
    assert_eq!(traces, ["one", "two"]);
    names.retain(|(name, _)| !name.eq_ignore_ascii_case("x-trace"));
    let mut names: Vec<_> = names.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "a header twice in {request}");
    assert!(header(&request, "sec-websocket-extensions").is_none());
    assert!(header(&request, "origin").is_none());
}

#[test]
fn the_subprotocol_that_the_server_has_selected_can_be_told() {
    for selected in [None, Some("feed.v1"), Some("feed.v2")] {
        let server = Server::start(1, move |_, mut peer| {
            let header = selected.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
            peer.upgrade_with(&header.unwrap_or_default())
        });
        let dialer = Dialer::new(&server.url()).unwrap();
        let mut dialer = match selected {
            Some(_) => dialer.with_subprotocol("feed.v2").unwrap().with_subprotocol("feed.v1"),
            None => Ok(dialer),
        }
        .unwrap();
        let context = DialContext::new(Epoch::new(1), 0, Credentials::Current);
        let conn = bounded(dialer.dial(context)).unwrap();
        assert_eq!(conn.subprotocol(), selected);
        server.join();
    }
}

#[test]
fn every_request_has_a_key_of_its_own() {
    let requests = requests(4, |address| format!("ws://{address}"), |dialer| dialer);
    let mut keys: Vec<_> =
        requests.iter().map(|request| header(request, "sec-websocket-key").unwrap()).collect();
    assert!(keys.iter().all(|key| key.len() == 24), "{keys:?}");
    assert!(requests.iter().all(|request| request.starts_with("GET / HTTP/1.1\r\n")));
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 4);
}

#[test]
fn a_query_without_a_path_is_asked_for_at_the_root() {
    let request = requests(1, |address| format!("ws://{address}?x=1"), |dialer| dialer).remove(0);
    assert!(request.starts_with("GET /?x=1 HTTP/1.1\r\n"), "{request}");
}

#[test]
fn what_is_escaped_in_the_url_stays_escaped() {
    let escaped = "/%0d%0aX-Evil:%201/%00?%0D%0AX-Evil:%202";
    let url = |address: &str| format!("ws://{address}{escaped}");
    let request = requests(1, url, |dialer| dialer).remove(0);
    assert!(request.starts_with(&format!("GET {escaped} HTTP/1.1\r\n")), "{request}");
    assert!(header(&request, "x-evil").is_none());
}

#[test]
fn nothing_can_be_smuggled_into_the_request() {
    let evil = [
        "\r\nX-Evil: 1",
        "\nX-Evil: 1",
        "\r",
        "\0",
        "a b",
        "a\tb",
        "a\u{7f}b",
        "/\r\n\r\nGET / HTTP/1.1",
    ];
    for evil in evil {
        for url in [
            format!("ws://127.0.0.1:9/{evil}"),
            format!("ws://127.0.0.1:9/?{evil}"),
            format!("ws://127.0.0.1{evil}/"),
            format!("ws://127.0.0.1:9{evil}/"),
        ] {
            assert!(Dialer::new(&url).is_err(), "{url:?}");
        }
        let dialer = Dialer::new("ws://127.0.0.1:9/").unwrap();
        assert!(dialer.clone().with_subprotocol(evil).is_err(), "{evil:?}");
        assert!(dialer.clone().with_header(&format!("X-Name{evil}"), "x").is_err(), "{evil:?}");
    }
    for evil in ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "a\u{7f}"] {
        let dialer = Dialer::new("ws://127.0.0.1:9/").unwrap();
        let error = dialer.with_header("X-Fine", evil).unwrap_err();
        assert!(matches!(error, HeaderError::InvalidValue { .. }), "{evil:?}: {error}");
    }
    for evil in ["", "a,b", "a;b", "a\"b", "a/b", "ü"] {
        let dialer = Dialer::new("ws://127.0.0.1:9/").unwrap();
        let error = dialer.with_subprotocol(evil).unwrap_err();
        assert!(matches!(error, HeaderError::InvalidSubprotocol), "{evil:?}: {error}");
    }
}

#[test]
fn the_headers_of_the_handshake_are_not_to_be_set() {
    for name in [
        "Host",
        "host",
        "CONNECTION",
        "Upgrade",
        "Content-Length",
        "Transfer-Encoding",
        "Sec-WebSocket-Key",
        "sec-websocket-accept",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
    ] {
        let error = Dialer::new("ws://127.0.0.1:9/").unwrap().with_header(name, "x").unwrap_err();
        assert!(matches!(error, HeaderError::Reserved { .. }), "{name}: {error}");
    }
}

#[test]
fn a_user_and_a_password_are_sent_as_their_rfc_shows() {
    // RFC 7617 §2 and §2.1; then what is empty, or has a colon where one may be.
    for (user, password, sent) in [
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("test", "123\u{a3}", "Basic dGVzdDoxMjPCow=="),
        ("", "", "Basic Og=="),
        ("a", "b:c", "Basic YTpiOmM="),
    ] {
        let server = Server::start(1, |_, mut peer| peer.upgrade());
        let dialer = Dialer::new(&server.url()).unwrap();
        let dialer = dialer.with_header("Authorization", "Bearer old").unwrap();
        let mut connection = dial_with(dialer.with_basic_auth(user, password).unwrap()).build();
        open(&mut connection);
        drop(connection);
        let request = server.join_one();
        assert_eq!(header(&request, "authorization"), Some(sent), "{request}");
        assert!(!request.contains("Bearer"), "{request}");
    }
}

#[test]
fn a_user_or_a_password_that_cannot_be_sent_is_refused_and_never_shown() {
    let dialer = || Dialer::new("ws://127.0.0.1:9/").unwrap();
    for user in ["canary:", "canary\n", "canary\0", "\u{7f}canary"] {
        let error = dialer().with_basic_auth(user, "fine").unwrap_err();
        assert_eq!(error, HeaderError::InvalidUser);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    let error = dialer().with_basic_auth("fine", "canary\r\nX: y").unwrap_err();
    assert_eq!(error, HeaderError::InvalidPassword);
    assert!(!format!("{error} {error:?}").contains("canary"));
    let shown = format!("{:?}", dialer().with_basic_auth("canary", "canary").unwrap());
    assert!(!shown.contains("canary") && !shown.contains("Y2FuYXJ5"), "{shown}");
    let error = Dialer::new("ws://canary:canary@127.0.0.1/").unwrap_err();
    assert!(error.to_string().contains("with_basic_auth"), "{error}");
}

#[test]
fn a_url_that_cannot_be_dialed_is_an_error_before_any_dial() {
    for (url, error) in [
        #[cfg(not(feature = "tls"))]
        ("wss://127.0.0.1/", UrlError::TlsUnavailable),
        ("http://127.0.0.1/", UrlError::UnsupportedScheme),
        ("127.0.0.1", UrlError::Invalid),
        ("ws://", UrlError::NoHost),
        ("ws://127.0.0.1/#fragment", UrlError::Fragment),
        ("ws://user:secret@127.0.0.1/", UrlError::UserInfo),
        ("ws://127.0.0.1:0/", UrlError::InvalidPort),
    ] {
        assert_eq!(Dialer::new(url).unwrap_err(), error, "{url}");
        assert_eq!(steadfast::connect(url).unwrap_err(), error, "{url}");
    }
}

#[test]
fn a_name_is_resolved() {
    let server = Server::start(1, |_, mut peer| peer.upgrade());
    let url = format!("ws://localhost:{}/", server.address.port());
    let mut connection = dial(&url).build();
    open(&mut connection);
    drop(connection);
    let request = server.join_one();
    assert!(header(&request, "host").unwrap().starts_with("localhost:"), "{request}");
}

#[test]
fn a_subprotocol_that_cannot_be_offered_is_not_shown_and_none_is_in_a_dialer() {
    let dialer = || Dialer::new("ws://127.0.0.1:9/").unwrap();
    // Some servers take a token there, and base64 has characters that a subprotocol must not have.
    let error = dialer().with_subprotocol("bearer.c4n4ry+/==").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("c4n4ry"), "{error:?}");
    let shown = format!("{:?}", dialer().with_subprotocol("bearer.c4n4ry").unwrap());
    assert!(!shown.contains("c4n4ry"), "{shown}");
}

#[test]
fn no_limit_is_too_large_or_too_small() {
    let server = Server::start(2, |_, mut peer| {
        peer.upgrade();
        peer.frame(TEXT, b"hello");
        peer.drain();
    });
    for size in [0, usize::MAX] {
        let mut limits = Limits::default();
        limits.write_buffer_size = size;
        limits.read_buffer_size = size.min(1 << 20);
        limits.max_frame_size = size.max(5);
        limits.max_message_size = size.max(5);
        let dialer = Dialer::new(&server.url()).unwrap().with_limits(limits);
        let mut connection = dial_with(dialer).build();
        let events = until(&mut connection, |event| matches!(event, Event::Message(_)));
        let Some(Event::Message(message)) = events.last() else { panic!("{events:?}") };
        assert_eq!(message.as_text(), Some("hello"));
    }
    server.join();
}

#[test]
fn every_frame_has_a_mask_of_its_own() {
    let server = Server::upgraded(|mut peer| {
        [(); 16].map(|()| {
            let mut frame = [0; 2 + 4 + 1];
            peer.stream.read_exact(&mut frame).unwrap();
            assert_eq!(frame[..2], [0x81, 0x81], "a text of one byte, masked");
            assert_eq!(frame[2] ^ frame[6], b'x');
            [frame[2], frame[3], frame[4], frame[5]]
        })
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    for _ in 0..16 {
        bounded(connection.send("x".into())).unwrap();
    }
    let masks: HashSet<_> = server.join_one().into_iter().collect();
    assert_eq!(masks.len(), 16, "{masks:?}");
}
