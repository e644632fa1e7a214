//! The same defects where a client can ship them although its machine does not: over connections
//! in memory, with a clock that moves when told.

use std::{collections::BTreeSet, task::Poll, time::Duration};

use futures::{FutureExt, Sink, Stream, StreamExt, stream::FusedStream};
use steadfast::{
    CloseCode, ClosedReason, Config, FailureKind, Network, Next, State,
    client::{
        Builder, CloseFrame, Connection, DialContext, DialError, Event, Frame, Message, random_seed,
    },
    testing::{ManualClock, MemoryConn, MemoryPeer},
};

use crate::{
    rig::{Client, NANOSECOND, Rig, SECOND, heard, policy, say, text},
    wire::Wire,
};

const DEAD: &str = "down: no answer to ping";
const HOUR: Duration = Duration::from_secs(3_600);

fn dials<S, C>(rig: &Rig<S, C>) -> (usize, usize) {
    let dials = rig.dials.borrow();
    (dials.contexts.len(), dials.under_way)
}

// firezone/firezone#4361: the timer of the old socket cut the new one at once.
#[test]
fn neither_ping_nor_deadline_of_the_old_socket_reaches_the_new_one() {
    let (mut rig, mut old) = Rig::open();
    rig.fill();
    // Both pings wait for room; at 40 s the old socket would be given up.
    assert!(rig.pass(38 * SECOND).is_empty());
    heard(&mut old);
    drop(old);
    rig.told();
    let mut new = rig.reopen();
    assert!(rig.pass(20 * SECOND - NANOSECOND).is_empty());
    assert!(heard(&mut new).is_empty());
    assert!(rig.pass(NANOSECOND).is_empty());
    assert_eq!(heard(&mut new), ["ping"]);
    let dead = rig.pass(20 * SECOND);
    assert_eq!(dead.first().map(String::as_str), Some(DEAD));
}

// dotnet/MQTTnet#851: a client that went on sending never noticed that its path was cut.
#[test]
fn what_a_handle_sends_does_not_postpone_the_heartbeat_whether_it_leaves_or_not() {
    for leaves in [true, false] {
        let (rig, mut peer) = Rig::open();
        let (handle, mut rig) = rig.split(1_000);
        rig.told();
        for _ in 0..159 {
            handle.try_send("are you there?").unwrap();
            assert!(rig.pass(SECOND / 4).is_empty());
            if leaves {
                heard(&mut peer);
            }
        }
        assert_eq!(rig.pass(SECOND / 4), [DEAD], "what is sent leaves: {leaves}");
    }
}

// algonauti/ember-cable#33: the late close of the old socket was taken for the new one's.
#[test]
fn a_late_close_of_the_old_socket_does_not_end_the_new_one() {
    type End = fn(&mut Rig) -> Vec<String>;
    let given_up: End = |rig| rig.pass(40 * SECOND);
    let restarted: End = |rig| {
        rig.ask(|it| (it.stop(), it.start()));
        rig.pass(2 * SECOND)
    };
    for end in [given_up, restarted] {
        let (mut rig, mut old) = Rig::open();
        assert_eq!(end(&mut rig).len(), 1);
        let mut new = rig.reopen();
        let close = Frame::from(CloseFrame::new(CloseCode::GOING_AWAY, "late"));
        for frame in [Frame::Message(Message::text("late")), close] {
            assert_eq!(old.send(frame).now_or_never(), Some(false), "somebody listens");
        }
        old.fail(FailureKind::Reset).now_or_never();
        assert!(rig.told().is_empty());
        text(&mut new, "hello");
        assert_eq!(rig.told(), ["message hello"]);
        assert_eq!(rig.it.state(), State::Open);
    }
}

// cenkalti/backoff#42: an unseeded generator gave every process the same jitter.
#[test]
fn each_connection_has_a_seed_of_its_own() {
    let delay = |_| {
        let dialer = |_: DialContext| async {
            Err::<MemoryConn, _>(DialError::new(FailureKind::Refused, "nobody is there"))
        };
        let mut connection = Builder::new(dialer, ManualClock::new()).build();
        match connection.by_ref().skip(1).next().now_or_never().flatten() {
            Some(Event::DialFailed(failed)) => match failed.next {
                Next::Retry { delay, .. } => delay,
                next => panic!("{next:?}"),
            },
            event => panic!("{event:?}"),
        }
    };
    assert!((0..16).map(delay).collect::<BTreeSet<_>>().len() > 12);
    assert!((0..16).map(|_| random_seed().get()).collect::<BTreeSet<_>>().len() > 12);
}

// cloudflare/partykit#252: after the last retry reconnect() did nothing.
#[test]
fn a_connection_that_gave_up_can_be_started_again() {
    let policy = policy().to_builder().with_max_retries(1).build().unwrap();
    let mut rig: Rig = Rig::with(Config::default(), policy);
    for _ in 0..3 {
        (0..2).for_each(|_| rig.refuse(FailureKind::Refused));
        assert_eq!(rig.pass(HOUR).last().unwrap(), "closed: gave up: connection refused");
        assert!(rig.it.is_terminated());
        rig.ask(Client::start);
        assert!(!rig.it.is_terminated());
    }
    let _peer = rig.listen();
    assert_eq!(rig.pass(SECOND).last().unwrap(), "up");
}

