//! A Close with each code of the failure table, and with those that no Close may have.

use std::{
    net::Shutdown,
    sync::{Arc, Mutex},
    time::Duration,
};

use steadfast::{
    Attempt, Bounds, CloseCode, ClosedReason, Credentials, Decision, FailureKind, Next, Pace,
    Policy,
    client::{Builder, Dial, DialContext, Down, Event},
    transport::{AsyncIoClock, Dialer},
};

use crate::{
    server::{CLOSE, PING, Server, TEXT, close_code, frame},
    watch::{bounded, config, dial, down, until},
};

/// What a client is seen to do after a Close.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Retries(Pace),
    Refreshes,
    Stops,
}

const RETRIES: Then = Then::Retries(Pace::Normal);

/// The table in the documentation of `classify`, written out.
const TABLE: [(u16, Then); 34] = [
    (1000, RETRIES),
    (1001, Then::Retries(Pace::Spread)),
    (1002, Then::Stops),
    (1003, Then::Stops),
    (1007, Then::Stops),
    (1008, Then::Retries(Pace::Twice)),
    (1009, Then::Stops),
    (1010, Then::Stops),
    (1011, RETRIES),
    (1012, Then::Retries(Pace::Spread)),
    (1013, Then::Retries(Pace::Spread)),
    (3000, RETRIES),
    (3001, RETRIES),
    (3003, RETRIES),
    (3008, RETRIES),
    (3499, RETRIES),
    (3500, Then::Stops),
    (3501, Then::Stops),
    (3999, Then::Stops),
    (4000, RETRIES),
    (4001, RETRIES),
    (4008, RETRIES),
    (4400, RETRIES),
    (4401, Then::Refreshes),
    (4402, RETRIES),
    (4403, Then::Refreshes),
    (4404, RETRIES),
    (4408, RETRIES),
    (4429, RETRIES),
    (4499, RETRIES),
    (4500, Then::Stops),
    (4501, Then::Stops),
    (4998, Then::Stops),
    (4999, Then::Stops),
];

/// A policy that writes down at which pace it was asked to go.
struct Spy(Arc<Mutex<Vec<Pace>>>);

impl Policy for Spy {
    fn decide(&mut self, attempt: &Attempt) -> Decision {
        self.0.lock().unwrap().push(attempt.pace);
        Decision::RetryAfter(Duration::from_millis(5))
    }

    fn bounds(&self) -> Bounds {
        Bounds::new(Duration::from_millis(5), Duration::from_millis(5)).unwrap()
    }
}

