//! Each fault on a connection in memory, alone.

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use futures::{FutureExt, Sink, SinkExt, StreamExt, future::poll_fn};
use steadfast::{
    CloseCode, Failure, FailureKind, Instant, Seed,
    client::{Clock, CloseFrame, Conn, Frame, Message},
    testing::{
        Fault, FaultError, Faults, Faulty, ManualClock, MemoryConn, MemoryPeer, VirtualTime, When,
        pair,
    },
};

use crate::support::{MILLISECOND, SECOND, at};

/// A connection with faults, and its peer.
struct Link {
    time: VirtualTime,
    clock: ManualClock,
    conn: Faulty<MemoryConn>,
    peer: MemoryPeer,
}

impl Link {
    fn new(faults: Faults) -> Self {
        let (time, (conn, peer)) = (VirtualTime::new(), pair(4));
        let clock = time.clock();
        Self { conn: Faulty::new(conn, time.clock(), faults), time, clock, peer }
    }

    fn with(when: When, fault: Fault) -> Self {
        Self::new(Faults::none().with(when, fault))
    }

    /// What the client reads next, and when.
    fn read(&mut self) -> (Instant, Option<Result<Frame, Failure>>) {
        let item = self.time.run(self.conn.next()).expect("something is read");
        (self.clock.now(), item.map(|item| item.map_err(injected)))
    }

    /// What the peer reads next, and when, while the client goes on reading.
    fn arrive(&mut self) -> (Instant, Option<Frame>) {
        let (conn, peer) = (&mut self.conn, &mut self.peer);
        let arrived = self.time.run(async {
            let mut recv = pin!(peer.recv());
            poll_fn(|cx| {
                let _ = conn.poll_next_unpin(cx);
                recv.poll_unpin(cx)
            })
            .await
        });
        (self.clock.now(), arrived.expect("something arrives"))
    }

    /// Lets the peer say something that there is room for.
    fn say(&mut self, number: usize) {
        assert_eq!(self.peer.send(text(number)).now_or_never(), Some(true));
    }

    fn pass(&mut self, span: Duration) {
        self.time.run(self.clock.sleep(span)).unwrap();
    }
}

fn injected<E: std::fmt::Debug>(error: FaultError<E>) -> Failure {
    match error {
        FaultError::Injected(failure) => failure,
        FaultError::Inner(error) => panic!("not injected: {error:?}"),
    }
}

fn reset() -> Failure {
    FailureKind::Reset.into()
}

fn text(number: usize) -> Frame {
    Frame::Message(Message::text(number.to_string()))
}

/// How many frames find room at once.
fn fill(conn: &mut impl Conn<Frame = Frame>) -> usize {
    (0..1_000).take_while(|number| conn.feed(text(*number)).now_or_never().is_some()).count()
}

/// How many frames a peer can say at once.
fn chatter(peer: &mut MemoryPeer) -> usize {
    (0..1_000).take_while(|n| peer.send(text(*n)).now_or_never() == Some(true)).count()
}

#[test]
fn without_faults_it_is_as_if_it_were_not_there() {
    let (mut bare, mut bare_peer) = pair(4);
    let mut link = Link::new(Faults::none());
    assert_eq!(fill(&mut bare), fill(&mut link.conn));
    assert_eq!(link.conn.flush().now_or_never(), Some(Ok(())));
    while let Some(frame) = bare_peer.try_recv() {
        assert_eq!(link.peer.try_recv(), Some(frame));
    }
    assert_eq!(link.peer.try_recv(), None);

    // The peer feels back-pressure as it would without.
    let said = chatter(&mut bare_peer);
    assert_eq!(chatter(&mut link.peer), said);
    assert_eq!(bare.next().now_or_never(), Some(Some(Ok(text(0)))));
    assert_eq!(link.read(), (at(Duration::ZERO), Some(Ok(text(0)))));
    assert_eq!(chatter(&mut link.peer), chatter(&mut bare_peer));

    drop((bare_peer, link.peer));
    let left = bare.count().now_or_never();
    assert!(left.is_some());
    assert_eq!(link.conn.count().now_or_never(), left);
    assert_eq!(link.clock.next_alarm(), None);
}

