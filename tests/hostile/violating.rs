//! Servers that break the protocol once they are in.

use futures::{SinkExt, StreamExt};
use steadfast::{
    CloseCode, ClosedReason, FailureKind, Next,
    client::{Event, Message},
    transport::{Dialer, Limits},
};

use crate::{
    server::{CLOSE, PING, PONG, Peer, Server, TEXT, close_code},
    watch::{bounded, closed, dial, dial_with, down, open, until},
};

/// Sends raw bytes on an open connection, and expects to be left with this code.
#[track_caller]
fn violates(bytes: &'static [u8], code: CloseCode) {
    let server = Server::upgraded(move |mut peer: Peer| {
        peer.write(bytes);
        peer.read_closes()
    });
    let mut connection = dial_with(limited(&server.url())).build();
    let down = down(&mut connection);
    let failure = down.failure.expect("a failure");
    assert_eq!(failure.kind(), FailureKind::Violation(code), "{bytes:02x?}");
    assert_eq!(down.next, Next::Closed);
    assert!(down.error.is_some());
    assert_eq!(closed(&mut connection), ClosedReason::Fatal(failure));
    drop(connection);
    assert_eq!(server.join_one(), [code.get()], "what the server saw of {bytes:02x?}");
}

fn limited(url: &str) -> Dialer {
    let mut limits = Limits::default();
    (limits.max_message_size, limits.max_frame_size) = (1_000, 1_000);
    Dialer::new(url).unwrap().with_limits(limits)
}

#[test]
fn a_masked_frame_is_a_protocol_error() {
    violates(&[0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2], CloseCode::PROTOCOL_ERROR);
}

#[test]
fn a_reserved_bit_is_a_protocol_error() {
    violates(&[0xc1, 0x02, b'h', b'i'], CloseCode::PROTOCOL_ERROR);
    violates(&[0x91, 0x02, b'h', b'i'], CloseCode::PROTOCOL_ERROR);
}

#[test]
fn a_reserved_opcode_is_a_protocol_error() {
    violates(&[0x83, 0x00], CloseCode::PROTOCOL_ERROR);
    violates(&[0x8b, 0x00], CloseCode::PROTOCOL_ERROR);
}

#[test]
fn a_length_that_nobody_can_hold_is_too_big() {
    violates(&[0x82, 0x7f, 0x40, 0, 0, 0, 0, 0, 0, 0], CloseCode::MESSAGE_TOO_BIG);
}

#[test]
fn a_message_beyond_the_limit_is_too_big() {
    violates(&[0x82, 0x7e, 0x03, 0xe9], CloseCode::MESSAGE_TOO_BIG);
}

#[test]
fn fragments_that_add_up_beyond_the_limit_are_too_big() {
    let mut bytes = vec![0x02, 0x7e, 0x03, 0x20];
    bytes.resize(bytes.len() + 800, b'x');
    bytes.extend([0x80, 0x7e, 0x03, 0x20]);
    bytes.resize(bytes.len() + 800, b'x');
    violates(bytes.leak(), CloseCode::MESSAGE_TOO_BIG);
}

#[test]
fn text_that_is_not_utf_8_is_an_invalid_payload() {
    violates(&[0x81, 0x02, 0xc3, 0x28], CloseCode::INVALID_PAYLOAD);
}

#[test]
fn a_fragmented_control_frame_is_a_protocol_error() {
    violates(&[0x09, 0x00], CloseCode::PROTOCOL_ERROR);
}

#[test]
fn a_control_frame_that_is_too_long_is_a_protocol_error() {
    let mut bytes = vec![0x89, 0x7e, 0x00, 0x7e];
    bytes.resize(bytes.len() + 126, 0);
    violates(bytes.leak(), CloseCode::PROTOCOL_ERROR);
}

#[test]
fn a_continuation_of_nothing_is_a_protocol_error() {
    violates(&[0x80, 0x01, b'x'], CloseCode::PROTOCOL_ERROR);
}

#[test]
fn messages_before_the_violation_are_delivered() {
    let server = Server::upgraded(|mut peer| {
        peer.frame(TEXT, b"fine");
        peer.write([0xc1, 0x00]);
        peer.read_closes()
    });
    let events = until(&mut dial(&server.url()).build(), |_| false);
    let told =
        |event: &Event| matches!(event, Event::Message(text) if text.as_text() == Some("fine"));
    assert!(told(&events[2]) && matches!(events[3], Event::Down(_)), "{events:?}");
    assert_eq!(server.join_one(), [1002]);
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

#[test]
fn a_close_that_is_malformed_is_a_protocol_error() {
    let unknown_codes = [&[0x03, 0xe7], &[0x03, 0xed]];
    let (one_byte, no_text) = (&[0x03][..], &[0x03, 0xe8, 0xff][..]);
    for payload in [one_byte, no_text, unknown_codes[0], unknown_codes[1]] {
        // A code that may only be new to the library below is no reason to stop for good.
        let may_be_new = payload.len() == 2;
        let payload = payload.to_vec();
        let server = Server::upgraded(move |mut peer| {
            peer.frame(CLOSE, &payload);
            let close = peer.read_frames().into_iter().find(|(opcode, _)| *opcode == CLOSE);
            close.map(|(_, payload)| close_code(&payload))
        });
        let mut connection = dial(&server.url()).build();
        assert_eq!(matches!(down(&mut connection).next, Next::Closed), !may_be_new);
        drop(connection);
        let code = server.join_one();
        assert!(matches!(code, Some(1002 | 1007)), "{code:?}");
    }
}
