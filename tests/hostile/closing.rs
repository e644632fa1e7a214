//! Servers that leave, stay silent, or do not let go.

use std::{io::Write, time::Duration};

use futures::StreamExt;
use steadfast::{
    CloseCode, ClosedReason, Config, FailureKind, Heartbeat, Timeout,
    client::{CloseFrame, Event, Message},
};

use crate::{
    server::{CLOSE, PING, Server, TEXT, close_code},
    watch::{self, bounded, closed, dial, down, open, until},
};

#[test]
fn a_final_close_is_told_as_fatal() {
    let server = Server::upgraded(|mut peer| {
        peer.close(4500, "");
        peer.drain();
    });
    let failure = FailureKind::Closed(CloseCode::new(4500)).into();
    assert_eq!(closed(&mut dial(&server.url()).build()), ClosedReason::Fatal(failure));
    server.join();
}

#[test]
fn a_server_that_comes_back_is_found_again() {
    let server = Server::start(3, |index, mut peer| {
        peer.upgrade();
        peer.frame(TEXT, index.to_string().as_bytes());
        peer.close(1001, "");
        peer.drain();
    });
    let mut connection = dial(&server.url()).build();
    let mut messages = Vec::new();
    for n in 0..3 {
        let events = until(&mut connection, |event| matches!(event, Event::Down(_)));
        let up = events.iter().find_map(|event| match event {
            Event::Up(up) => Some(up.reconnected),
            _ => None,
        });
        assert_eq!(up, Some(n > 0));
        messages.extend(events.iter().filter_map(|event| match event {
            Event::Message(message) => message.as_text().map(ToOwned::to_owned),
            _ => None,
        }));
    }
    assert_eq!(messages, ["0", "1", "2"]);
    server.join();
}

#[test]
fn a_server_that_ends_without_a_close_is_told_as_abnormal() {
    let server = Server::upgraded(|mut peer| {
        peer.frame(TEXT, b"and then");
    });
    let down = down(&mut dial(&server.url()).build());
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::ABNORMAL));
    assert!(watch::retries(down.next));
    server.join();
}

#[test]
fn a_server_that_resets_is_told_as_a_reset() {
    let (sent, wait) = std::sync::mpsc::channel::<()>();
    let server = Server::upgraded(move |peer| {
        wait.recv().unwrap();
        // Closing a socket with unread data in it makes the system send a reset.
        let mut one = [0];
        peer.stream.peek(&mut one).unwrap();
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    bounded(futures::SinkExt::send(&mut connection, Message::text("never read"))).unwrap();
    sent.send(()).unwrap();
    let down = down(&mut connection);
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Reset);
    assert!(watch::retries(down.next));
    server.join();
}

#[test]
fn a_server_that_neither_reads_nor_answers_is_found_out() {
    let heartbeat = Heartbeat::default()
        .with_interval(Duration::from_millis(60))
        .with_pong_timeout(Duration::from_millis(40));
    let config = Config::builder().with_heartbeat(heartbeat).build().unwrap();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let server = Server::upgraded(move |mut peer| {
        let _ = wait.recv();
        peer.read_frames()
    });
    let mut connection = dial(&server.url()).with_config(config).build();
    let down = down(&mut connection);
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Timeout(Timeout::Heartbeat));
    assert!(watch::retries(down.next));
    drop(connection);
    done.send(()).unwrap();
    let frames = server.join_one();
    assert_eq!(frames.iter().map(|(opcode, _)| *opcode).collect::<Vec<_>>(), [PING, PING]);
    assert_ne!(frames[0].1, frames[1].1);
}

#[test]
fn a_server_that_answers_pings_is_left_alone() {
    let heartbeat = Heartbeat::default()
        .with_interval(Duration::from_millis(20))
        .with_pong_timeout(Duration::from_secs(2));
    let config = Config::builder().with_heartbeat(heartbeat).build().unwrap();
    let server = Server::upgraded(|mut peer| {
        for _ in 0..5 {
            let (opcode, payload) = peer.read_frame().unwrap();
            assert_eq!(opcode, PING);
            peer.frame(0xa, &payload);
        }
        peer.close(1000, "");
        peer.drain();
    });
    let mut connection = dial(&server.url()).with_config(config).build();
    let events = until(&mut connection, |event| matches!(event, Event::Down(_)));
    let round_trips = events.iter().filter(|event| matches!(event, Event::RoundTrip(_))).count();
    assert_eq!(round_trips, 5);
    drop(connection);
    server.join();
}

#[test]
fn a_server_that_never_answers_our_close_is_left_in_time() {
    let server = Server::upgraded(|mut peer| {
        let close = peer.read_frame();
        peer.drain();
        close
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    connection.stop_with(CloseFrame::new(CloseCode::new(4321), "bye"));
    let events = until(&mut connection, |_| false);
    assert!(matches!(&events[0], Event::Down(down) if down.failure.is_none()), "{events:?}");
    assert!(matches!(events[1], Event::Closed { reason: ClosedReason::Stopped }), "{events:?}");
    drop(connection);
    let (opcode, payload) = server.join_one().expect("a Close");
    assert_eq!((opcode, close_code(&payload), &payload[2..]), (CLOSE, 4321, &b"bye"[..]));
}

#[test]
fn a_server_that_keeps_talking_cannot_put_off_the_end() {
    let server = Server::upgraded(|mut peer| {
        let word = [0x81, 0x01, b'x'].repeat(100);
        while peer.stream.write_all(&word).is_ok() {}
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    connection.stop();
    assert_eq!(closed(&mut connection), ClosedReason::Stopped);
    drop(connection);
    server.join();
}

#[test]
fn dropping_the_connection_drops_the_socket() {
    let server = Server::upgraded(|mut peer| peer.read_frames());
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    bounded(async {
        let pause = async_io::Timer::after(Duration::from_millis(10));
        futures::future::select(pause, connection.next()).await;
    });
    drop(connection);
    assert!(server.join_one().is_empty());
}