#[test]
fn what_comes_in_is_late_by_the_latency_and_in_order() {
    let (low, high) = (50 * MILLISECOND, 400 * MILLISECOND);
    let faults = Faults::none().with_seed(Seed::new(7)).with_latency_in(low..=high);
    let mut link = Link::new(faults);
    let mut peer = link.peer;
    let clock = link.clock.clone();
    link.time.spawn("peer", async move {
        for number in 0..100 {
            peer.send(text(number)).await;
            clock.sleep(10 * MILLISECOND).await;
        }
    });
    let mut latencies = Vec::new();
    for number in 0..100 {
        let item = link.time.run(link.conn.next()).unwrap();
        assert_eq!(item, Some(Ok(text(number))));
        let sent = at(10 * MILLISECOND * u32::try_from(number).unwrap());
        latencies.push(link.clock.now().saturating_duration_since(sent));
    }
    assert!(latencies.iter().all(|latency| (low..=high).contains(latency)), "{latencies:?}");
    let (least, most) = (latencies.iter().min().unwrap(), latencies.iter().max().unwrap());
    assert!(*most > *least + 100 * MILLISECOND, "it is not drawn: {latencies:?}");
}

#[test]
fn what_goes_out_is_written_at_once_and_arrives_late() {
    let mut link = Link::new(Faults::none().with_latency_out(SECOND..=SECOND));
    for number in 0..3 {
        assert_eq!(link.conn.send(text(number)).now_or_never(), Some(Ok(())));
    }
    assert_eq!(link.peer.try_recv(), None);
    for number in 0..3 {
        assert_eq!(link.arrive(), (at(SECOND), Some(text(number))));
    }
}

#[test]
fn a_slow_connection_has_room_for_so_much_and_no_more() {
    let mut link = Link::new(Faults::none().with_latency_out(SECOND..=SECOND));
    assert_eq!(fill(&mut link.conn), 64);
    // The alarm rings for one who waits for room.
    link.time.run(link.conn.feed(text(64))).unwrap().unwrap();
    assert_eq!(link.clock.now(), at(SECOND));
}

#[test]
fn a_close_waits_until_all_has_arrived() {
    let mut link = Link::new(Faults::none().with_latency_out(SECOND..=SECOND));
    assert_eq!(link.conn.feed(text(1)).now_or_never(), Some(Ok(())));
    assert_eq!(link.time.run(link.conn.close()).unwrap(), Ok(()));
    assert_eq!(link.clock.now(), at(SECOND));
    assert_eq!(link.peer.recv().now_or_never(), Some(Some(text(1))));
    assert_eq!(link.peer.recv().now_or_never(), Some(None));
}

#[test]
fn a_stalled_connection_swallows_what_is_written_until_it_is_full() {
    let mut link = Link::with(When::AfterFrames(1), Fault::Stall);
    assert_eq!(link.conn.send(text(0)).now_or_never(), Some(Ok(())));
    assert_eq!(link.peer.try_recv(), Some(text(0)));
    link.say(1);
    assert_eq!(link.conn.next().now_or_never(), None, "something came in");
    assert_eq!(fill(&mut link.conn), 64);
    assert_eq!(link.conn.flush().now_or_never(), Some(Ok(())));
    link.pass(1_000 * SECOND);
    assert_eq!(link.conn.next().now_or_never(), None);
    assert_eq!(link.peer.try_recv(), None, "something went out");
}

#[test]
fn a_stall_swallows_what_is_on_its_way() {
    let slow = Faults::none().with_latency_out(SECOND..=SECOND).with_latency_in(SECOND..=SECOND);
    let mut link = Link::new(slow.with(When::After(SECOND / 2), Fault::Stall));
    link.say(1);
    assert_eq!(link.conn.send(text(2)).now_or_never(), Some(Ok(())));
    assert_eq!(link.conn.next().now_or_never(), None);
    link.pass(2 * SECOND);
    assert_eq!(link.conn.next().now_or_never(), None);
    assert_eq!(link.peer.try_recv(), None);
}

