use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures::{
    executor::{LocalPool, LocalSpawner, enter},
    task::LocalSpawnExt,
};

use super::ManualClock;
use crate::{Instant, client::Clock};

/// How long polls are counted together. A loop that waits for a nanosecond each time is hot, too.
const WINDOW: Duration = Duration::from_millis(1);

/// Runs tasks on one thread in virtual time: when none can make progress, the clock jumps to its next
/// alarm. So hours pass in milliseconds, and the same tasks do the same each time, as long as they
/// use no randomness: give each client a seed with
/// [`Builder::with_seed`](crate::client::Builder::with_seed).
///
/// A task must not wait for anything but this clock and other tasks, such as a socket or a thread: it
/// would never be woken.
///
/// ```
/// use std::time::Duration;
/// use steadfast::{Instant, client::Clock, testing::{RunError, VirtualTime}};
///
/// let mut time = VirtualTime::new();
/// let clock = time.clock();
/// let woke_at = time.run(async move {
///     clock.sleep(Duration::from_secs(86_400)).await;
///     clock.now()
/// })?;
/// assert_eq!(woke_at, Instant::from_millis(86_400_000));
///
/// // A task that waits for ever is detected.
/// let error = time.run(std::future::pending::<()>()).unwrap_err();
/// assert_eq!(error.to_string(), "deadlock after 86400s: nothing will ever wake main");
/// # Ok::<(), RunError>(())
/// ```
pub struct VirtualTime {
    clock: ManualClock,
    pool: LocalPool,
    spawner: Spawner,
    time_limit: Duration,
}

impl VirtualTime {
    /// Time at its origin, without tasks. One [`run`](Self::run) may take a week of virtual time,
    /// and 100,000 polls within a millisecond of it.
    pub fn new() -> Self {
        let (clock, pool) = (ManualClock::new(), LocalPool::new());
        let watch = Watch {
            clock: clock.clone(),
            tasks: BTreeMap::new(),
            entered: 0,
            window: Instant::ORIGIN,
            polls: 0,
            poll_limit: 100_000,
            hot: None,
        };
        let spawner = Spawner { pool: pool.spawner(), watch: Rc::new(RefCell::new(watch)) };
        Self { clock, pool, spawner, time_limit: Duration::from_secs(7 * 86_400) }
    }

    /// With another limit to the virtual time that one run may take.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// With another limit to the polls, of all tasks together, within a millisecond.
    #[must_use]
    pub fn with_poll_limit(self, polls: u32) -> Self {
        self.spawner.watch.borrow_mut().poll_limit = polls;
        self
    }

    /// The clock, for all who are to live in this time.
    pub fn clock(&self) -> ManualClock {
        self.clock.clone()
    }

    /// What starts tasks from within tasks.
    pub fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// Starts a task, as [`Spawner::spawn`] does.
    pub fn spawn(&self, name: impl Into<String>, task: impl Future<Output = ()> + 'static) {
        self.spawner.spawn(name, task);
    }

    /// Runs `main`, and all tasks, until `main` is done. The tasks stay where they are then, and
    /// go on with the next run.
    ///
    /// # Errors
    ///
    /// If `main` can never be done, or not within the limits.
    ///
    /// # Panics
    ///
    /// Within a task of another executor, such as `block_on` or another `VirtualTime`, because time
    /// would stand still for the other tasks. And if `main` or a task panics.
    #[track_caller]
    pub fn run<F: Future>(&mut self, main: F) -> Result<F::Output, RunError> {
        assert!(enter().is_ok(), "virtual time cannot be run within a task of another executor");
        let number = self.spawner.watch.borrow_mut().enter("main".to_owned());
        let main = pin!(self.spawner.watched(number, main));
        let _running = Running { watch: self.spawner.watch.clone(), number };
        self.run_until_done(main)
    }

    fn run_until_done<F: Future>(&mut self, mut main: Pin<&mut F>) -> Result<F::Output, RunError> {
        let limit = self.clock.now().saturating_add(self.time_limit);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        loop {
            if woken.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(output) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Ok(output);
                }
            }
            self.pool.run_until_stalled();
            self.spawner.watch.borrow().check()?;
            if woken.0.load(Ordering::SeqCst) {
                continue;
            }
            let waiting = || self.spawner.watch.borrow().names();
            match self.clock.next_alarm() {
                None => {
                    let after = since_origin(self.clock.now());
                    return Err(RunError::Deadlock { after, waiting: waiting() });
                }
                Some(alarm) if alarm > limit => {
                    let limit = self.time_limit;
                    return Err(RunError::TimeLimit { limit, waiting: waiting() });
                }
                Some(alarm) => self.clock.advance_to(alarm),
            }
        }
    }
}

