//! What handles send in batches.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use futures::StreamExt;
use steadfast::client::{Handle, Message, Outbox, Overflow, Release, SendError, SendErrorReason};

use crate::{
    outbox::{down, three, wired, words},
    rig::{DriverRig, Rig, SECOND},
    task::Task,
    wire::{Wire, WireConn},
};

fn open(capacity: usize) -> (Handle, DriverRig<WireConn>, Wire) {
    let (rig, wire) = Wire::open();
    let (handle, mut rig) = rig.split(capacity);
    assert!(rig.told().is_empty());
    (handle, rig, wire)
}

fn batch(words: &[&str]) -> VecDeque<Message> {
    words.iter().map(|word| Message::text(*word)).collect()
}

fn numbered(numbers: std::ops::Range<usize>) -> VecDeque<Message> {
    numbers.map(|number| Message::text(number.to_string())).collect()
}

fn left(batch: &mut VecDeque<Message>) -> Vec<&str> {
    words(batch.make_contiguous())
}

fn refused(sending: Task<'_, Result<(), SendError>>) -> SendErrorReason {
    let error = sending.done().unwrap_err();
    assert_eq!(error.message, None, "it is in the batch");
    error.reason
}

fn strings(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

/// Counts how often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_batch_leaves_in_its_order_between_what_was_sent_before_and_after_and_with_one_flush() {
    let (handle, mut rig, wire) = open(8);
    handle.try_send("before").unwrap();
    let mut messages = batch(&["a", "b", "c"]);
    Task::new(handle.send_all(&mut messages)).done().unwrap();
    assert!(messages.is_empty());
    handle.try_send("after").unwrap();
    let flushing = Task::new(handle.flush());
    rig.told();
    assert_eq!(wire.written(), ["before", "a", "b", "c", "after"]);
    assert_eq!(wire.state().flushes, 1);
    flushing.done().unwrap();
}

#[test]
fn a_batch_wakes_the_driver_once() {
    let (handle, mut rig, wire) = open(1_000);
    let woken = Arc::new(Count::default());
    let waker = Waker::from(woken.clone());
    assert!(rig.it.poll_next_unpin(&mut Context::from_waker(&waker)).is_pending());
    let mut messages = numbered(0..1_000);
    Task::new(handle.send_all(&mut messages)).done().unwrap();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    rig.ask(|_| ());
    rig.told();
    assert_eq!(wire.written(), strings(0..1_000));
}

#[test]
fn a_batch_that_is_larger_than_the_queue_waits_for_room() {
    let (handle, mut rig, wire) = open(2);
    let mut messages = numbered(0..7);
    let mut sending = Task::new(handle.send_all(&mut messages));
    let mut written = Vec::new();
    for accepted in [2, 4, 6] {
        sending.waits();
        assert_eq!(handle.queued(), 2);
        rig.told();
        written.extend(wire.written());
        assert_eq!(written, strings(0..accepted));
    }
    sending.done().unwrap();
    rig.told();
    written.extend(wire.written());
    assert_eq!(written, strings(0..7));
}

#[test]
fn a_batch_is_not_accepted_faster_than_it_is_sent() {
    let (handle, mut rig, wire) = open(3);
    wire.change(|state| state.room = 0);
    let mut messages = numbered(0..5);
    let mut sending = Task::new(handle.send_all(&mut messages));
    for _ in 0..10 {
        sending.waits();
        rig.told();
        assert_eq!(handle.queued(), 3);
    }
    wire.change(|state| state.room = 1);
    rig.told();
    sending.waits();
    assert_eq!((wire.written(), handle.queued()), (strings(0..1), 3));
}

#[test]
fn a_batch_is_still_there_if_it_was_refused() {
    let rig: Rig = Rig::new();
    let (handle, rig) = rig.split(4);
    let mut messages = batch(&["a", "b"]);
    assert_eq!(refused(Task::new(handle.send_all(&mut messages))), SendErrorReason::NotOpen);
    drop(rig);
    assert_eq!(refused(Task::new(handle.send_all(&mut messages))), SendErrorReason::Gone);
    assert_eq!(left(&mut messages), ["a", "b"]);
    assert_eq!(handle.queued(), 0);
}

#[test]
fn a_batch_of_nothing_is_refused_by_nobody() {
    let rig: Rig = Rig::new();
    let (handle, _rig) = rig.split(4);
    Task::new(handle.send_all(&mut VecDeque::new())).done().unwrap();
}

