//! What a request says of who makes it.

use steadfast::transport::{HeaderError, QueryNameError};

use crate::{
    server::{Server, header},
    watch::{connection, dialer, failed, open},
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
