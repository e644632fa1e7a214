//! The clock of async-io: no deadline is told before it has passed, and none is missed.

use std::{future::poll_fn, pin::Pin, time::Duration};

use async_global_executor::block_on;
use futures::FutureExt;
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

#[test]
fn a_deadline_before_the_one_that_is_set_is_kept_and_so_is_the_next_one_after_it() {
    let mut clock = AsyncIoClock::new();
    let at = |millis| Instant::ORIGIN.saturating_add(Duration::from_millis(millis));
    set(&mut clock, at(3_600_000));
    wait(&mut clock, at(20));
    set(&mut clock, at(7_200_000));
    wait(&mut clock, at(60));
    set(&mut clock, at(3_000_000));
    set(&mut clock, at(2_000_000));
    wait(&mut clock, at(100));
    // An hour is a margin that no other work of the computer explains.
    assert!(clock.now() < at(2_000_000), "a deadline was missed");
}
