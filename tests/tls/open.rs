//! Connections that are open.

use std::{
    io::{Read, Write},
    net::Shutdown,
    sync::{Arc, mpsc},
};

use async_tungstenite::tungstenite::{
    Message as Wire,
    protocol::{CloseFrame, frame::coding::CloseCode as Code},
};
use futures::{SinkExt, Stream, StreamExt};
use steadfast::{
    CloseCode, FailureKind,
    client::{Connection, Down, Event, Frame, Message, TransportError},
    transport::{AsyncIoClock, ByteStream, Conn, Dialer, Limits, rustls},
};

use crate::{
    client::{bounded, connection, dial, dialer},
    server::{Secure, Server, accept, drain, handshake, identity},
};

fn message(frame: Frame) -> Message {
    match frame {
        Frame::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

/// The next frame that is more than a sign of life.
async fn frame<E: TransportError>(
    conn: &mut (impl Stream<Item = Result<Frame, E>> + Unpin),
) -> Result<Frame, E> {
    loop {
        match conn.next().await.expect("an open connection") {
            Ok(Frame::Part) => {}
            other => return other,
        }
    }
}

/// The end of a connection that is, or is about to be, open.
#[track_caller]
fn down(connection: &mut Connection<Dialer, AsyncIoClock>) -> Down {
    bounded(async {
        loop {
            match connection.next().await {
                Some(Event::Down(down)) => return *down,
                Some(_) => {}
                None => panic!("closed without having been open"),
            }
        }
    })
}

#[test]
fn messages_of_any_size_go_both_ways() {
    for version in rustls::ALL_VERSIONS {
        let server = Server::upgraded(identity!("server").config_with(&[version]), |mut socket| {
            for _ in 0..3 {
                let message = socket.read().unwrap();
                socket.send(message).unwrap();
            }
            drain(socket.get_mut());
        });
        let mut conn = dial(dialer(&server.url())).unwrap();
        // An empty one, one that fits into a record, and one of many records.
        for size in [0, 100, 1_000_000] {
            let sent = Message::from(vec![7; size]);
            bounded(async {
                conn.send(Frame::Message(sent.clone())).await.unwrap();
                assert_eq!(message(frame(&mut conn).await.unwrap()), sent);
            });
        }
        drop(conn);
        server.join();
    }
}

#[test]
fn http_1_1_is_what_is_offered_and_all_that_is() {
    let mut config = identity!("server").config();
    config.alpn_protocols = ["h2", "http/1.1"].map(|name| name.as_bytes().to_vec()).to_vec();
    let server = Server::upgraded(config, |mut socket| {
        let chosen = socket.get_ref().conn.alpn_protocol().map(<[_]>::to_vec);
        drain(socket.get_mut());
        chosen
    });
    drop(dial(dialer(&server.url())).unwrap());
    assert_eq!(server.join().as_deref(), Some(&b"http/1.1"[..]));
}

#[test]
fn a_second_dial_resumes_the_session_of_the_first() {
    let config = Arc::new(identity!("server").config());
    let server = Server::start(move |listener| {
        [(); 2].map(|()| {
            let stream = handshake(&config, accept(&listener)).unwrap();
            let mut socket = async_tungstenite::tungstenite::accept(stream).unwrap();
            socket.send(Wire::text("here")).unwrap();
            drain(socket.get_mut());
            socket.get_ref().conn.handshake_kind()
        })
    });
    let dialer = dialer(&server.url());
    for _ in 0..2 {
        // The ticket comes before the message.
        let mut conn = dial(dialer.clone()).unwrap();
        bounded(frame(&mut conn)).unwrap();
    }
    let [first, second] = server.join();
    assert_eq!(first, Some(rustls::HandshakeKind::Full));
    assert_eq!(second, Some(rustls::HandshakeKind::Resumed));
}

#[test]
fn a_message_or_a_frame_that_is_too_long_is_answered_with_1009() {
    let frame = |first: u8, length: u16, sent: usize| {
        let header = [[first, 0x7e], length.to_be_bytes()].concat();
        [header, vec![0; sent]].concat()
    };
    // All that is sent fits into one record, so that nothing is left unread: for that, the system
    // would reset the connection, and the Close might not arrive.
    let long_frame = frame(0x82, 1_001, 0);
    let long_message = [frame(0x02, 600, 600), frame(0x80, 600, 600)].concat();
    for bytes in [long_frame, long_message] {
        let server = Server::upgraded(identity!("server").config(), move |mut socket| {
            socket.get_mut().write_all(&bytes).unwrap();
            socket.get_mut().flush().unwrap();
            let close = socket.read();
            drain(socket.get_mut());
            close
        });
        let mut limits = Limits::default();
        (limits.max_message_size, limits.max_frame_size) = (1_000, 1_000);
        let mut connection = connection(dialer(&server.url()).with_limits(limits));
        let down = down(&mut connection);
        let too_big = FailureKind::Violation(CloseCode::MESSAGE_TOO_BIG);
        assert_eq!(down.failure.map(|failure| failure.kind()), Some(too_big));
        bounded(async { while connection.next().await.is_some() {} });
        drop(connection);
        let Ok(Wire::Close(Some(close))) = server.join() else { panic!("no Close") };
        assert_eq!(u16::from(close.code), 1009);
    }
}

/// The bytes of one text message as TLS sends them.
fn records(stream: &mut Secure, text: &str) -> Vec<u8> {
    stream.conn.writer().write_all(&[0x81, u8::try_from(text.len()).unwrap()]).unwrap();
    stream.conn.writer().write_all(text.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    while stream.conn.wants_write() {
        stream.conn.write_tls(&mut bytes).unwrap();
    }
    bytes
}

#[test]
fn a_record_that_has_only_begun_is_a_sign_of_life() {
    let mut config = identity!("server").config();
    // Nothing is to come in by itself.
    config.send_tls13_tickets = 0;
    let (go_on, may_go_on) = mpsc::channel();
    let server = Server::upgraded(config, move |socket| {
        let mut stream = socket.into_inner();
        let bytes = records(&mut stream, "hello");
        let (begin, rest) = bytes.split_at(8);
        for part in [begin, rest] {
            may_go_on.recv().unwrap();
            stream.sock.write_all(part).unwrap();
        }
        drain(&mut stream);
    });
    let mut conn = dial(dialer(&server.url())).unwrap();
    bounded(async {
        // What comes in with the answer to the upgrade is no later a sign than that.
        go_on.send(()).unwrap();
        assert!(matches!(conn.next().await, Some(Ok(Frame::Part))));
        go_on.send(()).unwrap();
        assert_eq!(message(frame(&mut conn).await.unwrap()), Message::from("hello"));
    });
    drop(conn);
    server.join();
}

#[test]
fn an_end_that_tls_has_not_announced_is_no_close() {
    let server = Server::upgraded(identity!("server").config(), |mut socket| {
        let stream = &mut socket.get_mut().sock;
        stream.shutdown(Shutdown::Write).unwrap();
        drain(stream);
    });
    let mut conn = dial(dialer(&server.url())).unwrap();
    let failure = bounded(frame(&mut conn)).unwrap_err().failure();
    assert_eq!(failure.kind(), FailureKind::Closed(CloseCode::ABNORMAL));
    drop(conn);
    server.join();
}

#[test]
fn a_close_is_answered_and_the_connection_ends_in_order() {
    let server = Server::upgraded(identity!("server").config(), |mut socket| {
        socket.close(None).unwrap();
        let answer = socket.read();
        socket.get_mut().conn.send_close_notify();
        let _ = socket.get_mut().flush();
        answer
    });
    let mut conn = dial(dialer(&server.url())).unwrap();
    bounded(async {
        assert!(matches!(frame(&mut conn).await, Ok(Frame::Close(None))));
        while let Some(frame) = conn.next().await {
            assert!(matches!(frame, Ok(Frame::Part)), "{frame:?}");
        }
    });
    assert!(matches!(server.join(), Ok(Wire::Close(None))));
}

#[test]
fn bytes_that_are_not_of_tls_are_a_failure_of_tls() {
    let server = Server::upgraded(identity!("server").config(), |mut socket| {
        socket.read().unwrap();
        socket.get_mut().sock.write_all(b"\x81\x02hi, without any TLS").unwrap();
        drain(&mut socket.get_mut().sock);
    });
    let mut conn = dial(dialer(&server.url())).unwrap();
    let failure = bounded(async {
        conn.send(Frame::Message("hello".into())).await.unwrap();
        frame(&mut conn).await.unwrap_err().failure()
    });
    assert_eq!(failure.kind(), FailureKind::Tls);
    drop(conn);
    server.join();
}

#[test]
fn a_server_that_has_closed_need_not_say_so_to_tls_as_well() {
    let asks = Server::upgraded(identity!("server").config(), |mut socket| {
        socket.close(Some(CloseFrame { code: Code::Away, reason: "".into() })).unwrap();
        socket.read().unwrap();
        socket.get_mut().sock.shutdown(Shutdown::Both).unwrap();
    });
    let mut client = connection(dialer(&asks.url()));
    let down = down(&mut client);
    let away = FailureKind::Closed(CloseCode::GOING_AWAY);
    assert_eq!(down.failure.map(|failure| failure.kind()), Some(away));
    drop(client);
    asks.join();
    let answers = Server::upgraded(identity!("server").config(), |mut socket| {
        while socket.read().is_ok() {}
        socket.get_mut().sock.shutdown(Shutdown::Both).unwrap();
    });
    let mut client = connection(dialer(&answers.url()));
    bounded(async {
        while !matches!(client.next().await, Some(Event::Up(_))) {}
        client.stop();
    });
    let down = self::down(&mut client);
    assert!(down.failure.is_none() && down.error.is_none(), "{down:?}");
    drop(client);
    answers.join();
}

/// RFC 8446 §6.1: without that, a server has to take it for an end that somebody else has made.
#[test]
fn the_end_of_a_connection_is_announced_to_tls_however_it_comes() {
    let ends: [fn(Conn<ByteStream>); 2] = [drop, |mut conn| {
        bounded(conn.send(Frame::Close(None))).unwrap();
        assert!(matches!(bounded(frame(&mut conn)), Ok(Frame::Close(None))));
    }];
    for end in ends {
        for version in rustls::ALL_VERSIONS {
            let server = Server::upgraded(identity!("server").config_with(&[version]), |socket| {
                let mut socket = socket;
                while socket.read().is_ok() {}
                let announced = socket.get_mut().read(&mut [0]);
                announced.map_err(|error| error.kind())
            });
            end(dial(dialer(&server.url())).unwrap());
            assert_eq!(server.join(), Ok(0), "{version:?}");
        }
    }
    // A dial that comes to nothing ends in the same way.
    let server = Server::secure(identity!("server").config(), |stream| {
        let mut stream = stream.unwrap();
        assert_ne!(stream.read(&mut [0; 4_096]).unwrap(), 0);
        stream.write_all(b"HTTP/1.1 503 Busy\r\n\r\n").unwrap();
        stream.read(&mut [0]).map_err(|error| error.kind())
    });
    assert!(dial(dialer(&server.url())).is_err());
    assert_eq!(server.join(), Ok(0));
}

#[test]
fn no_provider_of_cryptography_becomes_that_of_the_process() {
    let server = Server::upgraded(identity!("server").config(), |mut socket| {
        drain(socket.get_mut());
    });
    drop(dial(dialer(&server.url())).unwrap());
    server.join();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
