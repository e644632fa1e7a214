//! No executor at all: a future, a waker and a thread that sleeps.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Wake},
    thread::{self, Thread},
};

use crate::client::{run, run_on};

struct Unparker {
    thread: Thread,
    wakes: AtomicU32,
}

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        self.thread.unpark();
    }
}

/// The answer, how often it was polled for, and how often it asked for that.
fn poll_to_the_end<T>(future: impl Future<Output = T>) -> (T, u32, u32) {
    let unparker = Arc::new(Unparker { thread: thread::current(), wakes: AtomicU32::new(0) });
    let waker = unparker.clone().into();
    let mut future = pin!(future);
    let mut polls = 0;
    loop {
        polls += 1;
        let seen = unparker.wakes.load(Ordering::Relaxed);
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return (answer, polls, unparker.wakes.load(Ordering::Relaxed));
        }
        while unparker.wakes.load(Ordering::Relaxed) == seen {
            thread::park();
        }
    }
}

#[test]
fn it_runs_in_a_loop_that_polls_only_when_it_was_woken() {
    run_on(|dialer, clock| {
        let (told, polls, wakes) = poll_to_the_end(run(dialer, clock));
        assert!(polls <= wakes + 1, "{polls} polls, {wakes} wakes");
        told
    });
}