#[test]
fn a_batch_that_waits_when_the_connection_ends_keeps_what_was_not_accepted() {
    let (handle, mut rig, wire) = open(2);
    wire.change(|state| state.room = 0);
    let mut messages = batch(&["a", "b", "c", "d"]);
    let mut sending = Task::new(handle.send_all(&mut messages));
    sending.waits();
    wire.change(|state| state.ended = true);
    let unsent = rig.down().unsent;
    assert_eq!(words(&unsent), ["a", "b"]);
    assert_eq!(refused(sending), SendErrorReason::NotOpen);
    assert_eq!(left(&mut messages), ["c", "d"]);
}

#[test]
fn an_outbox_that_rejects_takes_what_it_has_room_for() {
    let (handle, _rig) = down(three());
    let mut messages = batch(&["a", "b", "c", "d", "e"]);
    assert_eq!(refused(Task::new(handle.send_all(&mut messages))), SendErrorReason::Full);
    assert_eq!((left(&mut messages), handle.queued()), (vec!["d", "e"], 3));
    assert_eq!(refused(Task::new(handle.send_all(&mut messages))), SendErrorReason::Full);
    assert_eq!((left(&mut messages), handle.queued()), (vec!["d", "e"], 3));
}

#[test]
fn room_in_bytes_is_used_up_to_the_last_message_that_fits() {
    for length in 1..12 {
        let (handle, _rig) = down(Outbox::default().with_max_bytes(10));
        let mut messages = numbered(0..10);
        messages.insert(length.min(10), "x".repeat(length).into());
        let lengths: Vec<_> = messages.iter().map(Message::len).collect();
        let sums = lengths.iter().scan(0, |sum, length| {
            *sum += length;
            Some(*sum)
        });
        let fits = sums.take_while(|sum| *sum <= 10).count();
        let reason =
            if lengths[fits] > 10 { SendErrorReason::TooLong } else { SendErrorReason::Full };
        assert_eq!(refused(Task::new(handle.send_all(&mut messages))), reason);
        assert_eq!((handle.queued(), messages.len()), (fits, 11 - fits));
    }
}

#[test]
fn an_outbox_for_the_newest_takes_all_of_a_batch_and_counts_what_made_room() {
    let (handle, mut rig) = down(three().with_overflow(Overflow::DropOldest));
    handle.try_send("old").unwrap();
    let mut messages = numbered(0..1_000);
    let flushing = Task::new(handle.flush());
    Task::new(handle.send_all(&mut messages)).done().unwrap();
    assert!(messages.is_empty());
    assert_eq!(flushing.done().unwrap_err().reason, SendErrorReason::GivenUp);
    let told = rig.told();
    assert_eq!(told, ["unsent: 998 messages made room for newer ones"]);
    let next = Wire::new();
    let mut peer = rig.listen();
    rig.pass(SECOND);
    assert_eq!(crate::rig::heard(&mut peer), strings(997..1_000));
    assert!(next.written().is_empty());
}

#[test]
fn an_outbox_that_lets_wait_goes_on_once_there_is_a_connection() {
    let (handle, mut rig) = down(three().with_overflow(Overflow::Wait));
    let mut messages = numbered(0..8);
    let mut sending = Task::new(handle.send_all(&mut messages));
    sending.waits();
    let mut peer = rig.listen();
    rig.pass(SECOND);
    let mut heard = crate::rig::heard(&mut peer);
    while sending.run().is_pending() {
        rig.told();
        heard.extend(crate::rig::heard(&mut peer));
    }
    rig.told();
    heard.extend(crate::rig::heard(&mut peer));
    assert_eq!(heard, strings(0..8));
}

#[test]
fn each_part_of_a_batch_has_its_time_from_when_it_was_accepted() {
    let outbox = three().with_overflow(Overflow::Wait).with_time_to_live(5 * SECOND);
    let (handle, mut rig, wire) = wired(outbox);
    wire.change(|state| state.room = 0);
    let mut messages = numbered(0..5);
    let mut sending = Task::new(handle.send_all(&mut messages));
    sending.waits();
    rig.told();
    assert_eq!(rig.pass(5 * SECOND), ["unsent: 3 messages waited too long"]);
    sending.done().unwrap();
    assert!(rig.pass(4 * SECOND).is_empty());
    assert_eq!(rig.pass(SECOND), ["unsent: 2 messages waited too long"]);
}

