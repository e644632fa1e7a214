//! A client whose machine is recorded.

use std::{cell::RefCell, io, rc::Rc};

use futures::{SinkExt, StreamExt, executor::block_on};
use steadfast::{
    CloseCode, State,
    client::{Builder, CloseFrame, DialContext, Event, Frame, Message},
    testing::{ManualClock, MemoryError, pair},
    trace::{Recorder, Trace},
};

/// A file that the test can look into while the recorder holds it.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_recorded_client_leaves_a_trace_that_replays_and_holds_no_payload() {
    let file = Shared::default();
    let out = file.clone();
    let (conn, mut peer) = pair(8);
    let mut conns = vec![conn];
    let dialer = move |_: DialContext| {
        let conn = conns.pop();
        async move { conn.ok_or(MemoryError(steadfast::FailureKind::Refused.into())) }
    };
    let mut connection = Builder::new(dialer, ManualClock::new())
        .build_with(|config, policy, seed, now| Recorder::new(config, policy, seed, now, out));

    block_on(async {
        assert!(matches!(connection.next().await, Some(Event::Dialing { .. })));
        assert!(matches!(connection.next().await, Some(Event::Up { .. })));
        connection.send("canary out".into()).await.unwrap();
        assert!(peer.send_message("canary in").await);
        assert!(matches!(connection.next().await, Some(Event::Message(_))));
        assert_eq!(peer.recv().await, Some(Frame::Message(Message::text("canary out"))));
        let reason = CloseFrame::new(CloseCode::SERVICE_RESTART, "canary; retry-after=9");
        assert!(peer.send(reason.into()).await);
        drop(peer);
        assert!(matches!(connection.next().await, Some(Event::Down(_))));
    });
    assert_eq!(connection.state(), State::Backoff);

    let written = file.0.borrow();
    let trace = Trace::read(written.as_slice()).unwrap();
    trace.replay().unwrap();
    assert_eq!(trace.entries.last().map(|entry| entry.state), Some(State::Backoff));
    let text = String::from_utf8_lossy(&written);
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains("\"spread_over_seconds\":9"), "{text}");
}
