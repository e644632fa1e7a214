//! Defects that a review found, one test each.

use std::{cell::RefCell, rc::Rc, sync::mpsc, task::Poll, thread, time::Duration};

use futures::{Sink, StreamExt};
use steadfast::{
    CloseCode, FailureKind,
    client::{CloseFrame, Event, Frame, Handle, Message},
};

use crate::{
    rig::{Client, Rig, SECOND, heard, tell, text},
    task::Task,
    wire::Wire,
};

#[test]
fn a_driver_and_a_future_of_its_handle_in_one_task_do_not_keep_each_other_running() {
    let (rig, mut peer) = Rig::open();
    let (handle, rig) = rig.split(4);
    let mut driver = rig.it;
    let drive = async move { while driver.next().await.is_some() {} };
    let closed = async move { handle.closed().await };
    // A task that is woken again and again without a cause fails `waits`.
    let mut task = Task::new(async move { futures::join!(drive, closed) });
    task.waits();
    text(&mut peer, "one message");
    task.waits();
}

#[test]
fn a_message_may_be_made_while_looking_at_the_handle() {
    struct Lazy(Handle);
    impl From<Lazy> for Message {
        fn from(lazy: Lazy) -> Self {
            Self::text(format!("{:?}", lazy.0.state()))
        }
    }
    let (rig, _peer) = Rig::open();
    let (handle, _rig) = rig.split(4);
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        let sent = handle.try_send(Lazy(handle.clone()));
        let _ = done.send(sent.is_ok());
    });
    assert_eq!(finished.recv_timeout(Duration::from_secs(10)), Ok(true));
}

#[test]
fn downtime_counts_since_the_link_was_lost_also_through_a_stop() {
    let (mut rig, peer) = Rig::open();
    rig.ask(Client::stop);
    rig.told();
    drop(peer);
    rig.told();
    rig.pass(3_600 * SECOND);
    let _peer = rig.listen();
    rig.ask(Client::start);
    let events = rig.events();
    let Some(Event::Up(up)) = events.last() else { panic!("{events:?}") };
    assert_eq!((up.reconnected, up.downtime), (true, 3_600 * SECOND));
}

#[test]
fn a_close_of_the_sink_tells_of_messages_that_went_down_with_the_connection() {
    let (mut rig, wire) = Wire::open();
    assert!(rig.poll_ready().is_ready());
    rig.start_send("precious").unwrap();
    wire.state().flush_hangs = true;
    assert!(rig.poll(|it, cx| it.poll_close(cx)).is_pending());
    rig.clock.advance(5 * SECOND);
    assert!(matches!(rig.poll(|it, cx| it.poll_close(cx)), Poll::Ready(Err(_))));
    assert!(matches!(rig.poll(|it, cx| it.poll_close(cx)), Poll::Ready(Ok(()))), "it tells once");
}

#[test]
fn a_flush_that_was_begun_before_a_reconnect_does_not_succeed_after_it() {
    let (mut rig, wire) = Wire::open();
    wire.state().flush_hangs = true;
    assert!(rig.poll_ready().is_ready());
    rig.start_send("precious").unwrap();
    assert!(rig.poll_flush().is_pending());
    wire.change(|state| state.ended = true);
    let next = Wire::new();
    rig.accept(next.conn());
    rig.pass(5 * SECOND);
    assert!(matches!(rig.poll_flush(), Poll::Ready(Err(_))));
}

#[test]
fn a_message_of_the_new_connection_is_not_blamed_for_those_of_the_old() {
    let (mut rig, wire) = Wire::open();
    wire.state().flush_hangs = true;
    assert!(rig.poll_ready().is_ready());
    rig.start_send("precious").unwrap();
    wire.change(|state| state.ended = true);
    let next = Wire::new();
    rig.accept(next.conn());
    rig.pass(5 * SECOND);
    rig.start_send("anew").unwrap();
    assert!(matches!(rig.poll_flush(), Poll::Ready(Ok(()))));
}

#[test]
fn a_peer_that_floods_cannot_hide_that_writing_has_failed() {
    let (mut rig, wire) = Wire::open();
    wire.state().flood = Some(Frame::Ping(Default::default()));
    wire.state().broken = Some(FailureKind::Reset);
    rig.start_send("x").unwrap();
    let told = (0..1_000).find_map(|_| match rig.poll(|mut it, cx| it.poll_next_unpin(cx)) {
        Poll::Ready(event) => event.map(|event| tell(&event)),
        Poll::Pending => None,
    });
    assert!(told.is_some_and(|event| event.starts_with("down")));
}

#[test]
fn a_plain_stop_does_not_unsay_a_farewell() {
    let (rig, mut peer) = Rig::open();
    let (handle, mut rig) = rig.split(4);
    handle.stop_with(CloseFrame::new(CloseCode::new(4000), "quota"));
    handle.stop();
    rig.told();
    assert_eq!(heard(&mut peer), ["close 4000 quota"]);
}

#[test]
fn a_farewell_that_is_too_long_is_cut_to_fit_its_frame() {
    let (mut rig, mut peer) = Rig::open();
    let mut farewell = CloseFrame::new(CloseCode::NORMAL, "");
    farewell.reason = "x".repeat(300).into();
    rig.ask(|it| it.stop_with(farewell));
    rig.told();
    assert_eq!(heard(&mut peer), [format!("close 1000 {}", "x".repeat(123))]);
}

#[test]
fn who_waits_for_the_end_after_a_start_is_not_told_of_the_one_before() {
    let (rig, peer) = Rig::open();
    let (handle, mut rig) = rig.split(4);
    handle.stop();
    rig.told();
    drop(peer);
    rig.told();
    let _peer = rig.listen();
    handle.start();
    Task::new(handle.closed()).waits();
}

#[test]
fn the_capacity_holds_also_while_the_driver_gives_away_what_it_has_taken() {
    let (rig, wire) = Wire::open();
    let (handle, mut rig) = rig.split(4);
    rig.told();
    wire.state().room = 0;
    let accepted = Rc::new(RefCell::new(0));
    let fill = || {
        while handle.try_send("a").is_ok() {
            *accepted.borrow_mut() += 1;
        }
    };
    fill();
    rig.told();
    fill();
    assert_eq!(*accepted.borrow(), 4);
}
