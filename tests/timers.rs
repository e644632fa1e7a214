//! The one timer of all clocks among the other timers of async-io. It has a process of its own,
//! for the thread that waits is held up.

#![cfg(feature = "tungstenite")]

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    task::{Context, Wake, Waker},
    thread,
    time::Duration,
};

use async_io::Timer;
use steadfast::{Instant, client::Clock, transport::AsyncIoClock};

/// Far longer than all of it takes.
const STUCK: Duration = Duration::from_secs(30);

const HOUR: u64 = 3_600_000;

/// More than async-io keeps until it looks at them.
const MANY: u64 = 2_000;

fn set(clock: &mut AsyncIoClock, millis: u64, waker: &Waker) {
    let deadline = Instant::from_millis(millis);
    let polled = Pin::new(clock).poll_until(&mut Context::from_waker(waker), deadline);
    assert!(polled.is_pending(), "it was told too early");
}

/// Holds up the thread that wakes it.
struct HoldsUp {
    is_held: Sender<()>,
    goes_on: Mutex<Receiver<()>>,
}

impl Wake for HoldsUp {
    fn wake(self: Arc<Self>) {
        self.is_held.send(()).unwrap();
        let _ = self.goes_on.lock().unwrap().recv();
    }
}

/// Tells that it was woken.
struct Tells(Sender<()>);

impl Wake for Tells {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

/// A waker that is the last to hold a task, which has a clock of its own, and when it goes has another
/// one wake somebody soon.
struct Task {
    _clock: AsyncIoClock,
    other: Arc<Mutex<AsyncIoClock>>,
    wakes: Waker,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Task {
    fn drop(&mut self) {
        let mut other = self.other.lock().unwrap();
        let soon = other.now().saturating_add(Duration::from_millis(20));
        let mut cx = Context::from_waker(&self.wakes);
        if Pin::new(&mut *other).poll_until(&mut cx, soon).is_ready() {
            self.wakes.wake_by_ref();
        }
    }
}

#[test]
fn a_clock_may_be_dropped_and_set_with_the_waker_of_another_timer_while_that_of_all_clocks_is_set()
{
    let (is_held, held) = channel();
    let (go_on, goes_on) = channel();
    let waker = Waker::from(Arc::new(HoldsUp { is_held, goes_on: goes_on.into() }));
    let mut timer = Timer::after(Duration::from_millis(1));
    assert!(Pin::new(&mut timer).poll(&mut Context::from_waker(&waker)).is_pending());
    held.recv_timeout(STUCK).unwrap();

    let [mut clock, other] = [(); 2].map(|()| AsyncIoClock::new());
    set(&mut clock, HOUR, Waker::noop());
    let (tells, told) = channel();
    let wakes = Waker::from(Arc::new(Tells(tells)));
    let other = Arc::new(Mutex::new(other));
    let task = Task { _clock: clock, other: other.clone(), wakes };
    let waker = Waker::from(Arc::new(task));
    let mut timer = Timer::after(Duration::from_secs(3_600));
    assert!(Pin::new(&mut timer).poll(&mut Context::from_waker(&waker)).is_pending());
    // Nobody looks at what is left of it before there is more than async-io can keep.
    drop((timer, waker));

    let (done, is_done) = channel();
    thread::spawn(move || {
        let mut clock = AsyncIoClock::new();
        for earlier in 1..MANY {
            set(&mut clock, HOUR - earlier, Waker::noop());
        }
        done.send(()).unwrap();
    });
    assert!(is_done.recv_timeout(STUCK).is_ok(), "it waits for itself");
    go_on.send(()).unwrap();
    assert!(told.recv_timeout(STUCK).is_ok(), "a deadline was missed");
    drop(other);
}