#[test]
fn a_connection_fails_at_an_instant_and_wakes_its_reader() {
    let mut link = Link::with(When::After(3 * SECOND), Fault::Fail(reset()));
    assert_eq!(link.read(), (at(3 * SECOND), Some(Err(reset()))));
    assert_eq!(link.read().1, None, "an error is the end");
    let sent = link.conn.send(text(0)).now_or_never().unwrap();
    assert_eq!(sent.map_err(injected), Err(reset()));
}

#[test]
fn a_connection_fails_after_so_many_frames_of_both_directions() {
    let mut link = Link::with(When::AfterFrames(4), Fault::Fail(reset()));
    for number in 0..2 {
        link.say(number);
        assert_eq!(link.read().1, Some(Ok(text(number))));
        assert_eq!(
            link.conn.send(text(number)).now_or_never().map(|sent| sent.is_ok()),
            Some(number == 0)
        );
    }
    link.say(2);
    assert_eq!(link.read().1, Some(Err(reset())), "what was on its way is lost");
}

#[test]
fn a_failure_loses_what_is_on_its_way_and_ends_all_other_faults() {
    for fault in [Fault::Stall, Fault::PauseReads(1_000 * SECOND)] {
        let faults = Faults::none()
            .with_latency_in(3 * SECOND..=3 * SECOND)
            .with_latency_out(3 * SECOND..=3 * SECOND)
            .with(When::After(SECOND), fault)
            .with(When::After(2 * SECOND), Fault::Fail(reset()));
        let mut link = Link::new(faults);
        link.say(0);
        assert_eq!(link.conn.send(text(0)).now_or_never(), Some(Ok(())));
        assert_eq!(link.read(), (at(2 * SECOND), Some(Err(reset()))));
        assert_eq!(link.read(), (at(2 * SECOND), None));
        link.pass(10 * SECOND);
        assert_eq!(link.conn.next().now_or_never(), Some(None));
        assert_eq!(link.peer.try_recv(), None);
    }
}

#[test]
fn after_writing_has_failed_what_came_in_can_still_be_read() {
    let mut link = Link::with(When::AfterFrames(1), Fault::FailWrites(reset()));
    link.say(1);
    assert_eq!(link.conn.feed(text(0)).now_or_never(), Some(Ok(())));
    let flushed = link.conn.flush().now_or_never().unwrap();
    assert_eq!(flushed.map_err(injected), Err(reset()));
    assert_eq!(link.read().1, Some(Ok(text(1))));
    assert!(link.conn.feed(text(2)).now_or_never().unwrap().is_err(), "it heals");
}

#[test]
fn blocked_writes_go_on_after_a_while() {
    let mut link = Link::with(When::AfterFrames(1), Fault::BlockWrites(5 * SECOND));
    assert_eq!(link.conn.feed(text(1)).now_or_never(), Some(Ok(())));
    assert_eq!(link.conn.flush().now_or_never(), None);
    assert_eq!(fill(&mut link.conn), 0);
    link.time.run(link.conn.send(text(2))).unwrap().unwrap();
    assert_eq!(link.clock.now(), at(5 * SECOND));
    assert_eq!(link.peer.try_recv(), Some(text(1)));
    assert_eq!(link.peer.try_recv(), Some(text(2)));
}

#[test]
fn blocked_writes_do_not_hold_what_is_on_its_way() {
    let faults = Faults::none()
        .with_latency_out(SECOND..=SECOND)
        .with(When::AfterFrames(1), Fault::BlockWrites(5 * SECOND));
    let mut link = Link::new(faults);
    assert_eq!(link.conn.feed(text(1)).now_or_never(), Some(Ok(())));
    assert_eq!(link.conn.flush().now_or_never(), None);
    assert_eq!(link.arrive(), (at(SECOND), Some(text(1))));
}

