//! Servers that do not let the client in.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use steadfast::{
    CloseCode, ClosedReason, Credentials, FailureKind, Next, Timeout,
    client::{Builder, Dial, DialContext, Event},
    transport::{AsyncIoClock, Dialer},
};

use crate::{
    server::{Peer, Server},
    watch::{self, closed, dial, dial_with, failure, failures, open, retries},
};

/// A server that answers every request with these bytes, and leaves.
fn answering(count: usize, answer: &'static str) -> Server<()> {
    Server::start(count, move |_, mut peer| {
        peer.request();
        peer.write(answer);
    })
}

#[test]
fn where_nothing_listens_dials_are_refused_and_repeated() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut connection = dial(&format!("ws://{address}/")).build();
    for (failure, next) in failures(&mut connection, 3) {
        assert_eq!(failure.kind(), FailureKind::Refused);
        assert!(retries(next), "{next}");
    }
    connection.stop();
    assert_eq!(closed(&mut connection), ClosedReason::Stopped);
}

#[test]
fn a_name_that_is_not_found_is_asked_for_again() {
    // No name is so long, so no server is asked for it.
    let url = format!("ws://{}.invalid/feed", "a".repeat(64));
    let mut connection = dial(&url).build();
    for (failure, next) in failures(&mut connection, 2) {
        assert_eq!(failure.kind(), FailureKind::NameResolution);
        assert!(retries(next), "{next}");
    }
}

#[test]
fn a_server_that_speaks_something_else_fails_the_handshake() {
    for garbage in ["220 smtp.example.org ESMTP\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "\r\n\r\n"] {
        let server = answering(1, garbage);
        let (kind, next) = failure(&server.url());
        assert!(
            matches!(kind, FailureKind::Handshake | FailureKind::Closed(CloseCode::ABNORMAL)),
            "{garbage:?}: {kind:?}"
        );
        assert!(retries(next));
        server.join();
    }
}

/// As one does that has no room for more clients. Other systems forget what came before a reset.
#[cfg(target_os = "linux")]
#[test]
fn a_refusal_by_a_server_that_does_not_read_the_request_is_a_refusal() {
    let server = Server::start(20, |_, mut peer| peer.write("HTTP/1.1 503 Full\r\n\r\n"));
    for (failure, next) in failures(&mut dial(&server.url()).build(), 20) {
        assert_eq!(failure.kind(), FailureKind::Http(503));
        assert!(retries(next));
    }
    server.join();
}

#[test]
fn a_flood_of_headers_is_cut_off() {
    let server = Server::start(1, |_, mut peer| {
        peer.request();
        peer.write("HTTP/1.1 101 Switching Protocols\r\n");
        let mut sent = 0_usize;
        while sent < 64 << 20 && peer.write("X-Padding: 0123456789abcdef\r\n".repeat(512)) {
            sent += 512 * 29;
        }
        sent
    });
    let (kind, next) = failure(&server.url());
    assert!(
        matches!(kind, FailureKind::Handshake | FailureKind::Timeout(Timeout::Connect)),
        "{kind:?}"
    );
    assert!(retries(next));
    assert!(server.join_one() < 64 << 20, "the client read all of it");
}

#[test]
fn one_header_without_end_is_cut_off() {
    let server = Server::start(1, |_, mut peer| {
        peer.request();
        peer.write("HTTP/1.1 101 Switching Protocols\r\nX-Endless: ");
        let mut sent = 0_usize;
        while sent < 64 << 20 && peer.write([b'a'; 16_384]) {
            sent += 16_384;
        }
        sent
    });
    let (kind, _) = failure(&server.url());
    assert!(
        matches!(kind, FailureKind::Handshake | FailureKind::Timeout(Timeout::Connect)),
        "{kind:?}"
    );
    assert!(server.join_one() < 64 << 20, "the client read all of it");
}

