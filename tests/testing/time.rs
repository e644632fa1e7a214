//! Virtual time: who runs when, and how deadlocks and hot loops are found.

use std::{
    cell::{Cell, RefCell},
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    task::Poll,
    time::Duration,
};

use futures::{
    SinkExt, StreamExt,
    channel::{mpsc, oneshot},
    future::{join, select},
};
use steadfast::{
    client::Clock,
    testing::{RunError, Spawner, VirtualTime},
};

use crate::support::{HOUR, MILLISECOND, MINUTE, SECOND, at};

/// Never done, and never asleep.
async fn spin() {
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    })
    .await;
}

fn hot_task(error: RunError) -> String {
    match error {
        RunError::HotLoop { task, .. } => task,
        other => panic!("{other}"),
    }
}

#[test]
fn tasks_run_at_the_instants_they_wait_for() {
    let mut time = VirtualTime::new();
    let woken = Rc::new(RefCell::new(Vec::new()));
    for (name, span) in [("last", 3 * HOUR), ("first", SECOND), ("second", 2 * MINUTE)] {
        let (clock, woken) = (time.clock(), woken.clone());
        time.spawn(name, async move {
            clock.sleep(span).await;
            woken.borrow_mut().push((name, clock.now()));
        });
    }
    time.run(time.clock().sleep(4 * HOUR)).unwrap();
    let expected = [("first", at(SECOND)), ("second", at(2 * MINUTE)), ("last", at(3 * HOUR))];
    assert_eq!(*woken.borrow(), expected);
    assert_eq!(time.clock().now(), at(4 * HOUR));
}

#[test]
fn time_stands_still_while_anything_can_go_on() {
    let mut time = VirtualTime::new();
    let (mut sender, mut receiver) = mpsc::channel(0);
    time.spawn("sender", async move {
        for number in 0..100 {
            sender.send(number).await.unwrap();
        }
    });
    let clock = time.clock();
    let alarm = time.clock().sleep(MILLISECOND);
    time.spawn("impatient", alarm);
    let received = time.run(async {
        let mut received = Vec::new();
        while let Some(number) = receiver.next().await {
            received.push((number, clock.now()));
        }
        received
    });
    assert!(received.unwrap().into_iter().eq((0..100).map(|number| (number, at(Duration::ZERO)))));
}

#[test]
fn one_task_may_wait_for_several_instants() {
    let mut time = VirtualTime::new();
    let clock = time.clock();
    time.run(async {
        join(clock.sleep(HOUR), clock.sleep(SECOND)).await;
        assert_eq!(clock.now(), at(HOUR));
        // The later one was asked last, and the earlier one must still ring.
        select(clock.sleep(SECOND), clock.sleep(HOUR)).await;
        assert_eq!(clock.now(), at(HOUR + SECOND));
    })
    .unwrap();
    assert_eq!(clock.next_alarm(), None, "who has gone has left an alarm behind");
}

#[test]
fn a_leap_wakes_those_who_waited_for_earlier_instants_first() {
    let mut time = VirtualTime::new();
    let woken = Rc::new(RefCell::new(Vec::new()));
    for seconds in [3, 1, 2] {
        let (sleep, woken) = (time.clock().sleep(seconds * SECOND), woken.clone());
        time.spawn("sleeper", async move {
            sleep.await;
            woken.borrow_mut().push(seconds);
        });
    }
    time.run(time.clock().sleep(MILLISECOND)).unwrap();
    time.clock().advance(HOUR);
    time.run(time.clock().sleep(MILLISECOND)).unwrap();
    assert_eq!(*woken.borrow(), [1, 2, 3]);
}

#[test]
fn a_task_starts_tasks_in_its_own_time() {
    let mut time = VirtualTime::new();
    let (clock, spawner) = (time.clock(), time.spawner());
    let done_at = time.run(async {
        clock.sleep(MINUTE).await;
        let (done, finished) = oneshot::channel();
        let inner = clock.clone();
        spawner.spawn("child", async move {
            inner.sleep(MINUTE).await;
            done.send(inner.now()).unwrap();
        });
        finished.await.unwrap()
    });
    assert_eq!(done_at, Ok(at(2 * MINUTE)));
}

#[test]
fn tasks_go_on_with_the_next_run() {
    let mut time = VirtualTime::new();
    let (clock, ticks) = (time.clock(), Rc::new(Cell::new(0)));
    let counted = ticks.clone();
    time.spawn("ticker", async move {
        loop {
            clock.sleep(SECOND).await;
            counted.set(counted.get() + 1);
        }
    });
    time.run(time.clock().sleep(3 * SECOND + MILLISECOND)).unwrap();
    assert_eq!(ticks.get(), 3);
    time.run(time.clock().sleep(2 * SECOND)).unwrap();
    assert_eq!(ticks.get(), 5);
}

#[test]
fn a_deadlock_names_those_who_wait() {
    let mut time = VirtualTime::new();
    time.spawn("the postman", pending());
    time.spawn("the baker", time.clock().sleep(HOUR));
    let error = time.run(pending::<()>()).unwrap_err();
    let waiting = vec!["the postman".to_owned(), "main".to_owned()];
    assert_eq!(error, RunError::Deadlock { after: HOUR, waiting });
}

