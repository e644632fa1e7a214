//! Servers that send their clients elsewhere.

use std::net::TcpListener;

use steadfast::{
    ClosedReason, FailureKind, Timeout,
    transport::{Dialer, RedirectError},
};

use crate::{
    server::{Peer, Server, header},
    watch::{closed, connection, dialer, failed, open, retries},
};

fn redirect(peer: &mut Peer, status: u16, location: &str) -> String {
    let request = peer.request();
    peer.write(format!(
        "HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ));
    request
}

/// A server that redirects each request but the last, which it upgrades, and all their heads.
fn hops(status: u16, locations: &'static [&'static str]) -> Server<String> {
    Server::start(locations.len() + 1, move |index, mut peer| match locations.get(index) {
        Some(location) => redirect(&mut peer, status, location),
        None => peer.upgrade(),
    })
}

/// A server that redirects a request to this URL, and its head.
fn to(location: String) -> Server<String> {
    Server::start(1, move |_, mut peer| redirect(&mut peer, 307, &location))
}

fn targets(requests: &[String]) -> Vec<&str> {
    requests.iter().map(|request| request.split(' ').nth(1).unwrap()).collect()
}

fn following(url: &str, max: u8) -> Dialer {
    dialer(url).with_redirects(max)
}

#[test]
fn each_kind_of_redirect_is_followed_when_allowed() {
    for status in [301, 302, 303, 307, 308] {
        let server = hops(status, &["/other"]);
        let mut client = connection(following(&server.url(), 1));
        open(&mut client);
        drop(client);
        assert_eq!(targets(&server.join()), ["/", "/other"]);
    }
}

#[test]
fn a_status_that_is_no_redirect_to_follow_is_final() {
    for status in [300, 304, 305, 306] {
        let server = to_with(status, "/other");
        let mut client = connection(following(&server.url(), 5));
        let (kind, told, next) = failed(&mut client);
        assert_eq!(kind, FailureKind::Http(status));
        assert!(told.ends_with("redirects to /other") && !retries(next), "{told}");
        server.join();
    }
}

fn to_with(status: u16, location: &'static str) -> Server<String> {
    Server::start(1, move |_, mut peer| redirect(&mut peer, status, location))
}

#[test]
fn no_redirect_is_followed_by_default() {
    let server = to("/other?token=c4n4ry".to_owned());
    let mut client = connection(dialer(&server.url()));
    let (kind, told, next) = failed(&mut client);
    assert_eq!(kind, FailureKind::Http(307));
    assert_eq!(told, format!("{} redirects to /other", server.url()));
    assert!(!retries(next));
    server.join();
}

#[test]
fn at_the_same_origin_all_that_was_set_goes_along_but_the_query_of_the_url() {
    let server = hops(302, &["/feed/v2?a=b", "../v3", "?c=d"]);
    let url = format!("{}old?token=1", server.url());
    let dialer = following(&url, 3).with_header("Authorization", "Bearer own").unwrap();
    let dialer = dialer.with_session_header("Session-Id").unwrap();
    let mut client = connection(dialer.with_session_query("s").unwrap());
    open(&mut client);
    let session = format!("{}.1", client.session());
    drop(client);
    let requests = server.join();
    for request in &requests {
        assert_eq!(header(request, "authorization"), Some("Bearer own"));
        assert_eq!(header(request, "session-id"), Some(session.as_str()));
    }
    let expected = ["/old?token=1&s=", "/feed/v2?a=b&s=", "/v3?s=", "/v3?c=d&s="];
    assert_eq!(targets(&requests), expected.map(|target| format!("{target}{session}")));
}

/// A dialer that has told all there is to tell.
fn outspoken(url: &str) -> Dialer {
    let mut dialer = following(&format!("{url}?token=c4n4ry"), 3);
    for name in ["Authorization", "Cookie", "Proxy-Authorization", "Origin", "X-Api-Key"] {
        dialer = dialer.with_header(name, "c4n4ry").unwrap();
    }
    for name in ["User-Agent", "Accept-Language"] {
        dialer = dialer.with_header(name, "harmless").unwrap();
    }
    let dialer = dialer.with_session_header("Session-Id").unwrap();
    dialer.with_session_query("session").unwrap().with_subprotocol("feed.v2").unwrap()
}

/// What a server at another origin may know.
fn is_discreet(request: &str, session: &str) {
    assert!(!request.contains("c4n4ry") && !request.contains(session), "{request}");
    for name in ["user-agent", "accept-language"] {
        assert_eq!(header(request, name), Some("harmless"), "{request}");
    }
    assert_eq!(header(request, "sec-websocket-protocol"), Some("feed.v2"));
}

fn upgrading() -> Server<String> {
    Server::start(1, |_, mut peer| peer.upgrade_with("Sec-WebSocket-Protocol: feed.v2\r\n"))
}

#[test]
fn at_another_origin_nothing_is_told_that_may_be_secret() {
    let other = upgrading();
    let first = to(format!("http://{}/feed", other.address));
    let mut client = connection(outspoken(&first.url()));
    open(&mut client);
    let session = client.session().to_string();
    drop(client);
    let (first, other) = (first.join_one(), other.join_one());
    assert!(first.contains("c4n4ry") && first.contains(&session), "{first}");
    assert_eq!(targets(std::slice::from_ref(&other)), ["/feed"]);
    assert!(header(&other, "host").unwrap().starts_with("127.0.0.1:"));
    is_discreet(&other, &session);
}

#[test]
fn a_host_of_another_name_is_another_origin_even_if_it_is_the_same_server() {
    let server = Server::start(2, |index, mut peer| match index {
        0 => {
            let address = peer.stream.local_addr().unwrap();
            redirect(&mut peer, 302, &format!("ws://localhost:{}/", address.port()))
        }
        _ => peer.upgrade_with("Sec-WebSocket-Protocol: feed.v2\r\n"),
    });
    let mut client = connection(outspoken(&server.url()));
    open(&mut client);
    let session = client.session().to_string();
    drop(client);
    is_discreet(&server.join()[1], &session);
}

#[test]
fn who_has_been_elsewhere_is_not_trusted_at_home() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = listener.local_addr().unwrap();
    let home = Server::start(2, move |index, mut peer| match index {
        0 => redirect(&mut peer, 302, &format!("http://{away}/")),
        _ => peer.upgrade_with("Sec-WebSocket-Protocol: feed.v2\r\n"),
    });
    let back = format!("{}again", home.url());
    let away = std::thread::spawn(move || {
        ["/further", back.as_str()].map(|location| {
            let mut peer = Peer { stream: listener.accept().unwrap().0 };
            redirect(&mut peer, 302, location)
        })
    });
    let mut client = connection(outspoken(&home.url()));
    open(&mut client);
    let session = client.session().to_string();
    drop(client);
    let away = away.join().unwrap();
    assert_eq!(targets(&away), ["/", "/further"]);
    away.iter().for_each(|request| is_discreet(request, &session));
    is_discreet(&home.join()[1], &session);
}

