//! A peer that is slow but there.

use std::{thread, time::Duration};

use steadfast::{ClosedReason, Config, FailureKind, Heartbeat, Timeout, client::Event};

use crate::{
    server::{BINARY, CLOSE, CONTINUATION, Server, TEXT, close_code, frame},
    watch::{closed, config, dial, down, open, until},
};

/// A silent peer is given up after 450 ms.
fn heartbeat() -> Config {
    let heartbeat = Heartbeat::default()
        .with_interval(Duration::from_millis(150))
        .with_pong_timeout(Duration::from_millis(150));
    config().to_builder().with_heartbeat(heartbeat).build().unwrap()
}

#[test]
fn a_frame_that_takes_longer_than_the_heartbeat_allows_is_not_silence() {
    let server = Server::upgraded(|mut peer| {
        let length: u16 = 40_000;
        peer.write([0x82, 126]);
        peer.write(length.to_be_bytes());
        for _ in 0..40 {
            peer.write(vec![7; 1_000]);
            thread::sleep(Duration::from_millis(30));
        }
        peer.drain();
    });
    let heartbeat = Heartbeat::default()
        .with_interval(Duration::from_millis(400))
        .with_pong_timeout(Duration::from_millis(200));
    let config = Config::builder().with_heartbeat(heartbeat).build().unwrap();
    let mut connection = dial(&server.url()).with_config(config).build();
    let events =
        until(&mut connection, |event| matches!(event, Event::Down(_) | Event::Message(_)));
    assert!(
        matches!(events.last(), Some(Event::Message(message)) if message.len() == 40_000),
        "{events:?}"
    );
    drop(connection);
    server.join_one();
}

#[test]
fn a_frame_byte_by_byte_is_a_sign_of_life_at_each_byte() {
    let server = Server::upgraded(|mut peer| {
        for byte in frame(0x80 | TEXT, b"hello, patient one") {
            peer.write([byte]);
            thread::sleep(Duration::from_millis(50));
        }
        peer.drain();
    });
    let mut connection = dial(&server.url()).with_config(heartbeat()).build();
    let last = |event: &Event| matches!(event, Event::Down(_) | Event::Message(_));
    let events = until(&mut connection, last);
    let Some(Event::Message(message)) = events.last() else { panic!("{events:?}") };
    assert_eq!(message.as_text(), Some("hello, patient one"));
    drop(connection);
    server.join();
}

#[test]
fn a_frame_that_stops_at_any_byte_is_silence() {
    let bytes = [frame(TEXT, b"be"), frame(CONTINUATION, b""), frame(0x80, b"gin")].concat();
    // All at once: each waits for its own heartbeat.
    let attempts = (0..bytes.len()).map(|count| {
        let sent = bytes[..count].to_vec();
        thread::spawn(move || {
            let server = Server::upgraded(move |mut peer| {
                peer.write(sent);
                peer.drain();
            });
            let mut connection = dial(&server.url()).with_config(heartbeat()).build();
            let down = down(&mut connection);
            drop(connection);
            server.join();
            (down.failure.unwrap().kind(), down.uptime)
        })
    });
    for (count, attempt) in attempts.collect::<Vec<_>>().into_iter().enumerate() {
        let (kind, uptime) = attempt.join().unwrap();
        assert_eq!(kind, FailureKind::Timeout(Timeout::Heartbeat), "after {count} bytes");
        let margin = Duration::from_secs(2);
        let patience = Duration::from_millis(450);
        assert!(uptime >= patience && uptime < patience + margin, "{count}: {uptime:?}");
    }
}

#[test]
fn an_answer_to_our_close_that_comes_byte_by_byte_cannot_put_off_the_end() {
    let server = Server::upgraded(|mut peer| {
        let close = peer.read_frame();
        let words = frame(0x80 | BINARY, &[7; 60]);
        for byte in words.into_iter().cycle().take(300) {
            if !peer.write([byte]) {
                return (close, true);
            }
            thread::sleep(Duration::from_millis(10));
        }
        (close, false)
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    connection.stop();
    assert_eq!(closed(&mut connection), ClosedReason::Stopped);
    drop(connection);
    let (close, left) = server.join_one();
    let (opcode, payload) = close.expect("a Close");
    assert_eq!((opcode, close_code(&payload)), (CLOSE, 1000));
    assert!(left, "the client stayed");
}
