//! Servers that send without end, or take nothing.

use futures::{SinkExt, StreamExt};
use steadfast::{ClosedReason, client::Message};

use crate::{
    server::{CLOSE, PING, PONG, Peer, Server},
    watch::{bounded, closed, dial, down, open},
};

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
fn a_flood_of_pings_cannot_keep_the_client_from_stopping() {
    let server = Server::upgraded(|mut peer| {
        let mut reader = Peer { stream: peer.stream.try_clone().unwrap() };
        let reading = std::thread::spawn(move || {
            let frames = reader.read_frames();
            let pongs = frames.iter().filter(|(opcode, _)| *opcode == PONG).count();
            let closes = frames.iter().filter(|(opcode, _)| *opcode == CLOSE).count();
            (pongs, closes)
        });
        let pings: Vec<u8> = [0x89, 0x04, 1, 2, 3, 4].repeat(200);
        let mut sent = 0;
        while peer.write(&pings) {
            sent += 200;
        }
        (sent + 200, reading.join().unwrap())
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    until_pings_came(&mut connection);
    connection.stop();
    assert_eq!(closed(&mut connection), ClosedReason::Stopped);
    drop(connection);
    let (pings, (pongs, closes)) = server.join_one();
    assert!(pongs <= pings, "{pongs} pongs for {pings} pings");
    assert_eq!(closes, 1);
}

/// Polls for a while, as an application that waits for a message would.
fn until_pings_came(connection: &mut crate::watch::Client) {
    bounded(async {
        let pause = async_io::Timer::after(std::time::Duration::from_millis(50));
        futures::future::select(pause, connection.next()).await;
    });
}

#[test]
fn a_server_that_does_not_read_makes_send_wait() {
    let (release, hold) = std::sync::mpsc::channel::<()>();
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
            let pause = async_io::Timer::after(std::time::Duration::from_millis(200));
            match futures::future::select(sending, pause).await {
                futures::future::Either::Left((sent, _)) => sent.unwrap(),
                futures::future::Either::Right(_) => break,
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