/// What is told of a Close, what the server sees of the answer to it, and what follows.
fn closed_with(close: Vec<u8>) -> (Down, Vec<u16>, Then) {
    let server = Server::upgraded(move |mut peer| {
        peer.write(close);
        // A server ends the connection when it has its answer (RFC 6455 §7.1.1).
        let answer = peer.read_frame().expect("an answer");
        peer.stream.shutdown(Shutdown::Write).unwrap();
        let answers = [answer].into_iter().chain(peer.read_frames());
        answers
            .map(|(opcode, payload)| {
                assert_eq!(opcode, CLOSE);
                close_code(&payload)
            })
            .collect()
    });
    let (paces, credentials) = (Arc::default(), Arc::new(Mutex::new(Vec::new())));
    let (seen, url) = (credentials.clone(), server.url());
    let dialer = move |context: DialContext| {
        seen.lock().unwrap().push(context.credentials);
        Dialer::new(&url).unwrap().dial(context)
    };
    let mut connection = Builder::new(dialer, AsyncIoClock::new())
        .with_config(config())
        .with_policy(Spy(Arc::clone(&paces)))
        .build();
    let mut told = None;
    let closed = bounded(async {
        loop {
            match futures::StreamExt::next(&mut connection).await {
                Some(Event::Down(down)) => told = Some(*down),
                Some(Event::Dialing { attempt: 1.. }) => return None,
                Some(Event::Closed { reason }) => return Some(reason),
                Some(Event::Dialing { .. } | Event::Up { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    });
    drop(connection);
    let told = told.expect("an end");
    let then = match (closed, credentials.lock().unwrap().get(1)) {
        (Some(reason), None) => {
            assert_eq!(reason, ClosedReason::Fatal(told.failure.unwrap()));
            assert_eq!(told.next, Next::Closed);
            Then::Stops
        }
        (None, Some(Credentials::Refresh)) => Then::Refreshes,
        (None, Some(Credentials::Current)) => Then::Retries(paces.lock().unwrap()[0]),
        other => panic!("{other:?}"),
    };
    (told, server.join_one(), then)
}

fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(0x80 | CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

#[test]
fn each_code_is_told_answered_and_followed_by_what_the_table_says() {
    for (code, expected) in TABLE {
        let (down, answers, then) = closed_with(close(code, "because"));
        assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::new(code)));
        assert_eq!(down.close_reason.as_deref(), Some("because"), "{code}");
        assert!(down.error.is_none(), "a Close is no error: {:?}", down.error);
        assert_eq!(answers, [code], "it is answered once, with its own code");
        assert_eq!(then, expected, "{code}");
    }
}

#[test]
fn a_close_without_a_code_is_followed_by_a_retry() {
    let (down, answers, then) = closed_with(frame(0x80 | CLOSE, b""));
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::NO_STATUS));
    assert_eq!((answers, then), (vec![1005], RETRIES));
}

#[test]
fn a_code_that_the_library_below_does_not_let_through_is_told_as_none() {
    // Some may merely be new, and 1014 is; so none is a reason to stop for good.
    for code in [0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2000, 2999, 5000, 65535] {
        let (down, answers, then) = closed_with(close(code, "because"));
        let kind = down.failure.unwrap().kind();
        assert_eq!(kind, FailureKind::Closed(CloseCode::NO_STATUS), "{code}");
        assert_eq!(answers, [1002], "{code} is answered as a protocol error");
        assert_eq!(then, RETRIES, "{code}");
    }
}

#[test]
fn a_reason_of_any_length_that_fits_is_told() {
    for length in [0, 1, 123] {
        let reason = "r".repeat(length);
        let (down, answers, _) = closed_with(close(1000, &reason));
        assert_eq!(down.close_reason, Some(reason));
        assert_eq!(answers, [1000]);
    }
}

#[test]
fn what_follows_a_close_is_not_taken_for_anything() {
    for after in [
        frame(0x80 | TEXT, b"too late"),
        frame(0x80 | PING, b"too late"),
        close(4500, "too late"),
        // Not even a violation.
        vec![0xff; 20],
    ] {
        let server = Server::upgraded(move |mut peer| {
            peer.write([close(1001, "first"), after].concat());
            peer.read_frames()
        });
        let mut connection = dial(&server.url()).build();
        let events = until(&mut connection, |event| matches!(event, Event::Down(_)));
        assert!(!events.iter().any(|event| matches!(event, Event::Message(_))), "{events:?}");
        let Some(Event::Down(down)) = events.last() else { panic!("{events:?}") };
        let kind = down.failure.unwrap().kind();
        assert_eq!(kind, FailureKind::Closed(CloseCode::GOING_AWAY));
        assert_eq!(down.close_reason.as_deref(), Some("first"));
        drop(connection);
        let frames = server.join_one();
        assert!(frames.iter().all(|(opcode, _)| *opcode == CLOSE), "{frames:?}");
        assert!(frames.len() <= 1, "{frames:?}");
    }
}

#[test]
fn a_close_inside_a_message_is_a_close_and_the_message_is_lost() {
    let server = Server::upgraded(|mut peer| {
        peer.write([frame(TEXT, b"begin"), close(1001, "")].concat());
        peer.read_closes()
    });
    let mut connection = dial(&server.url()).build();
    let down = down(&mut connection);
    assert_eq!(down.failure.unwrap().kind(), FailureKind::Closed(CloseCode::GOING_AWAY));
    drop(connection);
    assert_eq!(server.join_one(), [1001]);
}