#[test]
fn headers_that_come_drop_by_drop_do_not_put_off_the_timeout() {
    let server = Server::start(1, |_, mut peer| {
        peer.request();
        peer.write("HTTP/1.1 101 Switching Protocols\r\nX-Slow: ");
        for _ in 0..200 {
            if !peer.write("a") {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    });
    assert_eq!(failure(&server.url()).0, FailureKind::Timeout(Timeout::Connect));
    assert!(server.join_one(), "the client stayed");
}

#[test]
fn a_server_that_accepts_and_never_answers_times_out() {
    let server = Server::start(1, |_, mut peer| peer.drain());
    let (kind, next) = failure(&server.url());
    assert_eq!(kind, FailureKind::Timeout(Timeout::Connect));
    assert!(retries(next));
    // It returns only when the client has left.
    server.join();
}

#[test]
fn a_server_that_accepts_and_closes_at_once_is_tried_again() {
    let server = Server::start(3, |_, peer| drop(peer));
    for (failure, next) in failures(&mut dial(&server.url()).build(), 3) {
        let kind = failure.kind();
        assert!(
            matches!(kind, FailureKind::Reset | FailureKind::Closed(CloseCode::ABNORMAL)),
            "{kind:?}"
        );
        assert!(retries(next));
    }
    server.join();
}

#[test]
fn a_key_that_was_not_understood_fails_the_handshake() {
    let server = answering(
        1,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    );
    let (kind, next) = failure(&server.url());
    assert_eq!(kind, FailureKind::Handshake);
    assert!(retries(next));
    server.join();
}

#[test]
fn a_subprotocol_that_was_not_offered_fails_the_handshake() {
    for (offered, selected) in [
        (None, Some("chat")),
        (None, Some("")),
        (Some("feed"), Some("chat")),
        (Some("feed"), Some("Feed")),
        (Some("feed"), Some("feed, chat")),
        (Some("feed"), Some("feed\r\nSec-WebSocket-Protocol: feed")),
        (Some("feed"), Some("")),
        (Some("feed"), None),
    ] {
        let server = Server::start(1, move |_, mut peer: Peer| {
            let header = selected.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
            peer.upgrade_with(&header.unwrap_or_default());
            peer.drain();
        });
        let mut dialer = Dialer::new(&server.url()).unwrap();
        if let Some(name) = offered {
            dialer = dialer.with_subprotocol(name).unwrap();
        }
        let (failure, next) = failures(&mut dial_with(dialer).build(), 1).remove(0);
        assert_eq!(failure.kind(), FailureKind::Handshake, "{offered:?} {selected:?}");
        assert!(retries(next));
        server.join();
    }
}

#[test]
fn an_extension_that_was_not_offered_fails_the_handshake() {
    for extensions in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover, x-webkit-deflate-frame",
        "unknown",
        "\r\nSec-WebSocket-Extensions: unknown",
    ] {
        let server = Server::start(1, move |_, mut peer: Peer| {
            peer.upgrade_with(&format!("Sec-WebSocket-Extensions: {extensions}\r\n"));
            peer.drain();
        });
        let (kind, next) = failure(&server.url());
        assert_eq!(kind, FailureKind::Handshake, "{extensions:?}");
        assert!(retries(next));
        server.join();
    }
}

#[test]
fn a_header_that_names_no_extension_does_no_harm() {
    let server = Server::start(1, |_, mut peer: Peer| {
        peer.upgrade_with("Sec-WebSocket-Extensions:\r\n");
        peer.drain();
    });
    open(&mut dial(&server.url()).build());
    server.join();
}

/// The failure and the delay after a 503 with this `Retry-After`.
fn unavailable(retry_after: &str) -> (Option<Duration>, Duration) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {retry_after}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let server = answering(1, answer.leak());
    let (failure, next) = failures(&mut dial(&server.url()).build(), 1).remove(0);
    assert_eq!(failure.kind(), FailureKind::Http(503));
    let Next::Retry { delay, .. } = next else { panic!("{next}") };
    server.join();
    (failure.retry_after(), delay)
}

#[test]
fn a_retry_after_in_seconds_is_obeyed() {
    let (asked, delay) = unavailable("7");
    assert_eq!(asked, Some(Duration::from_secs(7)));
    assert!(delay >= Duration::from_secs(7), "{delay:?}");
}

#[test]
fn a_retry_after_as_a_date_is_obeyed() {
    let (asked, delay) =
        unavailable(&httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90)));
    let asked = asked.expect("a wish");
    assert!(asked > Duration::from_secs(60) && asked <= Duration::from_secs(90), "{asked:?}");
    assert!(delay >= asked, "{delay:?}");
}

#[test]
fn a_retry_after_that_is_past_nonsense_or_a_trap_does_no_harm() {
    for harmless in ["Sun, 06 Nov 1994 08:49:37 GMT", "soon", "-1", "0", ""] {
        let (asked, delay) = unavailable(harmless);
        assert_eq!((asked, delay), (None, Duration::from_millis(5)), "{harmless:?}");
    }
    let (_, delay) = unavailable("99999999999999999999");
    assert!(delay >= Duration::from_secs(300) && delay < Duration::from_secs(301), "{delay:?}");
}

#[test]
fn refused_credentials_are_refreshed_once_and_then_it_is_over() {
    let server = answering(2, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let credentials = Arc::new(Mutex::new(Vec::new()));
    let (seen, url) = (credentials.clone(), server.url());
    let dialer = move |context: DialContext| {
        seen.lock().unwrap().push(context.credentials);
        Dialer::new(&url).unwrap().dial(context)
    };
    let mut connection = Builder::new(dialer, AsyncIoClock::new())
        .with_config(watch::config())
        .with_policy(watch::policy())
        .build();
    let events: Vec<_> = watch::bounded(futures::StreamExt::collect(&mut connection));
    let fatal = ClosedReason::Fatal(FailureKind::Http(401).into());
    assert!(matches!(events.last(), Some(Event::Closed { reason }) if *reason == fatal));
    assert_eq!(*credentials.lock().unwrap(), [Credentials::Current, Credentials::Refresh]);
    server.join();
}

#[test]
fn an_answer_that_another_dial_would_only_repeat_is_final() {
    for (answer, status) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found", 404),
        (
            "HTTP/1.1 301 Moved Permanently\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
            301,
        ),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
        ("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n", 426),
    ] {
        let server = answering(1, answer);
        let mut connection = dial(&server.url()).build();
        let (failure, next) = failures(&mut connection, 1).remove(0);
        assert_eq!((failure.kind(), next), (FailureKind::Http(status), Next::Closed));
        assert_eq!(closed(&mut connection), ClosedReason::Fatal(failure));
        server.join();
    }
}

#[test]
fn an_answer_that_may_pass_is_tried_again() {
    for (answer, status) in [
        ("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", 500),
        ("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", 429),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
    ] {
        let server = answering(2, answer);
        for (failure, next) in failures(&mut dial(&server.url()).build(), 2) {
            assert_eq!(failure.kind(), FailureKind::Http(status));
            assert!(retries(next));
        }
        server.join();
    }
}
