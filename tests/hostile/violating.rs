//! Servers that break the protocol once they are in.

use steadfast::{CloseCode, ClosedReason, FailureKind, Next, client::Event};

use crate::{
    server::{BINARY, CLOSE, CONTINUATION, PING, PONG, Peer, Server, TEXT, close_code, frame},
    watch::{closed, dial, dial_with, down, limited, open, until},
};

/// Sends raw bytes on an open connection, and expects to be left with this code.
#[track_caller]
fn violates(bytes: impl AsRef<[u8]>, code: CloseCode) {
    let (bytes, sent) = (bytes.as_ref(), bytes.as_ref().to_vec());
    let server = Server::upgraded(move |mut peer: Peer| {
        peer.write(sent);
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

#[test]
fn a_masked_frame_is_a_protocol_error() {
    for opcode in [TEXT, BINARY, PING, PONG, CLOSE] {
        violates([0x80 | opcode, 0x82, 1, 2, 3, 4, 3 ^ 1, 0xe8 ^ 2], CloseCode::PROTOCOL_ERROR);
        violates([0x80 | opcode, 0x80, 1, 2, 3, 4], CloseCode::PROTOCOL_ERROR);
    }
}

#[test]
fn each_reserved_bit_is_a_protocol_error() {
    for bits in 1..8 {
        for opcode in [TEXT, BINARY, PING, PONG, CLOSE] {
            let first = 0x80 | bits << 4 | opcode;
            violates(frame(first, &1000_u16.to_be_bytes()), CloseCode::PROTOCOL_ERROR);
        }
        violates(frame(bits << 4 | TEXT, b"begin"), CloseCode::PROTOCOL_ERROR);
    }
}

#[test]
fn each_reserved_opcode_is_a_protocol_error() {
    for opcode in (0x3..=0x7).chain(0xb..=0xf) {
        for first in [opcode, 0x80 | opcode] {
            violates(frame(first, b""), CloseCode::PROTOCOL_ERROR);
            violates(frame(first, b"hi"), CloseCode::PROTOCOL_ERROR);
        }
    }
}

#[test]
fn a_fragmented_control_frame_is_a_protocol_error() {
    for opcode in [PING, PONG, CLOSE] {
        violates(frame(opcode, b""), CloseCode::PROTOCOL_ERROR);
        violates(frame(opcode, &1000_u16.to_be_bytes()), CloseCode::PROTOCOL_ERROR);
    }
}

#[test]
fn a_control_frame_that_is_too_long_is_a_protocol_error() {
    for opcode in [PING, PONG, CLOSE] {
        for length in [126, 127, 1_000] {
            violates(frame(0x80 | opcode, &vec![3; length]), CloseCode::PROTOCOL_ERROR);
        }
    }
}

#[test]
fn a_continuation_of_nothing_is_a_protocol_error() {
    for first in [CONTINUATION, 0x80 | CONTINUATION] {
        violates(frame(first, b""), CloseCode::PROTOCOL_ERROR);
        violates(frame(first, b"x"), CloseCode::PROTOCOL_ERROR);
        // A whole message leaves nothing to go on with.
        let whole = [frame(0x80 | TEXT, b"all"), frame(first, b"x")].concat();
        violates(whole, CloseCode::PROTOCOL_ERROR);
    }
}

#[test]
fn a_message_inside_a_message_is_a_protocol_error() {
    for outer in [TEXT, BINARY] {
        for inner in [TEXT, BINARY, 0x80 | TEXT, 0x80 | BINARY] {
            let bytes = [frame(outer, b"begin"), frame(inner, b"x")].concat();
            violates(bytes, CloseCode::PROTOCOL_ERROR);
        }
    }
}

/// Each kind of bytes that are not UTF-8 (RFC 3629 §3): a continuation of nothing, an overlong
/// form, a surrogate, beyond the last character, a byte that is never used, a character that is
/// not continued, one that is not finished.
const NOT_UTF_8: [&[u8]; 7] = [
    &[0x80],
    &[0xc0, 0xaf],
    &[0xed, 0xa0, 0x80],
    &[0xf4, 0x90, 0x80, 0x80],
    &[0xff],
    &[0xc3, 0x28],
    &[0xe2, 0x82],
];

#[test]
fn text_that_is_not_utf_8_is_an_invalid_payload() {
    for bad in NOT_UTF_8 {
        violates(frame(0x80 | TEXT, bad), CloseCode::INVALID_PAYLOAD);
        let inside = [b"good ", bad, b" good"].concat();
        violates(frame(0x80 | TEXT, &inside), CloseCode::INVALID_PAYLOAD);
    }
}

#[test]
fn text_that_is_not_utf_8_across_fragments_is_an_invalid_payload() {
    for bad in NOT_UTF_8 {
        for at in 0..=bad.len() {
            let mut bytes = frame(TEXT, &bad[..at]);
            bytes.extend(frame(0x80 | PONG, b"between"));
            bytes.extend(frame(CONTINUATION, b""));
            bytes.extend(frame(0x80 | CONTINUATION, &bad[at..]));
            violates(bytes, CloseCode::INVALID_PAYLOAD);
        }
    }
}

#[test]
fn text_that_cannot_become_utf_8_is_not_waited_for() {
    violates(frame(TEXT, &[0xc3, 0x28]), CloseCode::INVALID_PAYLOAD);
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
fn a_violation_in_answer_to_our_close_does_not_undo_it() {
    for bytes in [&[0xc1, 0x00][..], &[0x83, 0x00], &[0x81, 0x01, 0xff], &[0x88, 0x01, 3]] {
        let server = Server::upgraded(move |mut peer| {
            let close = peer.read_frame();
            peer.write(bytes);
            peer.drain();
            close
        });
        let mut connection = dial(&server.url()).build();
        open(&mut connection);
        connection.stop();
        let events = until(&mut connection, |_| false);
        assert!(matches!(&events[0], Event::Down(down) if down.failure.is_none()), "{events:?}");
        let reason = ClosedReason::Stopped;
        assert!(matches!(events[1], Event::Closed { reason: told } if told == reason));
        drop(connection);
        assert_eq!(server.join_one().map(|(_, payload)| close_code(&payload)), Some(1000));
    }
}

#[test]
fn a_close_of_one_byte_is_a_protocol_error() {
    violates(frame(0x80 | CLOSE, &[3]), CloseCode::PROTOCOL_ERROR);
}

#[test]
fn a_close_whose_reason_is_not_utf_8_is_an_invalid_payload() {
    for bad in NOT_UTF_8 {
        let payload = [&1000_u16.to_be_bytes(), bad].concat();
        violates(frame(0x80 | CLOSE, &payload), CloseCode::INVALID_PAYLOAD);
    }
}
