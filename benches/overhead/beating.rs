//! Connections that do nothing but beat: one as it is written by hand, and one of this crate.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant as StdInstant},
};

use async_io::Timer;
use futures::{
    SinkExt, StreamExt,
    future::{Either, select},
};
use steadfast::{
    Instant,
    client::{Clock, Connection, Dial, Event},
    transport::tungstenite::Message,
};

use crate::clients::Raw;

/// How many pings have been answered.
pub(crate) type Beats = Rc<Cell<u64>>;

/// What one writes by hand: a ping when the peer has been silent for an interval, and the end when
/// that is not answered in time. The timer is set as seldom as that allows.
#[allow(clippy::manual_async_fn, reason = "an `async fn` would hold what it is given twice")]
pub(crate) fn beat_raw(
    mut socket: Raw,
    interval: Duration,
    pong_timeout: Duration,
    beats: Beats,
) -> impl Future<Output = ()> {
    async move {
        let (mut due, mut asked) = (StdInstant::now() + interval, false);
        let mut timer = Timer::at(due);
        loop {
            match select(socket.next(), &mut timer).await {
                Either::Left((Some(Ok(message)), _)) => {
                    due = StdInstant::now() + interval;
                    // Otherwise it fires before that anyhow, and is set anew then.
                    if std::mem::take(&mut asked) {
                        timer.set_at(due);
                    }
                    if message.is_pong() {
                        beats.set(beats.get() + 1);
                    }
                }
                Either::Right(_) if StdInstant::now() < due => timer.set_at(due),
                Either::Right(_) if !asked => {
                    let ping = Message::Ping(b"beat".as_slice().into());
                    if SinkExt::send(&mut socket, ping).await.is_err() {
                        return;
                    }
                    (due, asked) = (StdInstant::now() + pong_timeout, true);
                    timer.set_at(due);
                }
                Either::Left(_) | Either::Right(_) => return,
            }
        }
    }
}

/// Reads events until the connection is lost.
#[allow(clippy::manual_async_fn, reason = "an `async fn` would hold what it is given twice")]
pub(crate) fn beat<D: Dial, K: Clock>(
    mut connection: Connection<D, K>,
    beats: Beats,
) -> impl Future<Output = ()> {
    async move {
        while let Some(event) = connection.next().await {
            match event {
                Event::RoundTrip(_) => beats.set(beats.get() + 1),
                Event::Down(_) => return,
                _ => {}
            }
        }
    }
}

/// One timer for all connections of a thread, that looks every few milliseconds who is due: a clock
/// that an application can bring.
#[derive(Clone)]
pub(crate) struct SharedTimer(Rc<Agenda>);

struct Agenda {
    origin: StdInstant,
    due: RefCell<BTreeMap<(Instant, u64), Waker>>,
    named: Cell<u64>,
}

/// How late it may be.
const TICK: Duration = Duration::from_millis(5);

impl SharedTimer {
    pub(crate) fn new() -> Self {
        let due = RefCell::default();
        Self(Rc::new(Agenda { origin: StdInstant::now(), due, named: Cell::new(0) }))
    }

    /// The clock of one connection.
    pub(crate) fn clock(&self) -> SharedClock {
        self.0.named.set(self.0.named.get() + 1);
        SharedClock { agenda: self.0.clone(), name: self.0.named.get(), armed: None }
    }

    /// Wakes whoever is due, for as long as it is polled.
    pub(crate) async fn run(self) {
        let mut ticks = Timer::interval(TICK);
        while ticks.next().await.is_some() {
            let now = self.0.now();
            let later = self.0.due.borrow_mut().split_off(&(now, u64::MAX));
            self.0.due.replace(later).into_values().for_each(Waker::wake);
        }
    }
}

impl Agenda {
    fn now(&self) -> Instant {
        Instant::ORIGIN.saturating_add(self.origin.elapsed())
    }
}

pub(crate) struct SharedClock {
    agenda: Rc<Agenda>,
    name: u64,
    armed: Option<Instant>,
}

impl Clock for SharedClock {
    fn now(&self) -> Instant {
        self.agenda.now()
    }

    fn poll_until(mut self: Pin<&mut Self>, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let now = self.now();
        if now >= deadline {
            return Poll::Ready(());
        }
        // As the clock of async-io: deadlines mostly move away, and an early wake-up is cheap.
        if self.armed.is_none_or(|at| at > deadline || at <= now) {
            let mut due = self.agenda.due.borrow_mut();
            self.armed.into_iter().for_each(|at| drop(due.remove(&(at, self.name))));
            due.insert((deadline, self.name), cx.waker().clone());
            drop(due);
            self.armed = Some(deadline);
        }
        Poll::Pending
    }
}

impl Drop for SharedClock {
    fn drop(&mut self) {
        let at = self.armed;
        at.into_iter().for_each(|at| drop(self.agenda.due.borrow_mut().remove(&(at, self.name))));
    }
}