// glowing-bear/glowing-bear#1147: connecting by hand while it reconnected made two of them.
#[test]
fn a_client_never_has_two_dials_under_way() {
    fn hurry(rig: &mut Rig) {
        for _ in 0..10 {
            rig.ask(Client::start);
            rig.ask(Client::retry_now);
            rig.ask(|it| it.set_network(Network::Offline));
            rig.ask(|it| it.set_network(Network::Online));
            rig.ask(Client::probe);
        }
    }
    let mut rig: Rig = Rig::new();
    for attempt in 1..4 {
        rig.told();
        hurry(&mut rig);
        assert!(rig.told().is_empty());
        assert_eq!(dials(&rig), (attempt, 1));
        // Nobody answers, and there is no way to make it hurry twice.
        rig.clock.advance(10 * SECOND);
        rig.told();
        hurry(&mut rig);
        rig.pass(3 * SECOND);
        assert_eq!(dials(&rig), (attempt + 1, 1));
    }
}

// coder/claudecode.nvim#141: on waking up it cut off whoever had not answered in its sleep.
#[test]
fn a_client_that_was_asleep_asks_before_it_hangs_up() {
    let (mut rig, mut peer) = Rig::open();
    // Two pings are out, and the next deadline is the last.
    assert!(rig.pass(30 * SECOND).is_empty());
    heard(&mut peer);
    assert!(rig.leap(8 * HOUR).is_empty());
    let Some(Frame::Ping(payload)) = peer.try_recv() else { panic!("no ping") };
    assert!(rig.pass(2 * SECOND).is_empty());
    say(&mut peer, Frame::Pong(payload));
    assert_eq!(rig.told(), ["round trip 2s"]);
    assert!(rig.it.is_open());
}

// python-websockets/websockets#1527: after a keepalive timeout it was closing for ever.
#[test]
fn closing_ends_although_the_peer_is_dead_and_nothing_can_be_written() {
    let (mut rig, mut peer) = Rig::open();
    rig.fill();
    assert!(rig.poll(Sink::poll_close).is_pending());
    rig.clock.advance(2 * SECOND - NANOSECOND);
    assert!(rig.poll(Sink::poll_close).is_pending());
    rig.take_woken();
    rig.clock.advance(NANOSECOND);
    assert!(rig.take_woken(), "nothing would poll it");
    assert!(rig.poll(Sink::poll_close).is_ready());
    assert_eq!(rig.it.state(), State::Closed(ClosedReason::Stopped));
    rig.ask(|_| ());
    assert_eq!(rig.told(), ["down: stopped", "closed: stopped"]);
    assert_eq!(rig.poll(Stream::poll_next).map(|event| event.is_none()), Poll::Ready(true));
    heard(&mut peer);
    assert_eq!(peer.recv().now_or_never(), Some(None), "the socket is still there");
}

// faye/faye-websocket-ruby#103: close() waited until a full buffer had gone to a dead peer.
#[test]
fn closing_the_sink_does_not_wait_for_a_flush_that_hangs() {
    let (mut rig, wire) = Wire::open();
    wire.state().flush_hangs = true;
    rig.start_send("the last word").unwrap();
    assert!(rig.poll(Sink::poll_close).is_pending());
    rig.take_woken();
    rig.clock.advance(2 * SECOND);
    assert!(rig.take_woken(), "nothing would poll it");
    assert!(matches!(rig.poll(Sink::poll_close), Poll::Ready(Err(_))), "it was not written");
    assert_eq!(rig.it.state(), State::Closed(ClosedReason::Stopped));
}

// dsrees/JavaPhoenixClient#34: disconnect() scheduled a reconnect.
#[test]
fn a_client_does_not_reconnect_after_the_user_closed() {
    type Reach = fn(&mut Rig) -> Option<MemoryPeer>;
    let states: [(State, Reach); 4] = [
        (State::Connecting, |_| None),
        (State::Open, |rig| Some(rig.listen())),
        (State::Closing, |rig| {
            let mut peer = rig.listen();
            say(&mut peer, Frame::Close(None));
            Some(peer)
        }),
        (State::Backoff, |rig| {
            rig.refuse(FailureKind::Refused);
            None
        }),
    ];
    for (state, reach) in states {
        let mut rig: Rig = Rig::new();
        let _peer = reach(&mut rig);
        rig.told();
        assert_eq!(rig.it.state(), state);
        rig.ask(Connection::stop);
        // Whoever dialed now would get through.
        let _next = rig.listen();
        for _ in 0..100 {
            rig.ask(Client::retry_now);
            rig.ask(|it| it.set_network(Network::Offline));
            rig.ask(|it| it.set_network(Network::Online));
            let told = rig.pass(SECOND / 10);
            assert!(told.iter().all(|told| told.ends_with("stopped")), "{state:?}: {told:?}");
        }
        assert_eq!(rig.it.state(), State::Closed(ClosedReason::Stopped));
        assert_eq!((dials(&rig), rig.clock.next_alarm()), ((1, 0), None), "{state:?}");
    }
}
