use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use async_tungstenite::tungstenite::Message;

use crate::server::{Ended, Server, echo, ended};

fn answer_to(server: &Server, request: &str) -> String {
    let mut stream = server.tcp();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn still_answers(server: &Server) {
    assert_eq!(echo(&mut server.connect(), "?").unwrap(), Message::text("?"));
}

#[test]
fn a_browser_is_told_that_this_is_a_web_socket_server() {
    let server = Server::start(&[]);
    let answer = answer_to(&server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n"));
    assert!(answer.ends_with("this is a WebSocket server\n"), "{answer}");
}

#[test]
fn what_is_no_request_is_answered_with_400() {
    let server = Server::start(&[]);
    let answer = answer_to(&server, "POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    still_answers(&server);
}

#[test]
fn a_request_without_end_is_not_read_for_ever() {
    let server = Server::start(&[]);
    let mut stream = server.tcp();
    let line = format!("X-Padding: {}\r\n", "x".repeat(1_000));
    let written = (0..10_000).take_while(|_| stream.write_all(line.as_bytes()).is_ok()).count();
    assert!(written < 10_000, "ten megabytes of headers were read");
    still_answers(&server);
}

#[test]
fn a_message_that_is_too_long_is_answered_with_1009() {
    let server = Server::start(&["--max-message", "1000"]);
    let mut client = server.connect();
    assert_eq!(echo(&mut client, &"x".repeat(1_000)).unwrap().len(), 1_000);
    assert_eq!(ended(echo(&mut client, &"x".repeat(1_001))), Ended::Closed(1009));
}

#[test]
fn who_breaks_the_protocol_is_told_so() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.get_mut().write_all(&[0xff, 0x80, 0, 0, 0, 0]).unwrap();
    assert_eq!(ended(client.read()), Ended::Closed(1002));
}

#[test]
fn connections_beyond_the_limit_wait_for_one_to_end() {
    let server = Server::start(&["--max-connections", "2"]);
    let (first, mut second) = (server.connect(), server.connect());
    let waiting: TcpStream = server.tcp();
    waiting.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    (&waiting).write_all(request.as_bytes()).unwrap();
    let error = (&waiting).read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    assert!(echo(&mut second, "?").is_ok());
    drop(first);
    waiting.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!((&waiting).read(&mut [0]).unwrap(), 1);
}

/// Sends for as long as the server takes it, and reads nothing.
fn flood(server: &Server, message: &Message) -> usize {
    let mut client = server.connect();
    client.get_mut().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    (0..100_000).take_while(|_| client.send(message.clone()).is_ok()).count()
}

#[test]
fn a_client_that_sends_and_never_reads_is_not_read_any_further() {
    let server = Server::start(&[]);
    let sent = flood(&server, &Message::binary(vec![0; 64 << 10]));
    assert!(sent < 100_000, "six gigabytes were read");
    still_answers(&server);
    #[cfg(target_os = "linux")]
    assert!(server.peak_memory() < 32 << 10, "{} KiB", server.peak_memory());
}

#[test]
fn a_client_that_pings_and_never_reads_is_not_read_any_further() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.get_mut().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let pings = [0x89, 0xfd, 0, 0, 0, 0].into_iter().chain([b'x'; 125]).collect::<Vec<u8>>();
    let pings = pings.repeat(1_000);
    let sent = (0..10_000).take_while(|_| client.get_mut().write_all(&pings).is_ok()).count();
    assert!(sent < 10_000, "a gigabyte of pings was read");
    still_answers(&server);
    #[cfg(target_os = "linux")]
    assert!(server.peak_memory() < 32 << 10, "{} KiB", server.peak_memory());
}

#[test]
fn a_client_that_never_stops_does_not_keep_others_from_being_served() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let mut reader = client.get_mut().try_clone().unwrap();
    let reading = std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(1..) = reader.read(&mut buffer) {}
    });
    let flooding = std::thread::spawn(move || {
        let frames = [0x82, 0x80, 0, 0, 0, 0].repeat(10_000);
        while client.get_mut().write_all(&frames).is_ok() {}
    });
    for _ in 0..5 {
        still_answers(&server);
    }
    drop(server);
    flooding.join().unwrap();
    reading.join().unwrap();
}

#[test]
fn events_that_nobody_reads_hold_up_nobody() {
    let mut server = Server::start(&[]);
    let mut client = server.connect();
    let long = "x".repeat(100_000);
    for _ in 0..100 {
        assert_eq!(echo(&mut client, &long).unwrap().len(), long.len());
    }
    // As soon as they are read, what was missed is told.
    let up = server.line();
    assert!(up.contains(r#""event":"up""#), "{up}");
    for _ in 0..100 {
        let _ = echo(&mut client, "?").unwrap();
        if server.line().contains(r#""event":"missed""#) {
            return;
        }
    }
    panic!("nothing was said of what was missed");
}
