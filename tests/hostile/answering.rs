//! Answers to the upgrade request that are wrong in one way each.

use std::{thread, time::Duration};

use futures::{FutureExt, StreamExt, executor::block_on};
use steadfast::{
    Credentials, Epoch, FailureKind, Next, Timeout,
    client::{Dial, DialContext, Event, Frame},
    transport::Dialer,
};

use crate::{
    server::{Peer, Server, TEXT, accepting, frame},
    watch::{dial, failure, failures, open, retries, until},
};

/// How the client takes an answer that is made from the request.
fn answered(answer: impl FnOnce(&str) -> Vec<u8> + Send + 'static) -> (FailureKind, Next) {
    let mut answer = Some(answer);
    let server = Server::start(1, move |_, mut peer| {
        let request = peer.request();
        peer.write((answer.take().expect("one connection"))(&request));
        peer.drain();
    });
    let told = failure(&server.url());
    server.join();
    told
}

/// Expects this answer to be told as an invalid one, and the dial to be tried again.
#[track_caller]
fn is_invalid(answer: impl AsRef<[u8]>) {
    let answer = answer.as_ref().to_vec();
    let shown = String::from_utf8_lossy(&answer[..answer.len().min(100)]).into_owned();
    let (kind, next) = answered(|_| answer);
    assert_eq!(kind, FailureKind::Handshake, "{shown:?}");
    assert!(retries(next), "{shown:?}: {next}");
}

/// Expects a proper answer with `from` replaced by `to` to be told as an invalid one.
#[track_caller]
fn is_invalid_with(from: &'static str, to: &'static str) {
    let (kind, next) = answered(move |request| {
        let answer = accepting(request, "");
        assert!(answer.contains(from), "{answer}");
        answer.replacen(from, to, 1).into_bytes()
    });
    assert_eq!(kind, FailureKind::Handshake, "{from:?} is {to:?}");
    assert!(retries(next), "{from:?} is {to:?}: {next}");
}

#[test]
fn each_header_of_the_upgrade_must_be_there_and_right() {
    for (from, to) in [
        ("Upgrade: websocket\r\n", ""),
        ("Upgrade: websocket", "Upgrade: WebSocket2"),
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Connection: Upgrade\r\n", ""),
        ("Connection: Upgrade", "Connection: close"),
        ("Sec-WebSocket-Accept:", "X-Accept:"),
        ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x"),
    ] {
        is_invalid_with(from, to);
    }
}

#[test]
fn an_upgrade_in_http_1_0_is_none() {
    is_invalid_with("HTTP/1.1", "HTTP/1.0");
}

/// How load balancers refuse that are older than what is behind them.
#[test]
fn a_refusal_in_http_1_0_is_told_by_its_status_and_its_wish_is_obeyed() {
    for (status, again) in [(200, true), (401, true), (403, false), (503, true)] {
        let head = format!("HTTP/1.0 {status} Gateway\r\nRetry-After: 7\r\n");
        let server = Server::start(1, move |_, mut peer| {
            peer.request();
            peer.write(format!("{head}Content-Type: text/html\r\n\r\n<html>Sorry</html>"));
        });
        let (failure, next) = failures(&mut dial(&server.url()).build(), 1).remove(0);
        assert_eq!(failure.kind(), FailureKind::Http(status));
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(retries(next), again, "{status}: {next}");
        server.join();
    }
}

/// Expects a proper answer with `from` replaced by `to` to be as good.
#[track_caller]
fn is_taken_with(from: &'static str, to: &'static str) {
    let server = Server::start(1, move |_, mut peer| {
        let answer = accepting(&peer.request(), "");
        assert!(answer.contains(from), "{answer}");
        peer.write(answer.replacen(from, to, 1));
        peer.drain();
    });
    open(&mut dial(&server.url()).build());
    server.join();
}

