//! The clock of async-io: no deadline is told before it has passed, and none is missed, whatever
//! becomes of the other clocks.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, mpsc::channel},
    task::{Context, Wake, Waker},
    thread,
    time::Duration,
};

use async_global_executor::block_on;
use futures::{FutureExt, future::join_all};
use steadfast::{Instant, client::Clock, transport::AsyncIoClock};

/// Has the clock wake for this, and does not wait.
fn set(clock: &mut AsyncIoClock, deadline: Instant) {
    let polled = poll_fn(|cx| Pin::new(&mut *clock).poll_until(cx, deadline)).now_or_never();
    assert!(polled.is_none(), "it was told too early");
}

fn wait(clock: &mut AsyncIoClock, deadline: Instant) {
    block_on(poll_fn(|cx| Pin::new(&mut *clock).poll_until(cx, deadline)));
    assert!(clock.now() >= deadline, "it was told too early");
}

/// Far longer than all of it takes.
const STUCK: Duration = Duration::from_secs(30);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn in_millis(clock: &AsyncIoClock, ahead: u64) -> Instant {
    clock.now().saturating_add(millis(ahead))
}

/// Plays it on a thread of its own, so that what is stuck fails.
fn play(scene: impl FnOnce() + Send + 'static) {
    let (done, is_done) = channel();
    let played = thread::spawn(move || {
        scene();
        done.send(()).unwrap();
    });
    assert!(is_done.recv_timeout(STUCK).is_ok() || played.is_finished(), "nobody was woken");
    played.join().unwrap();
}

#[test]
fn a_deadline_before_the_one_that_is_set_is_kept_and_so_is_the_next_one_after_it() {
    play(|| {
        let mut clock = AsyncIoClock::new();
        let at = |ahead| Instant::ORIGIN.saturating_add(millis(ahead));
        set(&mut clock, at(3_600_000));
        wait(&mut clock, at(20));
        set(&mut clock, at(7_200_000));
        wait(&mut clock, at(60));
        set(&mut clock, at(3_000_000));
        set(&mut clock, at(2_000_000));
        wait(&mut clock, at(100));
        // An hour is a margin that no other work of the computer explains.
        assert!(clock.now() < at(2_000_000), "a deadline was missed");
    });
}

#[test]
fn a_task_is_woken_that_takes_over_a_clock_which_was_set_by_another() {
    play(|| {
        let mut clock = AsyncIoClock::new();
        let deadline = in_millis(&clock, 20);
        set(&mut clock, deadline);
        wait(&mut clock, deadline);
    });
}

#[test]
fn many_clocks_on_many_threads_miss_nothing_while_others_come_and_go() {
    let threads = (0..4).map(|thread| {
        move || {
            let clocks = (0..25).map(|number| async move {
                let mut clock = AsyncIoClock::new();
                for round in 0..20 {
                    let deadline = in_millis(&clock, (thread + 7 * number + 3 * round) % 5);
                    let mut gone = AsyncIoClock::new();
                    let earlier = in_millis(&gone, 1);
                    let _ =
                        poll_fn(|cx| Pin::new(&mut gone).poll_until(cx, earlier)).now_or_never();
                    drop(gone);
                    poll_fn(|cx| Pin::new(&mut clock).poll_until(cx, deadline)).await;
                    assert!(clock.now() >= deadline, "it was told too early");
                }
            });
            block_on(join_all(clocks));
        }
    });
    play(|| {
        let threads: Vec<_> = threads.map(thread::spawn).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics, as it is meant to");
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_asleep_who_is_due_at_the_same_time() {
    play(|| {
        let [mut panics, mut clock] = [(); 2].map(|()| AsyncIoClock::new());
        let deadline = Instant::ORIGIN.saturating_add(millis(20));
        let waker = Waker::from(Arc::new(Panics));
        let polled = Pin::new(&mut panics).poll_until(&mut Context::from_waker(&waker), deadline);
        assert!(polled.is_pending());
        wait(&mut clock, deadline);
    });
}

/// A waker that is the last to hold a task, which has a clock of its own.
struct Task {
    _clock: AsyncIoClock,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_clock_may_be_dropped_with_the_waker_of_another() {
    play(|| {
        let [mut clock, mut other] = [(); 2].map(|()| AsyncIoClock::new());
        let never = Instant::ORIGIN.saturating_add(millis(3_600_000));
        set(&mut clock, never);
        let waker = Waker::from(Arc::new(Task { _clock: clock }));
        let polled = Pin::new(&mut other).poll_until(&mut Context::from_waker(&waker), never);
        assert!(polled.is_pending());
        drop(waker);
        let soon = in_millis(&other, 20);
        wait(&mut other, soon);
    });
}