/// What the dial of this server ends with, for good.
#[track_caller]
fn refused(server: &Server<String>, max: u8) -> (String, ClosedReason) {
    let mut client = connection(following(&format!("{}?token=c4n4ry", server.url()), max));
    let (_, told, next) = failed(&mut client);
    assert!(!retries(next) && !told.contains("c4n4ry"), "{told}");
    (told, closed(&mut client))
}

#[test]
fn one_redirect_too_many_is_final_and_says_where_to() {
    let server = Server::start(3, |index, mut peer| {
        redirect(&mut peer, 302, &format!("/{index}?token=c4n4ry"))
    });
    let (told, reason) = refused(&server, 2);
    let at = server.url();
    let why = RedirectError::TooMany { limit: 2 };
    assert_eq!(told, format!("{at}1?… redirects to {at}2?…: {why}"));
    assert_eq!(reason, ClosedReason::Fatal(FailureKind::Http(302).into()));
    server.join();
}

#[test]
fn a_circle_is_final() {
    for circle in [&["/?token=c4n4ry"][..], &["/a?token=c4n4ry", "/?token=c4n4ry"]] {
        let server =
            Server::start(circle.len(), |index, mut peer| redirect(&mut peer, 301, circle[index]));
        let (told, reason) = refused(&server, 255);
        assert!(told.ends_with(&RedirectError::Circular.to_string()), "{told}");
        assert_eq!(reason, ClosedReason::Fatal(FailureKind::Http(301).into()));
        server.join();
    }
}

#[test]
fn a_redirect_that_cannot_be_followed_is_final_and_says_why() {
    for (location, why) in [
        ("ftp://x/", "the URL's scheme must be ws or wss"),
        ("http://user:c4n4ry@x/", "must not hold a user name or password"),
        ("http://x:0/", "must be between 1 and 65535"),
        ("http://ü/", "the redirect does not say where to"),
    ] {
        let server = to(location.to_owned());
        let (told, _) = refused(&server, 3);
        assert!(told.contains(why), "{told}");
        server.join();
    }
}

#[test]
fn a_page_for_people_who_must_log_in_is_final() {
    let server = Server::start(2, |index, mut peer| match index {
        0 => redirect(&mut peer, 302, "/login?next=c4n4ry"),
        _ => {
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>");
            peer.request()
        }
    });
    let (told, reason) = refused(&server, 3);
    let why = RedirectError::Page { status: 200 };
    assert_eq!(told, format!("{}login?…: {why}", server.url()));
    assert_eq!(reason, ClosedReason::Fatal(FailureKind::Http(302).into()));
    server.join();
}

#[test]
fn a_server_that_is_busy_behind_a_redirect_is_reached_by_the_same_way_again() {
    let server = Server::start(4, |index, mut peer| match index {
        0 | 2 => redirect(&mut peer, 308, "/busy"),
        1 => {
            peer.write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
            peer.request()
        }
        _ => peer.upgrade(),
    });
    let mut client = connection(following(&server.url(), 1));
    let (kind, told, _) = failed(&mut client);
    assert_eq!((kind, told), (FailureKind::Http(503), format!("{}busy", server.url())));
    open(&mut client);
    drop(client);
    assert_eq!(targets(&server.join()), ["/", "/busy", "/", "/busy"]);
}

#[test]
fn all_of_it_is_one_dial_with_one_timeout() {
    let server = Server::start(2, |index, mut peer| match index {
        0 => redirect(&mut peer, 302, "/silent"),
        _ => {
            peer.drain();
            String::new()
        }
    });
    let (kind, _, next) = failed(&mut connection(following(&server.url(), 1)));
    assert_eq!(kind, FailureKind::Timeout(Timeout::Connect));
    assert!(retries(next));
    server.join();
}
