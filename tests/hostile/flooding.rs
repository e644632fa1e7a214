//! Servers that send without end, or take nothing.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use async_io::Timer;
use futures::{
    FutureExt, SinkExt, StreamExt,
    future::{Either, select},
};
use steadfast::{
    ClosedReason, Config, FailureKind, Heartbeat, Timeout,
    client::{Event, Message},
};

use crate::{
    server::{BINARY, CLOSE, CONTINUATION, PING, PONG, Peer, Server, TEXT, frame},
    watch::{Client, bounded, closed, config, dial, down, open, until},
};

/// Sends these bytes again and again, until the client has left or, if it does not, for 4 s.
/// Answers whether it has left.
fn flood(peer: &mut Peer, bytes: &[u8]) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        if !peer.write(bytes) {
            return true;
        }
    }
    false
}

/// Polls for a while, as an application that waits for a message would.
fn wait(connection: &mut Client) {
    let events = bounded(async {
        let pause = Timer::after(Duration::from_millis(50));
        let events = connection.by_ref().take_until(pause);
        events.collect::<Vec<_>>().await
    });
    assert!(events.iter().all(|event| matches!(event, Event::Message(_))), "{events:?}");
}

/// Expects that an application can wait, and then stop, while the server sends `begin` and then
/// `bytes` without end.
#[track_caller]
fn can_be_stopped_during(begin: Vec<u8>, bytes: Vec<u8>) {
    let server = Server::upgraded(move |mut peer| {
        peer.write(begin);
        let mut reader = Peer { stream: peer.stream.try_clone().unwrap() };
        let reading = thread::spawn(move || reader.read_closes());
        let left = flood(&mut peer, &bytes);
        drop(peer);
        (left, reading.join().unwrap())
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    wait(&mut connection);
    connection.stop();
    assert_eq!(closed(&mut connection), ClosedReason::Stopped);
    drop(connection);
    let (left, closes) = server.join_one();
    assert!(left, "the client heard the server out");
    assert_eq!(closes, [1000]);
}

#[test]
fn messages_without_end_cannot_keep_an_application_from_stopping() {
    can_be_stopped_during(Vec::new(), frame(0x80 | TEXT, b"word").repeat(1_000));
}

#[test]
fn pings_and_pongs_without_end_cannot_keep_an_application_from_stopping() {
    for opcode in [PING, PONG] {
        can_be_stopped_during(Vec::new(), frame(0x80 | opcode, b"").repeat(1_000));
    }
}

#[test]
fn a_message_of_endless_empty_fragments_cannot_keep_an_application_from_stopping() {
    for opcode in [TEXT, BINARY] {
        can_be_stopped_during(frame(opcode, b""), frame(CONTINUATION, b"").repeat(10_000));
    }
}

#[test]
fn a_message_of_endless_short_fragments_cannot_keep_an_application_from_stopping() {
    for opcode in [TEXT, BINARY] {
        can_be_stopped_during(frame(opcode, b""), frame(CONTINUATION, b"x").repeat(10_000));
    }
}

#[test]
fn a_message_of_endless_empty_fragments_is_a_sign_of_life() {
    let server = Server::upgraded(|mut peer| {
        peer.write(frame(BINARY, b""));
        for _ in 0..40 {
            peer.write(frame(CONTINUATION, b""));
            thread::sleep(Duration::from_millis(10));
        }
        peer.write(frame(0x80 | CONTINUATION, b"end"));
        peer.drain();
    });
    let mut connection = dial(&server.url()).with_config(quick_heartbeat()).build();
    let last = |event: &Event| matches!(event, Event::Down(_) | Event::Message(_));
    let events = until(&mut connection, last);
    assert!(matches!(events.last(), Some(Event::Message(_))), "{events:?}");
    drop(connection);
    server.join();
}

/// A silent peer is given up after 300 ms.
fn quick_heartbeat() -> Config {
    let heartbeat = Heartbeat::default()
        .with_interval(Duration::from_millis(100))
        .with_pong_timeout(Duration::from_millis(100));
    config().to_builder().with_heartbeat(heartbeat).build().unwrap()
}

#[test]
fn a_flood_of_pings_is_answered_and_holds_up_no_message() {
    const PINGS: u32 = 100_000;
    let server = Server::upgraded(|mut peer| {
        let mut reader = Peer { stream: peer.stream.try_clone().unwrap() };
        let reading = thread::spawn(move || reader.read_frames());
        for hundred in 0..PINGS / 100 {
            let pings = (0..100).map(|n| frame(0x80 | PING, &(hundred * 100 + n).to_be_bytes()));
            peer.write(pings.collect::<Vec<_>>().concat());
        }
        peer.frame(TEXT, b"after all");
        reading.join().unwrap()
    });
    let mut connection = dial(&server.url()).build();
    let events = until(&mut connection, |event| matches!(event, Event::Message(_)));
    assert!(matches!(events.last(), Some(Event::Message(_))), "{events:?}");
    connection.stop();
    assert_eq!(closed(&mut connection), ClosedReason::Stopped);
    drop(connection);
    let frames = server.join_one();
    let pongs: Vec<_> = frames.iter().filter(|(opcode, _)| *opcode == PONG).collect();
    assert!(pongs.is_sorted(), "answers are out of order");
    // Of those that are answered together, the last is (RFC 6455 §5.5.3).
    assert_eq!(pongs.last().expect("an answer").1, (PINGS - 1).to_be_bytes());
    assert_eq!(frames.last(), Some(&(CLOSE, 1000_u16.to_be_bytes().to_vec())));
}

#[test]
fn a_server_that_pings_and_does_not_read_is_found_out_by_the_heartbeat() {
    let (done, hold) = mpsc::channel::<()>();
    let server = Server::upgraded(move |mut peer| {
        // Its Pongs fill all that the system holds for us, and then nobody reads them.
        let left = flood(&mut peer, &frame(0x80 | PING, &[7; 125]).repeat(100));
        let _ = hold.recv();
        left
    });
    let mut connection = dial(&server.url()).with_config(quick_heartbeat()).build();
    let down = down(&mut connection);
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Timeout(Timeout::Heartbeat));
    drop(connection);
    done.send(()).unwrap();
    assert!(server.join_one());
}

#[test]
fn a_server_that_pings_and_reads_late_is_forgiven() {
    const PINGS: u32 = 100_000;
    let server = Server::upgraded(|mut peer| {
        let mut reader = Peer { stream: peer.stream.try_clone().unwrap() };
        let reading = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            reader.read_frames()
        });
        for n in 0..PINGS {
            peer.write(frame(0x80 | PING, &[&[7; 121][..], &n.to_be_bytes()].concat()));
        }
        peer.frame(TEXT, b"after all");
        reading.join().unwrap()
    });
    let mut connection = dial(&server.url()).build();
    let events = until(&mut connection, |event| matches!(event, Event::Message(_)));
    assert!(matches!(events.last(), Some(Event::Message(_))), "{events:?}");
    drop(connection);
    let frames = server.join_one();
    assert!(frames.iter().all(|(opcode, _)| *opcode == PONG));
}

