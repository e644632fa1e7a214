//! No token, header, password, query or session is shown, whatever fails.

use std::{error::Error, fmt::Write, net::SocketAddr};

use futures::StreamExt;
use steadfast::{
    client::{Event, Failover},
    transport::{Dialer, Proxy, ProxyError},
};

use crate::{
    server::{Peer, Server},
    watch::{bounded, connection, dialer, nobody},
};

const CANARY: &str = "c4n4ry";

fn secretive(address: SocketAddr) -> Dialer {
    let dialer = dialer(&format!("ws://{address}/feed?token={CANARY}")).with_redirects(2);
    let dialer = dialer.with_header("Authorization", CANARY).unwrap();
    dialer.with_session_header("Session-Id").unwrap().with_session_query("session").unwrap()
}

fn proxy(address: SocketAddr) -> Proxy {
    let proxy = Proxy::new(&format!("http://{address}")).unwrap();
    proxy.with_basic_auth(CANARY, CANARY).unwrap()
}

fn show(shown: &mut String, error: &(dyn Error + 'static)) {
    writeln!(shown, "{error} {error:?} {error:#?}").unwrap();
    if let Some(source) = error.source() {
        show(shown, source);
    }
}

/// Dials until something has failed, and looks at all that an application could log.
#[track_caller]
fn keeps_it(dialer: Dialer) {
    // The two forms in which a password travels.
    let encoded = data_encoding::BASE64.encode(format!("{CANARY}:{CANARY}").as_bytes());
    let dialer = Failover::new([dialer]).unwrap();
    let mut shown = format!("{dialer:?} {dialer:#?}\n");
    let mut client = connection(dialer);
    writeln!(shown, "{client:?} {client:#?}").unwrap();
    bounded(async {
        while let Some(event) = client.next().await {
            writeln!(shown, "{event} {event:?} {event:#?}").unwrap();
            if let Event::DialFailed(failed) = event {
                return show(&mut shown, &**failed.error.as_ref().expect("an error"));
            }
        }
    });
    assert!(shown.contains("/feed"), "nothing is shown at all");
    for secret in [CANARY, encoded.as_str()] {
        let line = shown.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{}", line.unwrap_or_default());
    }
}

/// Through a proxy that does this.
#[track_caller]
fn keeps_it_from(serve: impl FnMut(usize, Peer) + Send + 'static) {
    let server = Server::start(1, serve);
    let target = "127.0.0.1:9".parse().unwrap();
    keeps_it(secretive(target).with_proxy(proxy(server.address)));
    server.join();
}

#[test]
fn when_the_proxy_repeats_what_it_was_told() {
    for status in [400, 407, 502] {
        keeps_it_from(move |_, mut peer| {
            let request = peer.request();
            let (_, headers) = request.split_once("\r\n").unwrap();
            peer.write(format!("HTTP/1.1 {status} {CANARY}\r\n{headers}{request}"));
        });
    }
}

#[test]
fn when_the_proxy_answers_nonsense() {
    keeps_it_from(|_, mut peer| {
        let request = peer.request();
        peer.write(request);
    });
}

#[test]
fn when_the_proxy_leaves() {
    keeps_it_from(|_, peer| drop(peer));
}

#[test]
fn when_there_is_no_proxy() {
    let nobody = nobody();
    keeps_it(secretive(nobody.address).with_proxy(proxy(nobody.address)));
}

#[test]
fn when_a_redirect_repeats_the_request() {
    for (location, count) in [
        (format!("ftp://example.org/?{CANARY}"), 1),
        (format!("//{CANARY}:{CANARY}@example.org/"), 1),
        (format!("https://{CANARY}@example.org/?{CANARY}"), 1),
        (format!("?token={CANARY}"), 1),
        (format!("{CANARY}:"), 1),
        (format!("/feed/2?{CANARY}#{CANARY}"), 2),
        (format!("/feed/2#{CANARY}"), 2),
    ] {
        for (followed, count) in [(2, count), (0, 1)] {
            let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n");
            let server = Server::start(count, move |_, mut peer: Peer| {
                peer.request();
                peer.write(&answer);
            });
            keeps_it(secretive(server.address).with_redirects(followed));
            server.join();
        }
    }
}

#[test]
fn when_a_proxy_is_not_accepted() {
    let error = Proxy::new(&format!("http://{CANARY}:{CANARY}@proxy:3128/")).unwrap_err();
    assert_eq!(error, ProxyError::UserInfo);
    assert!(!format!("{error} {error:?}").contains(CANARY));
    let proxy = Proxy::new("http://proxy").unwrap();
    for (user, password) in [("a:c4n4ry", "b"), ("c4n4ry\n", "b"), ("a", "c4n4ry\r\n")] {
        let error = proxy.clone().with_basic_auth(user, password).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY));
    }
}