#[test]
fn paused_reads_go_on_after_a_while_and_the_peer_feels_it() {
    let mut link = Link::with(When::AfterFrames(1), Fault::PauseReads(5 * SECOND));
    link.say(0);
    assert_eq!(link.read().1, Some(Ok(text(0))));
    assert_eq!(link.conn.next().now_or_never(), None);
    let said = chatter(&mut link.peer);
    assert!(said < 10, "the peer felt nothing: {said}");
    assert_eq!(link.conn.next().now_or_never(), None);
    for number in 0..said {
        assert_eq!(link.read(), (at(5 * SECOND), Some(Ok(text(number)))));
    }
}

#[test]
fn a_close_that_is_cut_off_is_the_end() {
    let mut link = Link::with(When::AfterFrames(0), Fault::TruncateClose);
    link.say(0);
    let close = Frame::from(CloseFrame::new(CloseCode::NORMAL, "bye"));
    assert_eq!(link.peer.send(close).now_or_never(), Some(true));
    assert_eq!(link.read().1, Some(Ok(text(0))));
    assert_eq!(link.read().1, None);
}

#[test]
fn spurious_wake_ups_cost_polls_and_nothing_else() {
    let polls_for = |percent| {
        let faults = Faults::none().with_seed(Seed::new(3)).with_spurious_percent(percent);
        let Link { mut time, mut conn, mut peer, .. } = Link::new(faults);
        time.spawn("echo", async move {
            while let Some(frame) = peer.recv().await {
                peer.send(frame).await;
            }
        });
        let mut polls = 0;
        let echoed = time.run(async {
            let mut echoed = Vec::new();
            for number in 0..100 {
                conn.send(text(number)).await.unwrap();
                echoed.push(
                    poll_fn(|cx| {
                        polls += 1;
                        conn.poll_next_unpin(cx)
                    })
                    .await,
                );
            }
            echoed
        });
        assert!(echoed.unwrap().into_iter().eq((0..100).map(|number| Some(Ok(text(number))))));
        polls
    };
    let (calm, restless) = (polls_for(0), polls_for(50));
    assert!(restless > calm, "{restless} polls instead of {calm}");
}

#[test]
fn faults_of_one_seed_are_the_same_each_time() {
    let arrivals = |seed| {
        let faults = Faults::none()
            .with_seed(Seed::new(seed))
            .with_spurious_percent(30)
            .with_latency_in(Duration::ZERO..=SECOND);
        let mut link = Link::new(faults);
        (0..20)
            .map(|number| {
                link.say(number);
                link.read().0
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(arrivals(1), arrivals(1));
    assert_ne!(arrivals(1), arrivals(2));
}

#[test]
fn an_error_of_the_connection_itself_is_passed_on() {
    let mut link = Link::new(Faults::none());
    assert_eq!(link.peer.fail(FailureKind::Io).now_or_never(), Some(()));
    let read = link.conn.next().now_or_never().unwrap();
    assert!(matches!(read, Some(Err(FaultError::Inner(_)))), "{read:?}");
    let sent = link.conn.send(text(0)).now_or_never().unwrap();
    assert!(matches!(sent, Err(FaultError::Inner(_))), "{sent:?}");
}

#[test]
fn an_error_that_comes_to_light_later_is_told_by_the_next_write() {
    let mut link = Link::new(Faults::none().with_latency_out(SECOND..=SECOND));
    assert_eq!(link.conn.send(text(0)).now_or_never(), Some(Ok(())));
    drop(link.peer);
    link.time.run(link.clock.sleep(2 * SECOND)).unwrap();
    assert_eq!(link.conn.next().now_or_never(), Some(None));
    let ready = poll_fn(|cx| Pin::new(&mut link.conn).poll_ready(cx)).now_or_never();
    let Some(Err(FaultError::Inner(error))) = ready else { panic!("{ready:?}") };
    assert_eq!(error.0, reset(), "no fault was injected");
    assert!(link.conn.send(text(1)).now_or_never().unwrap().is_err(), "it heals");
}
