//! What a handle and its driver share is not held on to, nor locked while the code of others runs.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use steadfast::{
    Instant,
    client::{Builder, Clock, DialContext, Handle, Message, Outbox, Overflow, SendErrorReason},
    testing::{ManualClock, MemoryError, pair},
};

use crate::{
    outbox::{down, send_all, three, wired, words},
    rig::{SECOND, tell},
    task::Task,
};

/// A payload that does something when it is dropped.
struct Payload<F: FnMut()>(F);

impl<F: FnMut()> AsRef<[u8]> for Payload<F> {
    fn as_ref(&self) -> &[u8] {
        b"payload"
    }
}

impl<F: FnMut()> Drop for Payload<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn message(dropped: impl FnMut() + Send + 'static) -> Message {
    Message::binary(Bytes::from_owner(Payload(dropped)))
}

#[test]
fn messages_go_with_the_driver_though_there_are_handles() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let (handle, rig) = down(three());
    let counter = dropped.clone();
    handle.try_send(message(move || _ = counter.fetch_add(1, Ordering::SeqCst))).unwrap();
    let flush = Task::new(handle.flush());
    drop(rig);
    assert_eq!((dropped.load(Ordering::SeqCst), handle.queued()), (1, 0));
    assert_eq!(flush.done().unwrap_err().reason, SendErrorReason::Gone);
}

#[test]
fn a_driver_that_is_no_longer_wanted_gives_back_what_waits_in_its_order() {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| state.room = 0);
    send_all(&handle, &["a", "b"]);
    rig.told();
    handle.send_ahead("c").unwrap();
    rig.told();
    send_all(&handle, &["d"]);
    handle.send_ahead("e").unwrap();
    let flush = Task::new(handle.flush());
    assert_eq!(words(&rig.it.into_unsent()), ["a", "b", "c", "d", "e"]);
    assert_eq!(flush.done().unwrap_err().reason, SendErrorReason::Gone);
    assert_eq!(handle.try_send("f").unwrap_err().reason, SendErrorReason::Gone);
}

#[test]
fn a_driver_that_is_no_longer_wanted_gives_back_what_it_has_not_told_of() {
    let newest = three().with_overflow(Overflow::DropOldest).with_time_to_live(SECOND / 2);
    let (handle, mut rig) = down(newest);
    send_all(&handle, &["a", "b", "c"]);
    rig.told();
    send_all(&handle, &["d"]);
    rig.clock.advance(SECOND / 2);
    let polled = rig.poll(|mut it, cx| it.poll_next_unpin(cx));
    let Poll::Ready(Some(event)) = polled else { panic!("{polled:?}") };
    assert_eq!(tell(&event), "unsent: 1 message made room for newer ones");
    assert_eq!(words(&rig.it.into_unsent()), ["b", "c", "d"]);
}

#[test]
fn a_payload_may_look_at_the_handle_while_it_is_dropped() {
    let (handle, rig) = down(three().with_max_messages(1).with_overflow(Overflow::DropOldest));
    let looks = |handle: &Handle| {
        let handle = handle.clone();
        message(move || _ = handle.snapshot())
    };
    handle.try_send(looks(&handle)).unwrap();
    handle.try_send(looks(&handle)).unwrap();
    drop(rig);
}

#[test]
fn futures_that_are_dropped_leave_no_wakers_behind() {
    struct Task;
    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }
    let (handle, _rig, _wire) = wired(three());
    let tasks: Vec<_> = (0..100).map(|_| Arc::new(Task)).collect();
    for task in &tasks {
        let waker = Waker::from(task.clone());
        let mut closed = handle.closed();
        assert!(closed.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    }
    assert!(tasks.iter().all(|task| Arc::strong_count(task) == 1));
}

/// A clock that looks at a handle.
struct Looking(ManualClock, Rc<RefCell<Option<Handle>>>);

impl Clock for Looking {
    fn now(&self) -> Instant {
        self.1.borrow().as_ref().map(Handle::snapshot);
        self.0.now()
    }

    fn poll_until(mut self: Pin<&mut Self>, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        Pin::new(&mut self.0).poll_until(cx, until)
    }
}

#[test]
fn a_clock_may_look_at_the_handle() {
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        let looks = Rc::default();
        let clock = Looking(ManualClock::new(), Rc::clone(&looks));
        let dialer = |_: DialContext| async { Ok::<_, MemoryError>(pair(1).0) };
        let (handle, mut driver) =
            Builder::new(dialer, clock).build().split_with_outbox(Outbox::default());
        handle.try_send("a").unwrap();
        *looks.borrow_mut() = Some(handle);
        while driver.next().now_or_never().is_some() {}
        done.send(()).unwrap();
    });
    assert_eq!(finished.recv_timeout(Duration::from_secs(10)), Ok(()));
}

/// A waker that owns the last future of its task.
#[test]
fn a_waker_that_is_replaced_may_drop_a_future_of_the_same_handle() {
    struct Owner<T>(T);
    impl<T: Send + Sync + 'static> Wake for Owner<T> {
        fn wake(self: Arc<Self>) {}
    }
    let (handle, rig, _wire) = wired(three());
    let handle: &'static Handle = Box::leak(Box::new(handle));
    let mut flush = handle.closed();
    let owner = Waker::from(Arc::new(Owner(handle.flush())));
    assert!(flush.poll_unpin(&mut Context::from_waker(&owner)).is_pending());
    drop(owner);
    assert!(flush.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(rig);
}

#[test]
fn futures_in_the_task_of_the_driver_do_not_keep_it_running() {
    let (handle, mut rig, wire) = wired(three().with_overflow(Overflow::Wait));
    wire.change(|state| state.flush_hangs = true);
    send_all(&handle, &["a", "b"]);
    let (mut closed, mut flush) = (handle.closed(), handle.flush());
    for _ in 0..2 {
        assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_pending());
        assert!(rig.poll(|_, cx| closed.poll_unpin(cx)).is_pending());
        assert!(rig.poll(|_, cx| flush.poll_unpin(cx)).is_pending());
        rig.take_woken();
    }
    assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_pending());
    assert!(!rig.take_woken(), "nothing has changed");
    wire.change(|state| state.flush_hangs = false);
    assert!(rig.poll(|mut it, cx| it.poll_next_unpin(cx)).is_pending());
    assert!(rig.take_woken() && rig.poll(|_, cx| flush.poll_unpin(cx)).is_ready());
}

#[test]
fn once_the_driver_is_gone_nothing_waits_in_its_hands() {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| state.room = 0);
    send_all(&handle, &["a", "b"]);
    rig.told();
    drop(rig);
    let snapshot = handle.snapshot();
    assert_eq!((handle.queued(), snapshot.queued, snapshot.queued_bytes), (0, 0, 0));
}

#[test]
fn a_flush_of_what_was_written_before_the_driver_was_dropped_succeeds() {
    let (handle, mut rig, wire) = wired(three());
    send_all(&handle, &["a"]);
    let before = Task::new(handle.flush());
    rig.told();
    assert_eq!(wire.written(), ["a"]);
    drop(rig);
    before.done().unwrap();
    Task::new(handle.flush()).done().unwrap();
}