impl Default for VirtualTime {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.spawner.watch.borrow().names();
        f.debug_struct("VirtualTime")
            .field("clock", &self.clock)
            .field("tasks", &tasks)
            .finish_non_exhaustive()
    }
}

/// Starts tasks in a [`VirtualTime`].
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use steadfast::testing::VirtualTime;
///
/// let (mut time, done) = (VirtualTime::new(), Rc::new(Cell::new(false)));
/// let (spawner, seen) = (time.spawner(), done.clone());
/// spawner.spawn("a task", async move { seen.set(true) });
/// time.run(async {})?;
/// # let _ = done.get();
/// # Ok::<(), steadfast::testing::RunError>(())
/// ```
#[derive(Clone)]
pub struct Spawner {
    pool: LocalSpawner,
    watch: Rc<RefCell<Watch>>,
}

impl Spawner {
    /// Starts a task, which runs whenever [`VirtualTime::run`] does. Its name is for errors. Once
    /// the `VirtualTime` has been dropped, so is the task.
    pub fn spawn(&self, name: impl Into<String>, task: impl Future<Output = ()> + 'static) {
        let number = self.watch.borrow_mut().enter(name.into());
        let running = Running { watch: self.watch.clone(), number };
        let watched = self.watched(number, task);
        let task = async move {
            let _running = running;
            watched.await;
        };
        // A task that cannot be started any more is dropped.
        let _ = self.pool.spawn_local(task);
    }

    /// Counts the polls of `future`, and polls it no more once all limits are passed.
    fn watched<F: Future>(
        &self,
        number: u64,
        future: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        let watch = self.watch.clone();
        async move {
            let mut future = pin!(future);
            poll_fn(|cx| {
                let may_run = watch.borrow_mut().count(number);
                if may_run { future.as_mut().poll(cx) } else { Poll::Pending }
            })
            .await
        }
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}

/// Who is running, and how hot.
struct Watch {
    clock: ManualClock,
    /// The names of those that are not done, in the order in which they were started.
    tasks: BTreeMap<u64, String>,
    entered: u64,
    window: Instant,
    /// Since the window began.
    polls: u32,
    poll_limit: u32,
    /// The task that went beyond the limit. From then on nothing is polled, so that all ends.
    hot: Option<String>,
}

impl Watch {
    fn enter(&mut self, name: String) -> u64 {
        self.entered += 1;
        self.tasks.insert(self.entered, name);
        self.entered
    }

    /// Counts a poll; `false` if it must not be.
    fn count(&mut self, number: u64) -> bool {
        let now = self.clock.now();
        if now.saturating_duration_since(self.window) >= WINDOW {
            (self.window, self.polls) = (now, 0);
        }
        self.polls = self.polls.saturating_add(1);
        if self.polls > self.poll_limit && self.hot.is_none() {
            self.hot = self.tasks.get(&number).cloned();
        }
        self.hot.is_none()
    }

    fn check(&self) -> Result<(), RunError> {
        let after = since_origin(self.clock.now());
        let hot = |task: &String| RunError::HotLoop { after, task: task.clone() };
        self.hot.as_ref().map(hot).map_or(Ok(()), Err)
    }

    fn names(&self) -> Vec<String> {
        self.tasks.values().cloned().collect()
    }
}

/// Takes a task off the list, even if it panics.
struct Running {
    watch: Rc<RefCell<Watch>>,
    number: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.watch.borrow_mut().tasks.remove(&self.number);
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn since_origin(now: Instant) -> Duration {
    now.saturating_duration_since(Instant::ORIGIN)
}

/// Why a run in virtual time could not be finished. Instants are told as durations since the
/// clock's origin, and tasks by the names that they were given, in the order of their start.
///
/// ```
/// use std::future::pending;
/// use steadfast::testing::{RunError, VirtualTime};
///
/// let stuck = VirtualTime::new().run(pending::<()>());
/// assert!(matches!(stuck, Err(RunError::Deadlock { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// No task can go on, and no alarm is set.
    #[error("deadlock after {after:?}: nothing will ever wake {}", .waiting.join(", "))]
    Deadlock {
        /// When.
        after: Duration,
        /// The tasks that are not done.
        waiting: Vec<String>,
    },
    /// Tasks go on and on while no time passes, or next to none. No later run can succeed.
    #[error("hot loop after {after:?}: too many polls within a millisecond, the last of {task}")]
    HotLoop {
        /// When.
        after: Duration,
        /// The task that was polled once too often: the busiest, most likely.
        task: String,
    },
    /// The run has taken too much virtual time.
    #[error("not done within {limit:?}; still under way: {}", .waiting.join(", "))]
    TimeLimit {
        /// The limit.
        limit: Duration,
        /// The tasks that are not done.
        waiting: Vec<String>,
    },
}
