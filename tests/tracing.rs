//! What an operator sees: a span for each client, an event for each transition, nothing for a
//! message, and no secret.
#![cfg(all(feature = "tracing", feature = "testing"))]

use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{FutureExt, SinkExt, StreamExt};
use steadfast::{
    Backoff, FailureKind, Jitter,
    client::{Builder, DialContext, DialError, Event, Frame, Message, SessionId},
    testing::{ManualClock, MemoryPeer, pair},
};
use tracing::{
    Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::with_default,
};

/// Writes down all that it is told, a line each.
#[derive(Clone, Default)]
struct Notebook(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Notebook {
    fn write(&self, start: String, record: impl FnOnce(&mut Line)) {
        let mut line = Line(start);
        record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Subscriber for Notebook {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("steadfast")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(format!("span {}", span.metadata().name()), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.write("record".to_owned(), |line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let parent = event.parent().map_or(0, Id::into_u64);
        let level = event.metadata().level();
        self.write(format!("{level} in {parent}"), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

const SESSION: SessionId = SessionId::new(7);

/// Two connections, the first of them with a hundred messages, and a refusal between.
fn two_connections(notebook: &Notebook) -> Vec<Event> {
    with_default(notebook.clone(), || {
        let clock = ManualClock::new();
        let (conn, mut peer) = pair(16);
        let mut dials = vec![None, Some(conn)];
        let dialer = move |_: DialContext| {
            let conn = dials.pop().flatten();
            let refused = || DialError::new(FailureKind::Http(403), "no entry");
            async move { conn.ok_or_else(refused) }
        };
        let policy = Backoff::builder().with_jitter(Jitter::None).build().unwrap();
        let mut client =
            Builder::new(dialer, clock.clone()).with_policy(policy).with_session(SESSION).build();
        let mut events = Vec::new();
        let mut run = |events: &mut Vec<Event>| {
            while let Some(Some(event)) = client.next().now_or_never() {
                if let Event::Up { .. } = event {
                    client.send(Message::text("canary")).now_or_never().unwrap().unwrap();
                }
                events.push(event);
            }
        };
        run(&mut events);
        for _ in 0..100 {
            say(&mut peer, Message::text("canary"));
            run(&mut events);
        }
        drop(peer);
        run(&mut events);
        clock.advance(Duration::from_secs(60));
        run(&mut events);
        events
    })
}

fn say(peer: &mut MemoryPeer, message: Message) {
    assert_eq!(peer.send(Frame::Message(message)).now_or_never(), Some(true));
}

#[test]
fn there_is_one_span_with_the_session_and_one_event_for_each_transition() {
    let notebook = Notebook::default();
    let events = two_connections(&notebook);
    let lines = notebook.take();
    assert_eq!(lines[..2], ["span websocket", "record session=00000000000000000000000000000007"]);
    let transitions = events.iter().filter(|event| !matches!(event, Event::Message(_)));
    let told: Vec<_> = transitions.map(|event| format!("message={event}")).collect();
    assert_eq!(told.len(), 6, "{told:?}");
    assert_eq!(lines[2..].len(), told.len(), "{lines:#?}");
    for (line, message) in lines[2..].iter().zip(&told) {
        assert!(line.contains(" in 1 ") && line.contains(message), "{line}\n{message}");
    }
}

#[test]
fn the_level_says_how_bad_it_is() {
    let notebook = Notebook::default();
    two_connections(&notebook);
    let lines = notebook.take();
    let levels: Vec<_> = lines[2..].iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(levels, ["DEBUG", "INFO", "WARN", "DEBUG", "WARN", "ERROR"], "{lines:#?}");
}

#[test]
fn an_event_has_fields_for_programs() {
    let notebook = Notebook::default();
    two_connections(&notebook);
    let lines = notebook.take();
    let up = lines.iter().find(|line| line.contains("reconnected")).expect("an Up");
    for field in ["epoch=1", "state=\"open\"", "attempt=0", "reconnected=false"] {
        assert!(up.contains(field), "{up}");
    }
}

#[test]
fn no_payload_is_told() {
    let notebook = Notebook::default();
    two_connections(&notebook);
    let all = notebook.take().join("\n");
    assert!(!all.contains("canary"), "{all}");
}

#[cfg(feature = "tungstenite")]
#[test]
fn the_span_of_a_url_names_it_without_its_query() {
    let notebook = Notebook::default();
    with_default(notebook.clone(), || {
        drop(steadfast::connect("ws://127.0.0.1:1/feed?token=canary").unwrap().build());
    });
    let all = notebook.take().join("\n");
    assert!(all.contains("url=ws://127.0.0.1:1/feed?…"), "{all}");
    assert!(!all.contains("canary") && all.contains("record session="), "{all}");
}