#[test]
fn a_batch_that_is_dropped_at_any_await_goes_on_from_there() {
    let mut drop_at = 0;
    loop {
        let (handle, mut rig, wire) = open(2);
        wire.change(|state| state.room = 0);
        let mut messages = numbered(0..9);
        let (mut waits, mut written) = (0, Vec::new());
        let mut sending = Task::new(handle.send_all(&mut messages));
        while waits < drop_at && sending.run().is_pending() {
            waits += 1;
            wire.change(|state| state.room = waits % 3);
            rig.told();
            written.extend(wire.written());
        }
        let is_over = waits < drop_at;
        drop(sending);
        let accepted = written.len() + handle.queued();
        assert_eq!(left(&mut messages), strings(accepted..9), "dropped at {drop_at}");
        wire.change(|state| state.room = usize::MAX);
        let mut sending = Task::new(handle.send_all(&mut messages));
        while sending.run().is_pending() {
            rig.told();
        }
        rig.told();
        written.extend(wire.written());
        assert_eq!(written, strings(0..9), "dropped at {drop_at}");
        if is_over {
            assert!(drop_at > 4, "it has hardly waited");
            return;
        }
        drop_at += 1;
    }
}

#[test]
fn a_payload_that_makes_room_for_a_batch_may_look_at_the_handle_while_it_is_dropped() {
    struct Payload(Handle, Arc<Count>);
    impl AsRef<[u8]> for Payload {
        fn as_ref(&self) -> &[u8] {
            b"payload"
        }
    }
    impl Drop for Payload {
        fn drop(&mut self) {
            assert_eq!(self.0.queued(), 3);
            self.1.clone().wake();
        }
    }
    let (handle, _rig) = down(three().with_overflow(Overflow::DropOldest));
    let dropped = Arc::new(Count::default());
    let payload = Payload(handle.clone(), dropped.clone());
    handle.try_send(Bytes::from_owner(payload)).unwrap();
    Task::new(handle.send_all(&mut batch(&["a", "b", "c"]))).done().unwrap();
    assert_eq!(dropped.0.load(Ordering::SeqCst), 1);
}

#[test]
fn a_batch_that_waits_does_not_keep_the_driver_from_writing_more_than_it_has_to() {
    let (handle, mut rig, wire) = open(2);
    let mut messages = numbered(0..100);
    let mut sending = Task::new(handle.send_all(&mut messages));
    let mut polls = 0;
    while sending.run().is_pending() {
        assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_pending());
        polls += 1;
    }
    rig.told();
    assert_eq!(wire.written(), strings(0..100));
    let flushes = wire.state().flushes;
    assert!((polls / 10..polls / 4).contains(&flushes), "{flushes} flushes in {polls} polls");
}

#[test]
fn what_was_given_to_the_transport_is_written_however_long_others_wait_for_room() {
    let (handle, mut rig, wire) = open(2);
    let mut sending = Task::new(async {
        loop {
            handle.send("more").await.unwrap();
        }
    });
    for _ in 0..10 {
        for _ in 0..10 {
            assert!(matches!(sending.run(), Poll::<()>::Pending));
            assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_pending());
        }
        assert!(!wire.written().is_empty());
    }
}

/// Polls it once. Answers whether that has woken it.
fn wakes_itself(rig: &mut DriverRig<WireConn>) -> bool {
    rig.take_woken();
    assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_pending());
    rig.take_woken()
}

#[test]
fn nobody_makes_the_driver_wait_for_room_that_there_is_not() {
    let outbox = three().with_overflow(Overflow::Wait).with_release(Release::OnResync);
    let (handle, mut rig, wire) = wired(outbox);
    let mut messages = numbered(0..4);
    let mut sending = Task::new(handle.send_all(&mut messages));
    sending.waits();
    rig.told();
    assert!(!wakes_itself(&mut rig), "all is held back");
    wire.text("hello");
    assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_ready(), "it is not read");
}

#[test]
fn nobody_makes_the_driver_wait_who_has_waited_for_room_and_gone() {
    let (handle, mut rig, wire) = open(1);
    handle.try_send("a").unwrap();
    let mut sending = Task::new(handle.send("b"));
    sending.waits();
    drop(sending);
    rig.told();
    assert_eq!(wire.written(), ["a"]);
    let mut closed = Task::new(handle.closed());
    assert!(closed.run().is_pending());
    assert!(!wakes_itself(&mut rig), "nobody waits for room");
    wire.text("hello");
    assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_ready(), "it is not read");
}

#[test]
fn a_stop_that_waits_for_a_read_does_not_wait_for_those_who_send_as_well() {
    let (handle, mut rig, wire) = open(2);
    let mut messages = numbered(0..5);
    let mut sending = Task::new(handle.send_all(&mut messages));
    sending.waits();
    rig.clock.advance(60 * SECOND);
    handle.stop();
    assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_pending());
    assert_eq!(wire.written(), ["0", "1", "ping"]);
    rig.told();
    assert_eq!(wire.written(), ["close 1000"]);
}
