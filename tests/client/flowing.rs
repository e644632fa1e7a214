//! When messages flow without a pause: the machine is told when they came in, and the clock is not
//! asked for each.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, StreamExt};
use steadfast::{
    Instant,
    client::{Builder, Clock, DialContext, Event, Frame, HeartbeatMessage, Message},
    testing::{ManualClock, MemoryError},
};

use crate::{
    rig::{Client, Rig, SECOND, tell},
    wire::{Wire, WireConn},
};

type WireRig = Rig<Client<WireConn>, WireConn>;

/// Takes a message, and so long for it.
fn take(rig: &mut WireRig, takes: Duration) {
    let polled = rig.poll(|mut it, cx| it.poll_next_unpin(cx));
    let Poll::Ready(Some(event)) = polled else { panic!("{polled:?}") };
    assert!(tell(&event).starts_with("message"), "{event:?}");
    rig.clock.advance(takes);
}

#[test]
fn an_application_that_is_slow_does_not_make_a_peer_look_alive_that_has_gone_since() {
    let (mut rig, wire) = Wire::open();
    (0..10).for_each(|n| wire.text(&n.to_string()));
    (0..9).for_each(|_| take(&mut rig, SECOND));
    take(&mut rig, 3_600 * SECOND);
    rig.ask(|_| ());
    assert!(rig.told().is_empty());
    assert_eq!(wire.written(), ["ping"], "the last message came in an hour ago");
}

/// An open connection for each kind of heartbeat, and what it sends: with one of its own, each message
/// is looked at.
fn both() -> [(WireRig, Wire, &'static str); 2] {
    let (rig, wire) = Wire::open();
    let own = Wire::new();
    let mut looking =
        WireRig::built(|builder| builder.with_heartbeat_message(HeartbeatMessage::json()));
    looking.accept(own.conn());
    assert_eq!(looking.told(), ["dialing 0", "up"]);
    [(rig, wire, "ping"), (looking, own, r#"{"type":"ping"}"#)]
}

#[test]
fn an_application_that_has_become_slow_is_found_out() {
    for (mut rig, wire, ping) in both() {
        (0..1_000).for_each(|n| wire.text(&n.to_string()));
        (0..800).for_each(|_| take(&mut rig, Duration::from_micros(1)));
        (0..199).for_each(|_| take(&mut rig, SECOND));
        take(&mut rig, 3_600 * SECOND);
        rig.ask(|_| ());
        assert!(rig.told().is_empty());
        assert_eq!(wire.written(), [ping]);
    }
}

#[test]
fn a_message_counts_although_the_machine_is_told_of_it_only_when_there_are_no_more() {
    for (mut rig, wire, ping) in both() {
        (0..100).for_each(|n| wire.text(&n.to_string()));
        (0..100).for_each(|_| take(&mut rig, Duration::from_micros(1)));
        rig.ask(|_| ());
        assert!(rig.told().is_empty());
        wire.text("a");
        wire.text("b");
        take(&mut rig, 5 * SECOND);
        take(&mut rig, Duration::ZERO);
        rig.ask(|_| ());
        assert!(rig.pass(20 * SECOND - Duration::from_nanos(1)).is_empty());
        assert!(wire.written().is_empty());
        rig.pass(Duration::from_nanos(1));
        assert_eq!(wire.written(), [ping], "twenty seconds after the second message");
    }
}

#[test]
fn a_message_counts_when_it_is_read_and_not_when_its_reader_comes_back() {
    let (mut rig, wire) = Wire::open();
    wire.text("a");
    wire.text("b");
    take(&mut rig, SECOND);
    take(&mut rig, 5 * SECOND);
    rig.ask(|_| ());
    assert!(rig.pass(15 * SECOND - Duration::from_nanos(1)).is_empty());
    assert!(wire.written().is_empty());
    rig.pass(Duration::from_nanos(1));
    assert_eq!(wire.written(), ["ping"], "twenty seconds after the second message");
}

/// A clock that counts how often it is asked.
struct Counting(ManualClock, Rc<Cell<usize>>);

impl Clock for Counting {
    fn now(&self) -> Instant {
        self.1.set(self.1.get() + 1);
        self.0.now()
    }

    fn poll_until(mut self: Pin<&mut Self>, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        Pin::new(&mut self.0).poll_until(cx, until)
    }
}

#[test]
fn the_clock_is_asked_once_in_many_messages_that_an_application_takes_at_once() {
    let (wire, asked) = (Wire::new(), Rc::new(Cell::new(0)));
    let mut conns = vec![wire.conn()];
    let dialer = move |_: DialContext| {
        let conn = conns.pop().expect("one dial");
        async { Ok::<_, MemoryError>(conn) }
    };
    let clock = Counting(ManualClock::new(), asked.clone());
    let mut connection = Builder::new(dialer, clock).build();
    wire.state().flood = Some(Frame::Message(Message::text("more")));
    while !matches!(connection.next().now_or_never(), Some(Some(Event::Up(_)))) {}
    let before = asked.get();
    for _ in 0..6_400 {
        assert!(matches!(connection.next().now_or_never(), Some(Some(Event::Message(_)))));
    }
    let asked = asked.get() - before;
    assert!(asked <= 110, "{asked} times");
}
