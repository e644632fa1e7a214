//! Lengths that are too long, longer than they say, or said in an unusual way.

use steadfast::{
    CloseCode, FailureKind, Next,
    client::{Event, Message},
    transport::{Dialer, Limits},
};

use crate::{
    server::{BINARY, CLOSE, CONTINUATION, PING, Server, TEXT, frame},
    watch::{dial_with, down, limited, until},
};

/// Sends these bytes to a client that takes 1000 in a frame and in a message, and expects to be
/// left for that.
#[track_caller]
fn is_too_big(bytes: impl AsRef<[u8]>) {
    is_too_big_for(limited, bytes.as_ref());
}

#[track_caller]
fn is_too_big_for(dialer: fn(&str) -> Dialer, bytes: &[u8]) {
    let sent = bytes.to_vec();
    let server = Server::upgraded(move |mut peer| {
        peer.write(sent);
        peer.read_closes()
    });
    let mut connection = dial_with(dialer(&server.url())).build();
    let down = down(&mut connection);
    let shown = &bytes[..bytes.len().min(20)];
    let kind = down.failure.unwrap().kind();
    assert_eq!(kind, FailureKind::Violation(CloseCode::MESSAGE_TOO_BIG), "{shown:02x?}");
    assert_eq!(down.next, Next::Closed, "{shown:02x?}");
    drop(connection);
    assert_eq!(server.join_one(), [1009], "what the server saw of {shown:02x?}");
}

/// The one message that these bytes come to.
#[track_caller]
fn delivered(dialer: fn(&str) -> Dialer, bytes: Vec<u8>) -> Message {
    let server = Server::upgraded(move |mut peer| {
        peer.write(bytes);
        peer.close(1000, "");
        while peer.read_frame().is_some_and(|(opcode, _)| opcode != CLOSE) {}
    });
    let mut connection = dial_with(dialer(&server.url())).build();
    let events = until(&mut connection, |event| matches!(event, Event::Down(_)));
    drop(connection);
    server.join();
    let Some(Event::Down(down)) = events.last() else { panic!("{events:?}") };
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::NORMAL));
    let messages = events.into_iter().filter_map(|event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    });
    let messages: Vec<_> = messages.collect();
    let [message] = messages.try_into().expect("one message");
    message
}

/// A first byte, and a length in eight bytes.
fn head(first: u8, length: u64) -> Vec<u8> {
    [&[first, 127][..], &length.to_be_bytes()].concat()
}

#[test]
fn a_length_that_nobody_can_hold_is_too_big() {
    for length in [1 << 32, 1 << 62, (1 << 63) - 1] {
        for first in [TEXT, BINARY, 0x80 | TEXT, 0x80 | BINARY, 0x80 | PING] {
            is_too_big(head(first, length));
        }
    }
}

#[test]
fn a_length_that_no_frame_may_have_is_too_big() {
    for length in [1 << 63, u64::MAX] {
        is_too_big(head(0x80 | BINARY, length));
    }
}

#[test]
fn a_length_that_nobody_can_hold_is_too_big_in_a_continuation() {
    is_too_big([frame(BINARY, b"begin"), head(0x80 | CONTINUATION, 1 << 62)].concat());
}

#[test]
fn by_default_a_frame_of_more_than_16_mebibytes_is_too_big() {
    let default = |url: &str| Dialer::new(url).unwrap();
    for length in [(16 << 20) + 1, 1 << 62, u64::MAX] {
        is_too_big_for(default, &head(0x80 | BINARY, length));
    }
}

#[test]
fn a_message_beyond_the_limit_is_too_big_as_soon_as_it_says_so() {
    is_too_big([0x82, 0x7e, 0x03, 0xe9]);
    is_too_big(head(0x80 | BINARY, 1_001));
}

#[test]
fn a_message_that_just_fits_is_delivered() {
    for opcode in [TEXT, BINARY] {
        assert_eq!(delivered(limited, frame(0x80 | opcode, &[b'x'; 1_000])).len(), 1_000);
    }
}

#[test]
fn fragments_that_add_up_beyond_the_limit_are_too_big() {
    for opcode in [TEXT, BINARY] {
        let fit = [frame(opcode, &[b'x'; 600]), frame(CONTINUATION, &[b'x'; 400])].concat();
        is_too_big([&fit[..], &frame(CONTINUATION, b"x")].concat());
        is_too_big([&fit[..], &frame(0x80 | CONTINUATION, b"x")].concat());
        let whole = [&fit[..], &frame(0x80 | CONTINUATION, b"")].concat();
        assert_eq!(delivered(limited, whole).len(), 1_000);
    }
}

/// At most 1000 bytes in a frame, and 2500 in a message.
fn limited_to_short_frames(url: &str) -> Dialer {
    let mut limits = Limits::default();
    (limits.max_message_size, limits.max_frame_size) = (2_500, 1_000);
    Dialer::new(url).unwrap().with_limits(limits)
}

#[test]
fn a_frame_beyond_its_own_limit_is_too_big_in_a_message_that_is_not() {
    is_too_big_for(limited_to_short_frames, &frame(0x80 | BINARY, &[7; 1_001]));
    let fit = [frame(BINARY, &[7; 1_000]), frame(CONTINUATION, &[7; 1_000])].concat();
    is_too_big_for(limited_to_short_frames, &[&fit[..], &frame(0, &[7; 501])].concat());
    let whole = [&fit[..], &frame(0x80, &[7; 500])].concat();
    assert_eq!(delivered(limited_to_short_frames, whole).len(), 2_500);
}

/// At most 2500 bytes in a frame, and 1000 in a message.
fn limited_to_short_messages(url: &str) -> Dialer {
    let mut limits = Limits::default();
    (limits.max_message_size, limits.max_frame_size) = (1_000, 2_500);
    Dialer::new(url).unwrap().with_limits(limits)
}

#[test]
fn a_message_beyond_its_own_limit_is_too_big_in_a_frame_that_is_not() {
    is_too_big_for(limited_to_short_messages, &frame(0x80 | BINARY, &[7; 1_001]));
    is_too_big_for(limited_to_short_messages, &frame(BINARY, &[7; 1_001]));
}

#[test]
fn a_length_in_more_bytes_than_it_needs_is_taken() {
    // RFC 6455 §5.2 forbids it to the sender; the library below does not look.
    let short = [&[0x81, 126, 0, 5][..], b"hello"].concat();
    let long = [&head(0x80 | TEXT, 5)[..], b"hello"].concat();
    for bytes in [short, long] {
        assert_eq!(delivered(limited, bytes).as_text(), Some("hello"));
    }
    let empty = [&head(0x80 | PING, 0)[..], &frame(0x80 | TEXT, b"")].concat();
    assert_eq!(delivered(limited, empty).as_text(), Some(""));
}

#[test]
fn a_character_in_two_fragments_is_one_character() {
    let euro = "€".as_bytes();
    for at in 0..=euro.len() {
        let mut bytes = frame(TEXT, &euro[..at]);
        bytes.extend(frame(0x80 | PING, &[0xff]));
        bytes.extend(frame(0x80 | CONTINUATION, &euro[at..]));
        assert_eq!(delivered(limited, bytes).as_text(), Some("€"), "cut at {at}");
    }
}