#[test]
fn every_ping_is_answered_with_its_payload_or_a_later_ones() {
    let server = Server::upgraded(|mut peer| {
        peer.frame(PING, b"one");
        let answer = peer.read_frame();
        peer.close(1000, "");
        peer.drain();
        answer
    });
    let mut connection = dial(&server.url()).build();
    down(&mut connection);
    drop(connection);
    assert_eq!(server.join_one(), Some((PONG, b"one".to_vec())));
}

#[test]
fn a_server_that_does_not_read_makes_send_wait() {
    let (release, hold) = mpsc::channel::<()>();
    let server = Server::upgraded(move |mut peer| {
        let _ = hold.recv();
        let mut received = 0_usize;
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = std::io::Read::read(&mut peer.stream, &mut buffer) {
            received += read;
        }
        received
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    let chunk = vec![0_u8; 1 << 16];
    let mut accepted = 0_usize;
    bounded(async {
        loop {
            let sending = connection.send(Message::from(chunk.clone()));
            let pause = Timer::after(Duration::from_millis(200));
            match select(sending, pause).await {
                Either::Left((sent, _)) => sent.unwrap(),
                Either::Right(_) => break,
            }
            accepted += chunk.len();
            assert!(accepted < 256 << 20, "there is no back-pressure");
        }
    });
    release.send(()).unwrap();
    bounded(connection.flush()).unwrap();
    drop(connection);
    assert!(server.join_one() >= accepted);
}

#[test]
fn a_server_that_never_reads_is_found_out_by_the_heartbeat_while_messages_wait() {
    let (done, hold) = mpsc::channel::<()>();
    let server = Server::upgraded(move |_peer| {
        let _ = hold.recv();
    });
    let mut connection = dial(&server.url()).with_config(quick_heartbeat()).build();
    open(&mut connection);
    let chunk = Message::from(vec![0_u8; 1 << 16]);
    let error = bounded(async {
        loop {
            if let Err(error) = connection.send(chunk.clone()).await {
                break error;
            }
        }
    });
    assert!(error.to_string().contains("unwritten"), "{error}");
    let down = down(&mut connection);
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Timeout(Timeout::Heartbeat));
    assert!(down.unflushed > 0);
    drop(connection);
    done.send(()).unwrap();
    server.join();
}

#[test]
fn a_server_that_never_reads_cannot_put_off_the_end() {
    let (done, hold) = mpsc::channel::<()>();
    let server = Server::upgraded(move |_peer| {
        let _ = hold.recv();
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    let chunk = Message::from(vec![0_u8; 1 << 20]);
    bounded(async {
        let pause = Timer::after(Duration::from_millis(100));
        let sending = async { while connection.send(chunk.clone()).await.is_ok() {} };
        select(Box::pin(sending), pause).await;
    });
    connection.stop();
    assert_eq!(closed(&mut connection), ClosedReason::Stopped);
    drop(connection);
    done.send(()).unwrap();
    server.join();
}

#[test]
fn a_server_that_pings_and_reads_is_heard_while_the_application_never_stops_sending() {
    let (fill, filled) = mpsc::channel::<()>();
    let server = Server::upgraded(move |mut peer| {
        filled.recv().unwrap();
        let mut reader = Peer { stream: peer.stream.try_clone().unwrap() };
        // Twice as many as may wait, and then something to be heard.
        peer.write(frame(0x80 | PING, b"").repeat(512));
        peer.frame(TEXT, b"enough");
        thread::sleep(Duration::from_millis(50));
        reader.drain();
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    let chunk = Message::from(vec![0_u8; 1 << 20]);
    bounded(async {
        let sending = async { while connection.feed(chunk.clone()).await.is_ok() {} };
        select(Box::pin(sending), Timer::after(Duration::from_millis(100))).await;
    });
    fill.send(()).unwrap();
    bounded(async {
        loop {
            connection.feed(chunk.clone()).await.unwrap();
            match connection.next().now_or_never() {
                Some(Some(Event::Message(message))) => break assert_eq!(message.len(), 6),
                None => {}
                other => panic!("{other:?}"),
            }
        }
    });
    drop(connection);
    server.join();
}
