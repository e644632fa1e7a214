//! A token in the query, in a header or in a payload is shown nowhere.

use std::{error::Error, fmt::Write};

use futures::StreamExt;
use steadfast::{
    client::{Connection, Event},
    transport::{AsyncIoClock, Dialer, HeaderError},
};

use crate::{
    server::{Peer, Server, TEXT},
    watch::{bounded, dial_with},
};

const CANARY: &str = "c4n4ry";

fn dialer(server: &Server<()>) -> Dialer {
    let url = format!("ws://{}/feed?token={CANARY}", server.address);
    Dialer::new(&url).unwrap().with_header("Authorization", CANARY).unwrap()
}

fn chain(shown: &mut String, error: &(dyn Error + 'static)) {
    writeln!(shown, "{error} {error:?} {error:#?}").unwrap();
    if let Some(source) = error.source() {
        chain(shown, source);
    }
}

/// All that an application could write into its log.
fn show(connection: &Connection<Dialer, AsyncIoClock>, events: &[Event]) -> String {
    let mut shown = format!("{connection:?} {connection:#?}\n");
    for event in events {
        writeln!(shown, "{event} {event:?} {event:#?}").unwrap();
        let error = match event {
            Event::Down(down) => down.error.as_ref(),
            Event::DialFailed(failed) => failed.error.as_ref(),
            _ => None,
        };
        if let Some(error) = error {
            chain(&mut shown, &**error);
        }
    }
    shown
}

/// Runs a connection against this server until it has failed.
#[track_caller]
fn keeps_it(serve: impl FnMut(usize, Peer) + Send + 'static) {
    let server = Server::start(1, serve);
    let dialer = dialer(&server);
    let mut shown = format!("{dialer:?} {dialer:#?} {} {:?}\n", dialer.url(), dialer.url());
    let builder = dial_with(dialer);
    write!(shown, "{builder:?}").unwrap();
    let mut connection = builder.build();
    let mut events = Vec::new();
    bounded(async {
        while let Some(event) = connection.next().await {
            let over = matches!(event, Event::Down(_) | Event::DialFailed(_));
            events.push(event);
            if over {
                break;
            }
        }
    });
    shown.push_str(&show(&connection, &events));
    assert!(shown.contains("/feed"), "nothing is shown at all");
    let line = shown.lines().find(|line| line.contains(CANARY));
    assert!(line.is_none(), "{}", line.unwrap_or_default());
    drop(connection);
    server.join();
}

#[test]
fn when_the_connection_ends() {
    keeps_it(|_, mut peer| {
        peer.upgrade();
        peer.frame(TEXT, CANARY.as_bytes());
    });
}

#[test]
fn when_the_server_breaks_the_protocol() {
    keeps_it(|_, mut peer| {
        peer.upgrade();
        peer.write([0xc1, 0x06]);
        peer.write(CANARY);
        peer.drain();
    });
}

#[test]
fn when_the_server_never_answers() {
    keeps_it(|_, mut peer| peer.drain());
}

#[test]
fn when_the_server_answers_nonsense() {
    keeps_it(|_, mut peer| {
        peer.request();
        peer.write("HTTP/1.1 lots of nonsense\r\n\r\n");
    });
}

#[test]
fn when_the_server_refuses() {
    keeps_it(|_, mut peer| {
        peer.request();
        peer.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    });
}

#[test]
fn when_the_server_redirects_to_the_url_that_was_asked_for() {
    keeps_it(|_, mut peer| {
        let request = peer.request();
        let target = request.split(' ').nth(1).unwrap();
        peer.write(format!(
            "HTTP/1.1 301 Moved Permanently\r\nLocation: https://example.org{target}\r\n\
             Content-Length: 0\r\n\r\n"
        ));
    });
}

#[test]
fn when_the_server_answers_a_header_that_repeats_the_token_in_nonsense() {
    keeps_it(|_, mut peer| {
        peer.request();
        peer.write(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: {CANARY}\r\nX-{CANARY}: {CANARY}\r\n\r\n"
        ));
    });
}

#[test]
fn when_nothing_listens() {
    keeps_it_refused(|address| format!("ws://{address}/feed?token={CANARY}"));
}

#[track_caller]
fn keeps_it_refused(url: fn(std::net::SocketAddr) -> String) {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut connection = dial_with(Dialer::new(&url(address)).unwrap()).build();
    let events =
        crate::watch::until(&mut connection, |event| matches!(event, Event::DialFailed(_)));
    let shown = show(&connection, &events);
    assert!(shown.contains("/feed") && !shown.contains(CANARY), "{shown}");
}

#[test]
fn when_it_cannot_be_put_into_a_request() {
    let bad = format!("{CANARY}\n");
    let dialer = Dialer::new("ws://127.0.0.1:9/").unwrap();
    let error = dialer.with_header("Authorization", &bad).unwrap_err();
    assert!(matches!(error, HeaderError::InvalidValue { .. }));
    assert!(!format!("{error} {error:?}").contains(CANARY));
    for url in [
        format!("ws://127.0.0.1/?token={CANARY}\n"),
        format!("ws://{CANARY}:{CANARY}@127.0.0.1/"),
        format!("wss://127.0.0.1/?token={CANARY}\n"),
        format!("ws://127.0.0.1/#{CANARY}"),
    ] {
        let error = Dialer::new(&url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
    }
}
