//! Servers that leave after each byte, politely or with a reset.

use std::io::Read;

use futures::SinkExt;
use steadfast::{
    CloseCode, ClosedReason, FailureKind,
    client::{Event, Message, SendErrorReason},
};

use crate::{
    server::{
        BINARY, CLOSE, CONTINUATION, PING, PONG, Peer, Server, TEXT, accepting, close_code, frame,
    },
    watch::{bounded, dial, down, failures, open, retries, until},
};

const ABNORMAL: FailureKind = FailureKind::Closed(CloseCode::ABNORMAL);

/// How a server leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Leave {
    Ends,
    Resets,
}

impl Leave {
    fn carry_out(self, peer: Peer) {
        match self {
            Self::Ends => drop(peer),
            Self::Resets => peer.reset(),
        }
    }

    /// What is told of it when it comes in the middle of something.
    fn told(self) -> FailureKind {
        match self {
            Self::Ends => ABNORMAL,
            Self::Resets => FailureKind::Reset,
        }
    }
}

/// The length of the answer to the upgrade request, which is the same each time.
fn answer_length() -> usize {
    accepting("GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "").len()
}

#[test]
fn an_upgrade_that_is_cut_off_after_any_byte_fails_and_is_tried_again() {
    for leave in [Leave::Ends, Leave::Resets] {
        let server = Server::start(answer_length(), move |count, mut peer| {
            let request = peer.request();
            peer.write(&accepting(&request, "").as_bytes()[..count]);
            leave.carry_out(peer);
        });
        let mut connection = dial(&server.url()).build();
        let failures = failures(&mut connection, answer_length());
        for (count, (failure, next)) in failures.into_iter().enumerate() {
            assert_eq!(failure.kind(), leave.told(), "{leave:?} after {count} bytes");
            assert!(retries(next), "{leave:?} after {count} bytes: {next}");
        }
        drop(connection);
        server.join();
    }
}

#[test]
fn a_server_that_leaves_after_any_byte_of_the_request_is_tried_again() {
    // The shortest that a request can be.
    const COUNTS: usize = 150;
    for leave in [Leave::Ends, Leave::Resets] {
        let server = Server::start(COUNTS, move |count, mut peer| {
            peer.stream.read_exact(&mut vec![0; count]).expect("that much of a request");
            leave.carry_out(peer);
        });
        let mut connection = dial(&server.url()).build();
        for (count, (failure, next)) in failures(&mut connection, COUNTS).into_iter().enumerate() {
            // With unread data in it, a socket is reset in any case.
            let kind = failure.kind();
            assert!([ABNORMAL, FailureKind::Reset].contains(&kind), "{count}: {kind:?}");
            assert!(retries(next), "{leave:?} after {count} bytes: {next}");
        }
        drop(connection);
        server.join();
    }
}

/// Sends each beginning of these bytes on a connection of its own, leaves, and expects to be told
/// as having left: `whole(count)` messages have come in with that many bytes.
#[track_caller]
fn cut(bytes: &[u8], whole: impl Fn(usize) -> usize) {
    for leave in [Leave::Ends, Leave::Resets] {
        let sent = bytes.to_vec();
        let server = Server::start(bytes.len() + 1, move |count, mut peer| {
            peer.upgrade();
            peer.write(&sent[..count]);
            leave.carry_out(peer);
        });
        let mut connection = dial(&server.url()).build();
        for count in 0..=bytes.len() {
            let events = until(&mut connection, |event| matches!(event, Event::Down(_)));
            let messages = events.iter().filter(|event| matches!(event, Event::Message(_))).count();
            let Some(Event::Down(down)) = events.last() else { panic!("{events:?}") };
            let failure = down.failure.unwrap();
            assert_eq!(failure.kind(), leave.told(), "{leave:?} after {count} bytes");
            assert!(retries(down.next), "{leave:?} after {count} bytes: {}", down.next);
            assert_eq!(messages, whole(count), "{leave:?} after {count} bytes");
        }
        drop(connection);
        server.join();
    }
}

#[test]
fn a_message_that_is_cut_off_after_any_byte_is_not_delivered() {
    let text = frame(0x80 | TEXT, b"hello");
    cut(&text, |count| usize::from(count == text.len()));
}

#[test]
fn a_long_message_that_is_cut_off_after_any_byte_is_not_delivered() {
    let long = frame(0x80 | BINARY, &[7; 126]);
    cut(&long, |count| usize::from(count == long.len()));
}

#[test]
fn a_control_frame_that_is_cut_off_after_any_byte_is_no_message() {
    cut(&frame(0x80 | PONG, b"unsolicited"), |_| 0);
}

#[test]
fn a_fragmented_message_that_is_cut_off_after_any_byte_is_not_delivered() {
    let mut bytes = frame(TEXT, b"be");
    bytes.extend(frame(CONTINUATION, b""));
    bytes.extend(frame(0x80 | PONG, b"between"));
    bytes.extend(frame(CONTINUATION, b"gin"));
    bytes.extend(frame(0x80 | CONTINUATION, b"ning"));
    cut(&bytes, |count| usize::from(count == bytes.len()));
}

#[test]
fn messages_before_the_one_that_is_cut_off_are_delivered() {
    let mut bytes = frame(0x80 | TEXT, b"one");
    bytes.extend(frame(0x80 | BINARY, b"two"));
    bytes.extend(frame(0x80 | TEXT, b"three"));
    let ends = [5, 10, 17];
    cut(&bytes, |count| ends.into_iter().filter(|end| *end <= count).count());
}

#[test]
fn a_close_counts_only_when_all_of_it_has_come() {
    let mut payload = 1001_u16.to_be_bytes().to_vec();
    payload.extend(b"bye");
    let close = frame(0x80 | CLOSE, &payload);
    let length = close.len();
    for leave in [Leave::Ends, Leave::Resets] {
        let sent = close.clone();
        let server = Server::start(length + 1, move |count, mut peer| {
            peer.upgrade();
            peer.write(&sent[..count]);
            leave.carry_out(peer);
        });
        let mut connection = dial(&server.url()).build();
        for count in 0..=length {
            let down = down(&mut connection);
            let (kind, reason) = match count == length {
                true => (FailureKind::Closed(CloseCode::GOING_AWAY), Some("bye")),
                false => (leave.told(), None),
            };
            assert_eq!(down.failure.unwrap().kind(), kind, "{leave:?} after {count} bytes");
            assert_eq!(down.close_reason.as_deref(), reason, "{leave:?} after {count} bytes");
            assert!(retries(down.next), "{leave:?} after {count} bytes: {}", down.next);
        }
        drop(connection);
        server.join();
    }
}

#[test]
fn a_ping_whose_sender_has_left_is_no_more_than_its_leaving() {
    for leave in [Leave::Ends, Leave::Resets] {
        let server = Server::upgraded(move |mut peer| {
            peer.frame(PING, b"anyone?");
            leave.carry_out(peer);
        });
        let down = down(&mut dial(&server.url()).build());
        let kind = down.failure.unwrap().kind();
        assert!([ABNORMAL, FailureKind::Reset].contains(&kind), "{leave:?}: {kind:?}");
        assert!(retries(down.next));
        server.join();
    }
}

#[test]
fn an_answer_to_our_close_that_is_cut_off_after_any_byte_still_ends_as_stopped() {
    let answer = frame(0x80 | CLOSE, &1000_u16.to_be_bytes());
    for leave in [Leave::Ends, Leave::Resets] {
        for count in 0..=answer.len() {
            let sent = answer[..count].to_vec();
            let server = Server::upgraded(move |mut peer| {
                let close = peer.read_frame();
                peer.write(sent);
                leave.carry_out(peer);
                close
            });
            let mut connection = dial(&server.url()).build();
            open(&mut connection);
            connection.stop();
            let events = until(&mut connection, |_| false);
            let (told, end) = (&events[0], events.last());
            assert!(matches!(told, Event::Down(down) if down.failure.is_none()), "{events:?}");
            assert!(
                matches!(end, Some(Event::Closed { reason: ClosedReason::Stopped })),
                "{events:?}"
            );
            let (opcode, payload) = server.join_one().expect("a Close");
            assert_eq!((opcode, close_code(&payload)), (CLOSE, 1000));
        }
    }
}

#[test]
fn a_server_that_resets_while_messages_wait_is_told_with_their_number() {
    for taken in [0, 1, 100_000] {
        let server = Server::upgraded(move |mut peer| {
            let mut begin = vec![0; taken];
            peer.stream.read_exact(&mut begin).unwrap();
            peer.reset();
        });
        let mut connection = dial(&server.url()).build();
        open(&mut connection);
        let chunk = Message::from(vec![0_u8; 1 << 16]);
        let error = bounded(async {
            loop {
                if let Err(error) = connection.send(chunk.clone()).await {
                    break error;
                }
            }
        });
        let down = down(&mut connection);
        // The system tells of a reset once; if that was while writing, reading just ends.
        let kind = down.failure.unwrap().kind();
        assert!([ABNORMAL, FailureKind::Reset].contains(&kind), "after {taken} bytes: {kind:?}");
        assert!(retries(down.next));
        // The last message was taken on before the end, or given back after it.
        match error.reason {
            SendErrorReason::Interrupted { unflushed } => assert_eq!(unflushed, down.unflushed),
            reason => assert_eq!((reason, down.unflushed), (SendErrorReason::NotOpen, 0)),
        }
        drop(connection);
        server.join();
    }
}