#[test]
fn the_end_of_time_is_no_alarm() {
    let mut time = VirtualTime::new();
    let error = time.run(time.clock().sleep(Duration::MAX)).unwrap_err();
    assert!(matches!(error, RunError::Deadlock { .. }), "{error}");
}

#[test]
fn a_task_that_never_sleeps_is_a_hot_loop() {
    let mut time = VirtualTime::new();
    time.spawn("innocent", pending());
    time.spawn("spinner", spin());
    assert_eq!(hot_task(time.run(pending::<()>()).unwrap_err()), "spinner");
    assert_eq!(hot_task(VirtualTime::new().run(spin()).unwrap_err()), "main");
}

#[test]
fn two_tasks_that_keep_each_other_awake_are_a_hot_loop() {
    let mut time = VirtualTime::new();
    let (mut to_pong, mut from_ping) = mpsc::channel(0);
    let (mut to_ping, mut from_pong) = mpsc::channel(0);
    time.spawn("ping", async move {
        while to_pong.send(()).await.is_ok() && from_pong.next().await.is_some() {}
    });
    time.spawn("pong", async move {
        while from_ping.next().await.is_some() && to_ping.send(()).await.is_ok() {}
    });
    let hot = hot_task(time.run(pending::<()>()).unwrap_err());
    assert!(["ping", "pong"].contains(&hot.as_str()), "{hot}");
}

#[test]
fn tasks_that_start_tasks_without_end_are_a_hot_loop() {
    fn breed(spawner: Spawner) {
        spawner.clone().spawn("rabbit", async move { breed(spawner) });
    }
    let mut time = VirtualTime::new();
    breed(time.spawner());
    assert_eq!(hot_task(time.run(pending::<()>()).unwrap_err()), "rabbit");
}

#[test]
fn a_loop_of_tiny_steps_is_a_hot_loop() {
    let mut time = VirtualTime::new();
    let clock = time.clock();
    let error = time.run(async {
        loop {
            clock.sleep(Duration::from_nanos(1)).await;
        }
    });
    assert_eq!(hot_task(error.map(|_: ()| ()).unwrap_err()), "main");
}

#[test]
fn as_many_polls_as_the_limit_are_no_hot_loop() {
    let run = |polls: u32| {
        let mut time = VirtualTime::new().with_poll_limit(10);
        let clock = time.clock();
        time.run(async {
            for _ in 0..3 {
                let mut left = polls;
                poll_fn(|cx| {
                    left -= 1;
                    if left == 0 {
                        return Poll::Ready(());
                    }
                    cx.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
                clock.sleep(MILLISECOND).await;
            }
        })
    };
    assert_eq!(run(10), Ok(()));
    assert_eq!(hot_task(run(11).unwrap_err()), "main");
}

#[test]
fn a_run_takes_no_more_virtual_time_than_it_may() {
    let mut time = VirtualTime::new().with_time_limit(HOUR);
    time.run(time.clock().sleep(HOUR)).unwrap();
    // The limit is for each run.
    time.run(time.clock().sleep(HOUR)).unwrap();
    let error = time.run(time.clock().sleep(HOUR + MILLISECOND)).unwrap_err();
    assert_eq!(error, RunError::TimeLimit { limit: HOUR, waiting: vec!["main".to_owned()] });
    assert_eq!(time.clock().now(), at(2 * HOUR), "time went beyond the limit");
}

#[test]
#[should_panic(expected = "the assertion in a task")]
fn a_panic_in_a_task_fails_the_test() {
    let mut time = VirtualTime::new();
    time.spawn("doomed", async { panic!("the assertion in a task") });
    let _ = time.run(time.clock().sleep(SECOND));
}

#[test]
fn tasks_do_not_outlive_their_time() {
    let time = VirtualTime::new();
    let (spawner, alive) = (time.spawner(), Rc::new(()));
    let held = alive.clone();
    time.spawn("early", async move {
        pending::<()>().await;
        drop(held);
    });
    drop(time);
    let held = alive.clone();
    spawner.spawn("late", async move {
        drop(held);
    });
    assert_eq!(Rc::strong_count(&alive), 1);
}

#[test]
fn a_main_that_has_panicked_is_not_waited_for() {
    let mut time = VirtualTime::new();
    let doomed = AssertUnwindSafe(|| time.run(async { panic!("on purpose") }));
    assert!(catch_unwind(doomed).is_err());
    let error = time.run(pending::<()>()).unwrap_err();
    let waiting = vec!["main".to_owned()];
    assert_eq!(error, RunError::Deadlock { after: Duration::ZERO, waiting });
}

#[test]
#[should_panic(expected = "virtual time cannot be run within a task of another executor")]
fn a_run_within_another_executor_fails_the_test_at_once() {
    futures::executor::block_on(async { VirtualTime::new().run(async {}).unwrap() });
}
