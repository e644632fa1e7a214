//! What a hostile server can make a client hold in memory, counted byte by byte. The servers run in
//! the same process, so theirs counts, too.
#![cfg(feature = "tungstenite")]

#[allow(dead_code, reason = "shared with the other tests against hostile servers")]
#[path = "../hostile/server.rs"]
mod server;
#[allow(dead_code, reason = "shared with the other tests against hostile servers")]
#[path = "../hostile/watch.rs"]
mod watch;

use std::{
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use async_io::Timer;
use futures::{SinkExt, StreamExt, future::select};
use peak_alloc::PeakAlloc;
use steadfast::{
    CloseCode, FailureKind,
    client::{Event, Message},
    transport::{Dialer, Limits},
};

use crate::{
    server::{BINARY, CONTINUATION, PING, Peer, Server, TEXT, frame},
    watch::{Client, bounded, dial, dial_with, down, failure, failures, open, until},
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// One test at a time: they share the count.
static ALONE: Mutex<()> = Mutex::new(());

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// A connection and its buffers, several times.
const LITTLE: usize = 256 * KIB;

/// How much memory this test, which has all of it to itself, takes.
struct Measured {
    before: usize,
    _alone: MutexGuard<'static, ()>,
}

impl Measured {
    fn begin() -> Self {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // What is made once and kept, a thread for timers among it, is nobody's fault.
        bounded(Timer::after(Duration::from_millis(1)));
        MEMORY.reset_peak_usage();
        Self { before: MEMORY.current_usage(), _alone }
    }

    /// The most that was held at once.
    fn peak(&self) -> usize {
        MEMORY.peak_usage().saturating_sub(self.before)
    }

    /// What is held now.
    fn held(&self) -> usize {
        MEMORY.current_usage().saturating_sub(self.before)
    }

    #[track_caller]
    fn assert_peak_below(&self, limit: usize) {
        let peak = self.peak();
        assert!(peak < limit, "{} KiB, allowed {}", peak / KIB, limit / KIB);
    }
}

/// Sends these bytes so many times, as long as the client takes them.
fn repeat(peer: &mut Peer, bytes: &[u8], times: usize) -> usize {
    (0..times).take_while(|_| peer.write(bytes)).count()
}

fn message(connection: &mut Client) -> Message {
    let last = |event: &Event| matches!(event, Event::Down(_) | Event::Message(_));
    match until(connection, last).pop() {
        Some(Event::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_million_empty_fragments_take_no_room() {
    let measured = Measured::begin();
    let server = Server::upgraded(|mut peer| {
        peer.write(frame(TEXT, b""));
        repeat(&mut peer, &frame(CONTINUATION, b"").repeat(1_000), 1_000);
        peer.write(frame(0x80 | CONTINUATION, b"end"));
        peer.drain();
    });
    let mut connection = dial(&server.url()).build();
    assert_eq!(message(&mut connection).as_text(), Some("end"));
    drop(connection);
    server.join();
    measured.assert_peak_below(LITTLE);
}

#[test]
fn a_million_fragments_of_a_byte_take_little_more_room_than_the_message() {
    let measured = Measured::begin();
    let server = Server::upgraded(|mut peer| {
        peer.write(frame(BINARY, b""));
        repeat(&mut peer, &frame(CONTINUATION, b"x").repeat(1_000), 1_000);
        peer.write(frame(0x80 | CONTINUATION, b""));
        peer.drain();
    });
    let mut connection = dial(&server.url()).build();
    assert_eq!(message(&mut connection).len(), 1_000_000);
    drop(connection);
    server.join();
    // A vector that grows holds up to thrice what is in it while it moves.
    measured.assert_peak_below(4 * MIB);
}

#[test]
fn fragments_without_end_take_no_more_room_than_the_limit_of_a_message() {
    let measured = Measured::begin();
    let server = Server::upgraded(|mut peer| {
        peer.write(frame(BINARY, b""));
        repeat(&mut peer, &frame(CONTINUATION, &[7; 1_000]), 64_000)
    });
    let mut limits = Limits::default();
    limits.max_message_size = MIB;
    let dialer = Dialer::new(&server.url()).unwrap().with_limits(limits);
    let down = down(&mut dial_with(dialer).build());
    let kind = down.failure.unwrap().kind();
    assert_eq!(kind, FailureKind::Violation(CloseCode::MESSAGE_TOO_BIG));
    assert!(server.join_one() < 64_000, "the client heard the server out");
    measured.assert_peak_below(4 * MIB);
}

#[test]
fn a_length_that_is_only_said_takes_no_more_room_than_the_limit_of_a_frame() {
    let measured = Measured::begin();
    for (length, room) in [(1 << 62, LITTLE), (u64::MAX, LITTLE), (16 << 20, 18 * MIB)] {
        let server = Server::upgraded(move |mut peer| {
            peer.write([&[0x82, 127][..], &u64::to_be_bytes(length)].concat());
        });
        down(&mut dial(&server.url()).build());
        server.join();
        measured.assert_peak_below(room);
    }
}

#[test]
fn pongs_that_are_not_read_take_no_room() {
    let measured = Measured::begin();
    let (done, hold) = mpsc::channel::<()>();
    let server = Server::upgraded(move |mut peer| {
        peer.stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
        let sent = repeat(&mut peer, &frame(0x80 | PING, &[7; 125]).repeat(100), 10_000);
        let _ = hold.recv();
        sent
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    bounded(async {
        select(connection.next(), Timer::after(Duration::from_secs(1))).await;
    });
    measured.assert_peak_below(LITTLE);
    drop(connection);
    done.send(()).unwrap();
    assert!(server.join_one() < 10_000, "the client took all of 127 MB");
}

#[test]
fn pings_that_are_answered_take_no_room() {
    let measured = Measured::begin();
    let server = Server::upgraded(|mut peer| {
        let mut reader = Peer { stream: peer.stream.try_clone().unwrap() };
        let reading = std::thread::spawn(move || reader.drain());
        repeat(&mut peer, &frame(0x80 | PING, b"ping").repeat(100), 500);
        peer.frame(TEXT, b"after all");
        reading.join().unwrap();
    });
    let mut connection = dial(&server.url()).build();
    assert_eq!(message(&mut connection).as_text(), Some("after all"));
    drop(connection);
    server.join();
    measured.assert_peak_below(LITTLE);
}

#[test]
fn messages_that_are_not_read_take_the_room_of_a_few() {
    let measured = Measured::begin();
    let (done, hold) = mpsc::channel::<()>();
    let server = Server::upgraded(move |mut peer| {
        peer.stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
        let sent = repeat(&mut peer, &frame(0x80 | BINARY, &[7; 64 * KIB]), 2_000);
        let _ = hold.recv();
        sent
    });
    let mut connection = dial(&server.url()).build();
    open(&mut connection);
    // An application that only writes, to a server that does not read, drives the reading, too.
    let chunk = Message::from(vec![0_u8; 64 * KIB]);
    bounded(async {
        let sending = async { while connection.send(chunk.clone()).await.is_ok() {} };
        select(Box::pin(sending), Timer::after(Duration::from_secs(1))).await;
    });
    measured.assert_peak_below(3 * MIB);
    drop(connection);
    done.send(()).unwrap();
    assert!(server.join_one() < 2_000, "the client took all of 131 MB");
}

#[test]
fn an_answer_without_end_takes_no_room() {
    for begin in [
        "HTTP/1.1 101 Switching Protocols\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nX-Endless: ",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 999999999\r\n\r\n",
        "",
    ] {
        let measured = Measured::begin();
        let server = Server::start(1, move |_, mut peer| {
            peer.request();
            peer.write(begin);
            repeat(&mut peer, "X-Padding: 0123456789\r\n".repeat(1_000).as_bytes(), 3_000)
        });
        failure(&server.url());
        assert!(server.join_one() < 3_000, "the client read all of it");
        measured.assert_peak_below(LITTLE);
    }
}

#[test]
fn dials_and_connections_that_fail_leave_nothing_behind() {
    let measured = Measured::begin();
    let server = Server::start(400, |index, mut peer| match index % 4 {
        0 => peer.reset(),
        1 => drop(peer.request()),
        2 => {
            peer.upgrade();
            peer.write(frame(TEXT, b"half of it"));
        }
        _ => {
            peer.upgrade();
            peer.close(1001, "bye");
        }
    });
    let mut connection = dial(&server.url()).build();
    let lost = |event: &Event| matches!(event, Event::DialFailed(_) | Event::Down(_));
    for _ in 0..40 {
        until(&mut connection, lost);
    }
    let early = measured.held();
    for _ in 40..400 {
        until(&mut connection, lost);
    }
    let late = measured.held();
    assert!(late < early + 64 * KIB, "{} KiB, then {}", early / KIB, late / KIB);
    drop(connection);
    server.join();
    assert!(measured.held() < 64 * KIB, "{} KiB are left", measured.held() / KIB);
}

#[test]
fn dials_that_are_refused_leave_nothing_behind() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let measured = Measured::begin();
    let mut connection = dial(&format!("ws://{address}/")).build();
    failures(&mut connection, 20);
    let early = measured.held();
    failures(&mut connection, 200);
    let late = measured.held();
    assert!(late < early + 64 * KIB, "{} KiB, then {}", early / KIB, late / KIB);
}