#[test]
fn an_upgrade_may_be_written_in_any_way_that_http_allows() {
    for (from, to) in [
        ("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
        ("Connection: Upgrade", "connection:upgrade ,\tclose"),
        ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: UPGRADE"),
        ("Upgrade: websocket", "upgrade:\tWebSocket "),
        ("HTTP/1.1 101 Switching Protocols", "HTTP/1.1 101"),
        ("HTTP/1.1 101 Switching Protocols", "\r\nHTTP/1.1 101 Yes"),
        ("Sec-WebSocket-Accept", "SEC-WEBSOCKET-ACCEPT"),
        ("\r\n", "\n"),
    ] {
        is_taken_with(from, to);
    }
}

#[test]
fn a_header_of_the_upgrade_that_is_there_twice_is_none() {
    for (from, to) in [
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nUpgrade: h2c\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nUpgrade: websocket\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket, h2c\r\n"),
        ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Accept: "),
        ("Connection: Upgrade\r\n", "Connection: UpgradeX, X-Upgrade, Up grade\r\n"),
    ] {
        is_invalid_with(from, to);
    }
}

#[test]
fn a_status_that_does_not_exist_is_tried_again() {
    for status in ["000", "099"] {
        is_invalid(format!("HTTP/1.1 {status} Strange\r\n\r\n"));
    }
    for status in ["1010", "10", "abc", "-10", ""] {
        is_invalid(format!("HTTP/1.1 {status} Strange\r\n\r\n"));
    }
}

#[test]
fn a_server_that_speaks_another_protocol_is_tried_again() {
    is_invalid("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    is_invalid([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    is_invalid("HTTP/2 200\r\n\r\n");
    // An alert of TLS, to a client that does not speak it.
    is_invalid([0x15, 3, 1, 0, 2, 2, 70]);
    is_invalid("SSH-2.0-OpenSSH_9.9\r\n");
    is_invalid([0xff; 40]);
}

#[test]
fn characters_that_no_header_may_have_are_not_let_through() {
    for header in [
        "X-Nul: a\0b",
        "X-Return: a\rb",
        "X-Bell: a\u{7}b",
        "X Space: a",
        "X-\0Name: a",
        "X-No-Colon",
        ": no name",
        " X-Folded: a",
    ] {
        let (kind, next) =
            answered(move |request| accepting(request, &format!("{header}\r\n")).into_bytes());
        assert_eq!(kind, FailureKind::Handshake, "{header:?}");
        assert!(retries(next), "{header:?}: {next}");
    }
}

#[test]
fn too_many_headers_are_too_many() {
    let (kind, next) =
        answered(|request| accepting(request, &"X-Padding: a\r\n".repeat(1_000)).into_bytes());
    assert_eq!(kind, FailureKind::Handshake);
    assert!(retries(next));
}

#[test]
fn a_header_of_a_megabyte_is_too_long() {
    let header = format!("X-Long: {}\r\n", "a".repeat(1 << 20));
    let (kind, next) = answered(move |request| accepting(request, &header).into_bytes());
    assert_eq!(kind, FailureKind::Handshake);
    assert!(retries(next));
}

#[test]
fn interim_answers_are_passed_over() {
    let server = Server::start(1, |_, mut peer| {
        let request = peer.request();
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
        peer.write(interim.to_owned() + &accepting(&request, ""));
        peer.drain();
    });
    open(&mut dial(&server.url()).build());
    server.join();
}

#[test]
fn interim_answers_without_end_are_cut_off() {
    is_invalid("HTTP/1.1 102 Processing\r\n\r\n".repeat(10_000));
}

#[test]
fn a_captive_portal_is_waited_for() {
    let page = "<html><body>Welcome to the hotel. Please log in.</body></html>";
    for headers in [
        format!("Content-Type: text/html\r\nContent-Length: {}\r\n", page.len()),
        "Content-Type: text/html\r\nConnection: close\r\n".to_owned(),
        // All that an upgrade has, but for the status.
        "Upgrade: websocket\r\nConnection: Upgrade\r\n".to_owned(),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}\r\n{page}");
        let (kind, next) = answered(|_| answer.into_bytes());
        assert_eq!(kind, FailureKind::Http(200), "{headers}");
        assert!(retries(next), "{headers}: {next}");
    }
}

#[test]
fn the_body_of_a_refusal_is_not_read_to_its_end() {
    for head in [
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 18446744073709551615\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n",
    ] {
        let server = Server::start(1, move |_, mut peer| {
            peer.request();
            peer.write(head);
            let mut sent = 0_usize;
            while sent < 64 << 20 && peer.write([b'a'; 16_384]) {
                sent += 16_384;
            }
            sent
        });
        let (kind, next) = failure(&server.url());
        assert_eq!(kind, FailureKind::Http(503), "{head}");
        assert!(retries(next));
        assert!(server.join_one() < 64 << 20, "the client read all of it");
    }
}

#[test]
fn an_answer_byte_by_byte_is_an_answer_if_it_comes_in_time() {
    for (pause, comes) in [(Duration::ZERO, true), (Duration::from_millis(20), false)] {
        let server = Server::start(1, move |_, mut peer: Peer| {
            let request = peer.request();
            for byte in accepting(&request, "").into_bytes() {
                thread::sleep(pause);
                if !peer.write([byte]) {
                    break;
                }
            }
            peer.drain();
        });
        let mut connection = dial(&server.url()).build();
        if comes {
            open(&mut connection);
        } else {
            let (failure, next) = failures(&mut connection, 1).remove(0);
            assert_eq!(failure.kind(), FailureKind::Timeout(Timeout::Connect));
            assert!(retries(next));
        }
        drop(connection);
        server.join();
    }
}

#[test]
fn what_comes_right_behind_the_answer_is_not_lost() {
    let server = Server::start(1, |_, mut peer| {
        let request = peer.request();
        let mut bytes = accepting(&request, "").into_bytes();
        bytes.extend(frame(0x80 | TEXT, b"hello"));
        peer.write(bytes);
        peer.drain();
    });
    let mut connection = dial(&server.url()).build();
    let events = until(&mut connection, |event| matches!(event, Event::Message(_)));
    let Some(Event::Message(message)) = events.last() else { panic!("{events:?}") };
    assert_eq!(message.as_text(), Some("hello"));
    drop(connection);
    server.join();
}

/// What a fresh connection tells at once to which this comes right behind the answer.
fn followed_by(behind: &'static [u8]) -> Option<Frame> {
    let server = Server::start(1, move |_, mut peer| {
        let request = peer.request();
        peer.write([accepting(&request, "").as_bytes(), behind].concat());
        peer.drain();
    });
    let mut dialer = Dialer::new(&server.url()).unwrap();
    let context = DialContext::new(Epoch::new(1), 0, Credentials::Current);
    let mut conn = block_on(dialer.dial(context)).unwrap();
    let told = conn.next().now_or_never().map(|frame| frame.unwrap().unwrap());
    drop(conn);
    server.join();
    told
}

#[test]
fn part_of_a_frame_right_behind_the_answer_is_a_sign_of_life_and_the_answer_itself_is_none() {
    assert_eq!(followed_by(&[0x80 | TEXT, 5, b'h']), Some(Frame::Part));
    assert_eq!(followed_by(&[]), None);
}
