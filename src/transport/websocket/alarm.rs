//! One timer of async-io for all clocks.
//!
//! To set such a timer takes a system call and wakes the thread that waits for it once more. Of all
//! deadlines only the earliest needs one, and hardly any that is set is that.

use std::{
    collections::BTreeMap,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Wake, Waker},
    time::{Duration, Instant as StdInstant},
};

use async_io::Timer;

use crate::Instant;

/// Before all alarms. Half the size of the system's own instants is enough from there.
static ORIGIN: LazyLock<StdInstant> = LazyLock::new(StdInstant::now);

/// The present, of which alarms are told.
pub(super) fn now() -> Instant {
    Instant::ORIGIN.saturating_add(ORIGIN.elapsed())
}

/// Wakes a task at an instant, or earlier.
#[derive(Debug)]
pub(super) struct Alarm {
    id: u64,
    set: Option<(Instant, Waker)>,
}

impl Alarm {
    pub(super) fn new() -> Self {
        /// How many have been made.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self { id: COUNT.fetch_add(1, Ordering::Relaxed), set: None }
    }

    /// Whether this task is still to be woken, and no later than at `at`.
    pub(super) fn will_wake(&self, waker: &Waker, now: Instant, at: Instant) -> bool {
        self.set.as_ref().is_some_and(|(set, by)| now < *set && *set <= at && by.will_wake(waker))
    }

    pub(super) fn set(&mut self, at: Instant, waker: &Waker) {
        let old = self.set.replace((at, waker.clone()));
        let (waker, key) = (waker.clone(), old.as_ref().map(|(at, _)| (*at, self.id)));
        let mut alarms = alarms();
        let removed = key.and_then(|key| alarms.agenda.due.remove(&key));
        let fires = alarms.agenda.insert((at, self.id), waker);
        set_timer(alarms, fires);
        // A waker may be the last to hold a task, and that another alarm.
        drop((old, removed));
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some((at, _)) = self.set {
            let removed = alarms().agenda.due.remove(&(at, self.id));
            drop(removed);
        }
    }
}

struct Alarms {
    agenda: Agenda,
    /// Gone while it is being set.
    timer: Option<Timer>,
    /// To what it is still to be set.
    unset: Option<Instant>,
}

fn alarms() -> MutexGuard<'static, Alarms> {
    static ALARMS: LazyLock<Mutex<Alarms>> = LazyLock::new(|| Mutex::new(Alarms::new()));
    ALARMS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Alarms {
    fn new() -> Self {
        // It keeps the waker that it is polled with while it waits, however often it is set.
        let mut timer = Timer::after(Duration::from_secs(3_600));
        let bell = Waker::from(Arc::new(Bell));
        let _ = Pin::new(&mut timer).poll(&mut Context::from_waker(&bell));
        Self { agenda: Agenda::default(), timer: Some(timer), unset: None }
    }
}

/// Sets the timer, if it is to be set. Nobody holds the alarms meanwhile: async-io may drop the waker
/// of any other timer, which may be the last to hold a task, and that an alarm. Whoever finds the
/// timer gone leaves it to the one who has it.
fn set_timer(mut alarms: MutexGuard<'static, Alarms>, fires: Option<Instant>) {
    if fires.is_none() {
        return;
    }
    alarms.unset = fires;
    let Some(mut timer) = alarms.timer.take() else { return };
    while let Some(at) = alarms.unset.take() {
        drop(alarms);
        // The system may not be able to tell a time that is centuries off, let alone reach it.
        let after_origin = at.saturating_duration_since(Instant::ORIGIN);
        if let Some(at) = ORIGIN.checked_add(after_origin) {
            timer.set_at(at);
        }
        alarms = self::alarms();
    }
    alarms.timer = Some(timer);
}

/// What the timer wakes.
struct Bell;

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let due = {
            let mut alarms = alarms();
            let (due, fires) = alarms.agenda.take_due(now());
            set_timer(alarms, fires);
            due
        };
        for waker in due {
            // One that panics must not keep the others asleep.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

#[derive(Default)]
struct Agenda {
    due: BTreeMap<(Instant, u64), Waker>,
    /// When the timer fires: no later than the first is due.
    fires: Option<Instant>,
}

impl Agenda {
    /// Answers to what the timer is to be set, if it is.
    fn insert(&mut self, key: (Instant, u64), waker: Waker) -> Option<Instant> {
        self.due.insert(key, waker);
        let earlier = self.fires.is_none_or(|fires| key.0 < fires).then_some(key.0);
        self.fires = earlier.or(self.fires);
        earlier
    }

    /// The timer has fired. Answers who is due, and to what it is to be set, if it is.
    fn take_due(&mut self, now: Instant) -> (Vec<Waker>, Option<Instant>) {
        let mut due = Vec::new();
        self.fires = None;
        while let Some(first) = self.due.first_entry() {
            let (at, _) = *first.key();
            if now < at {
                self.fires = Some(at);
                break;
            }
            due.push(first.remove());
        }
        (due, self.fires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Instant {
        Instant::from_millis(1_000 * seconds)
    }

    fn waker() -> Waker {
        Waker::noop().clone()
    }

    #[test]
    fn only_a_deadline_before_all_others_sets_the_timer() {
        let mut agenda = Agenda::default();
        let [soon, later, last] = [1, 2, 3].map(seconds);
        assert_eq!(agenda.insert((later, 1), waker()), Some(later));
        assert_eq!(agenda.insert((last, 2), waker()), None);
        assert_eq!(agenda.insert((later, 3), waker()), None);
        assert_eq!(agenda.insert((soon, 4), waker()), Some(soon));
        assert_eq!(agenda.insert((later, 5), waker()), None);
    }

    #[test]
    fn the_timer_wakes_all_that_are_due_and_is_set_for_the_next() {
        let mut agenda = Agenda::default();
        let at = [1, 2, 2, 4].map(seconds);
        for (at, id) in at.into_iter().zip(1..) {
            agenda.insert((at, id), waker());
        }
        let (due, fires) = agenda.take_due(seconds(2));
        assert_eq!((due.len(), fires), (3, Some(at[3])));
        assert_eq!(agenda.insert((seconds(5), 5), waker()), None);
        let (due, fires) = agenda.take_due(seconds(9));
        assert_eq!((due.len(), fires), (2, None));
        let at = seconds(10);
        assert_eq!(agenda.insert((at, 6), waker()), Some(at));
    }

    #[test]
    fn a_timer_that_fires_for_an_alarm_that_was_taken_away_is_set_for_the_next() {
        let mut agenda = Agenda::default();
        let [away, next] = [1, 3].map(seconds);
        assert_eq!(agenda.insert((away, 1), waker()), Some(away));
        assert_eq!(agenda.insert((next, 2), waker()), None);
        assert!(agenda.due.remove(&(away, 1)).is_some());
        let (due, fires) = agenda.take_due(away);
        assert_eq!((due.len(), fires), (0, Some(next)));
    }
}
