//! What a request says of who makes it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use steadfast::{
    Config, FailureKind, Heartbeat, Timeout,
    client::{Builder, Event, SessionId},
    transport::{AsyncIoClock, HeaderError, QueryNameError},
};

use crate::{
    server::{Peer, Server, TEXT, header},
    watch::{connection, dialer, failed, next, open},
};

/// One that refuses all requests but the last, and what they were.
fn server(count: usize) -> Server<String> {
    Server::start(count, move |index, mut peer| {
        if index + 1 == count {
            return peer.upgrade();
        }
        let request = peer.request();
        peer.write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        request
    })
}

#[test]
fn each_request_tells_the_same_session_and_a_number_that_grows() {
    let server = server(3);
    let dialer = dialer(&format!("{}feed?topic=x", server.url()))
        .with_session_header("Session-Id")
        .unwrap()
        .with_session_query("who are you")
        .unwrap();
    let mut client = connection(dialer);
    failed(&mut client);
    failed(&mut client);
    open(&mut client);
    let session = client.session();
    drop(client);
    let mut epochs = Vec::new();
    for request in server.join() {
        let value = header(&request, "session-id").unwrap();
        let line = format!("GET /feed?topic=x&who%20are%20you={value} HTTP/1.1");
        assert_eq!(request.lines().next(), Some(line.as_str()));
        let (id, epoch) = value.split_once('.').unwrap();
        assert_eq!(id.parse(), Ok(session));
        epochs.push(epoch.parse::<u64>().unwrap());
    }
    assert_eq!(epochs, [1, 2, 3]);
}

#[test]
fn a_server_can_let_go_of_the_stale_twin_of_a_client_that_is_back() {
    let twins: Arc<Mutex<HashMap<SessionId, (u64, Peer)>>> = Arc::default();
    let server = Server::start(2, {
        let twins = twins.clone();
        move |_, mut peer| {
            let request = peer.upgrade();
            let (id, number) = header(&request, "session-id").unwrap().split_once('.').unwrap();
            let (id, number) = (id.parse().unwrap(), number.parse().unwrap());
            // Nothing is ever read from it: the first link is half open, and the server would keep it.
            peer.frame(TEXT, b"welcome");
            let stale = twins.lock().unwrap().insert(id, (number, peer));
            stale.map(|(earlier, _)| (earlier, number))
        }
    });
    let heartbeat = Heartbeat::default()
        .with_interval(Duration::from_millis(100))
        .with_pong_timeout(Duration::from_millis(100));
    let config = Config::builder().with_heartbeat(heartbeat).build().unwrap();
    let dialer = dialer(&server.url()).with_session_header("Session-Id").unwrap();
    let mut client = Builder::new(dialer, AsyncIoClock::new()).with_config(config).build();
    let mut welcomes = 0;
    let mut silences = 0;
    while welcomes < 2 {
        match next(&mut client) {
            Some(Event::Message(_)) => welcomes += 1,
            Some(Event::Down(down)) => {
                let kind = down.failure.unwrap().kind();
                assert_eq!(kind, FailureKind::Timeout(Timeout::Heartbeat));
                silences += 1;
            }
            Some(Event::Dialing { .. } | Event::Up(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(silences, 1);
    assert_eq!(server.join(), [None, Some((1, 2))]);
    let twins = twins.lock().unwrap();
    assert_eq!(twins.keys().copied().collect::<Vec<_>>(), [client.session()]);
}

#[test]
fn the_session_takes_the_place_of_a_header_of_its_name() {
    let server = server(1);
    let dialer = dialer(&server.url()).with_header("Session-Id", "mine").unwrap();
    let mut client = connection(dialer.with_session_header("session-id").unwrap());
    open(&mut client);
    drop(client);
    let request = server.join_one();
    assert!(!request.contains("mine"), "{request}");
    assert!(header(&request, "session-id").unwrap().ends_with(".1"), "{request}");
}

#[test]
fn without_being_told_to_a_dialer_says_nothing_of_the_session() {
    let server = server(1);
    let mut client = connection(dialer(&server.url()));
    open(&mut client);
    let session = client.session().to_string();
    drop(client);
    assert!(!server.join_one().contains(&session));
}

#[test]
fn names_that_cannot_carry_the_session_are_refused() {
    let dialer = dialer("ws://127.0.0.1:9/?session=1");
    for name in ["Host", "Sec-WebSocket-Key", "Upgrade"] {
        let error = dialer.clone().with_session_header(name).unwrap_err();
        assert!(matches!(error, HeaderError::Reserved { .. }), "{name}: {error}");
    }
    for name in ["", "a b", "a\r\nb"] {
        let error = dialer.clone().with_session_header(name).unwrap_err();
        assert!(matches!(error, HeaderError::InvalidName { .. }), "{name:?}: {error}");
    }
    let query = |name| dialer.clone().with_session_query(name).unwrap_err();
    assert_eq!(query(""), QueryNameError::Empty);
    assert_eq!(query("session"), QueryNameError::Taken);
}
