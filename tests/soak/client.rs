//! One application with its client: it sends, sends again, cancels, flushes, stops and starts.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    rc::Rc,
    time::Duration,
};

use fastrand::Rng;
use futures::{
    Stream, StreamExt,
    future::{Either, join_all, select},
    pin_mut,
};
use smol::Timer;
use steadfast::{
    ClosedReason, Epoch, Seed, State,
    client::{Builder, Event, Handle, SessionId},
    transport::{AsyncIoClock, Dialer, Limits},
};

use crate::{
    book::SharedBook,
    letter::Letter,
    settings::{Again, Habits, Phase, SharedPhase, config, policy},
    wire::watched,
};

pub(crate) const SESSION_HEADER: &str = "Session-Id";

pub(crate) struct Client {
    pub(crate) habits: Habits,
    pub(crate) book: SharedBook,
    pub(crate) handle: Handle,
    /// Numbers that the server has not acknowledged, if these are sent again.
    pub(crate) unacknowledged: RefCell<VecDeque<u32>>,
    /// Numbers that are to go into the outbox once more.
    pub(crate) again: RefCell<VecDeque<u32>>,
    pub(crate) last_number: Cell<u32>,
    received: Cell<u64>,
    rng: RefCell<Rng>,
    is_leaving: Cell<bool>,
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.read_buffer_size = 4 << 10;
    limits.write_buffer_size = 4 << 10;
    limits
}

/// The client, and what drives it to its end.
pub(crate) fn client(
    index: usize,
    url: &str,
    habits: Habits,
    book: SharedBook,
) -> (Rc<Client>, impl Future<Output = ()> + use<>) {
    let dialer = Dialer::new(url).unwrap().with_limits(limits());
    let dialer = dialer.with_session_header(SESSION_HEADER).unwrap();
    let builder = Builder::new(watched(dialer, book.clone()), AsyncIoClock::new())
        .with_config(config())
        .with_policy(policy())
        .with_session(SessionId::new(index as u128))
        .with_seed(Seed::new(index as u64));
    let builder = if habits.retains { builder.retain_unflushed() } else { builder };
    let (handle, driver) = builder.build().split_with_outbox(habits.outbox.clone());
    let client = Rc::new(Client {
        habits,
        book,
        handle,
        unacknowledged: RefCell::default(),
        again: RefCell::default(),
        last_number: Cell::default(),
        received: Cell::default(),
        rng: RefCell::new(Rng::with_seed(!(index as u64))),
        is_leaving: Cell::default(),
    });
    (client.clone(), client.drive(driver))
}

impl Client {
    async fn drive(self: Rc<Self>, mut driver: impl Stream<Item = Event> + Unpin) {
        let mut resync = None;
        loop {
            while let Some(event) = self.next(&mut driver, &mut resync).await {
                resync = match &event {
                    Event::Up(up) => Some((up.epoch, self.dawdle())),
                    Event::Down(_) => None,
                    _ => resync,
                };
                self.told(event);
            }
            if self.is_leaving.get() {
                break;
            }
            self.handle.start();
        }
        let (snapshot, mut book) = (self.handle.snapshot(), self.book.borrow_mut());
        let stopped = snapshot.state == State::Closed(ClosedReason::Stopped);
        book.require(stopped && snapshot.queued == 0 && snapshot.unflushed == 0, &snapshot);
        book.require(snapshot.traffic.messages_received == self.received.get(), &snapshot);
        book.close(snapshot.traffic.messages_sent);
    }

    /// The next event. What is due before is done meanwhile.
    async fn next(
        &self,
        driver: &mut (impl Stream<Item = Event> + Unpin),
        resync: &mut Option<(Epoch, Timer)>,
    ) -> Option<Event> {
        while let Some((epoch, due)) = resync {
            match select(driver.next(), due).await {
                Either::Left((event, _)) => return event,
                Either::Right(_) => self.resynchronise(*epoch),
            }
            *resync = None;
        }
        driver.next().await
    }

    /// How long it takes until the application has resynchronised.
    fn dawdle(&self) -> Timer {
        Timer::after(Duration::from_millis(self.rng.borrow_mut().u64(0..30)))
    }

    fn told(&self, event: Event) {
        match event {
            Event::Up(up) => {
                let before = self.book.borrow_mut().told_up(up.epoch.get());
                // This comes late, and must not release what waits.
                self.handle.resynchronised(Epoch::new(before));
            }
            Event::Message(message) => {
                self.received.set(self.received.get() + 1);
                let Letter { ticket, number } = Letter::of(message.as_bytes());
                self.book.borrow_mut().acknowledged(ticket);
                self.unacknowledged.borrow_mut().retain(|waiting| *waiting != number);
            }
            Event::Unsent(unsent) => self.book.borrow_mut().unsent(&unsent),
            Event::Down(down) => {
                let mut book = self.book.borrow_mut();
                book.down(&down);
                book.balances(self.handle.queued(), self.habits.tells_at_once());
                if self.habits.again == Again::Unflushed {
                    let lost = down.unflushed_messages.iter();
                    let numbers = lost.map(|message| Letter::of(message.as_bytes()).number);
                    self.again.borrow_mut().extend(numbers);
                }
            }
            _ => {}
        }
    }

    /// Nothing is under way: it is connected, and the server has all that it was sent.
    pub(crate) fn is_at_rest(&self) -> bool {
        let nothing_waits = self.handle.queued() == 0 && self.unacknowledged.borrow().is_empty();
        nothing_waits && self.handle.state() == State::Open
    }

    /// Uses it until it is over, then has it settle, or not, and stops it.
    pub(crate) async fn work(self: Rc<Self>, mut rng: Rng, phase: SharedPhase) {
        while phase.get() != Phase::Over {
            if phase.get() == Phase::Calm {
                pause(&mut rng, 5..20).await;
                continue;
            }
            for _ in 0..rng.u32(1..=if self.habits.is_heavy { 40 } else { 8 }) {
                self.send(&mut rng).await;
            }
            match rng.u32(..100) {
                0..2 => self.handle.stop(),
                2..6 => self.handle.retry_now(),
                6..9 => self.handle.probe(),
                20..40 => self.send_ahead(),
                9..20 => self.give_up_flushing(&mut rng).await,
                _ => {}
            }
            pause(&mut rng, 20..300).await;
        }
        if self.habits.leaves_early {
            for _ in 0..8 {
                self.send(&mut rng).await;
            }
        } else {
            self.settle(&mut rng).await;
        }
        self.is_leaving.set(true);
        self.handle.stop();
        self.handle.closed().await;
    }

    /// Waits until the server has all, or at least has been written all.
    async fn settle(&self, rng: &mut Rng) {
        while !self.unacknowledged.borrow().is_empty() {
            pause(rng, 5..20).await;
        }
        while self.handle.queued() > 0 {
            pause(rng, 5..20).await;
        }
        if self.habits.again == Again::Unacknowledged {
            let (last, mut book) = (self.last_number.get(), self.book.borrow_mut());
            let complete = book.complete();
            book.require(complete == last, &(complete, last));
        }
    }

    async fn give_up_flushing(&self, rng: &mut Rng) {
        let flushes = join_all((0..16).map(|_| self.handle.flush()));
        let enough = pause(rng, 0..3);
        pin_mut!(enough);
        select(flushes, enough).await;
    }
}

/// Some time, in milliseconds.
pub(crate) async fn pause(rng: &mut Rng, millis: std::ops::Range<u64>) {
    let pause = Timer::after(Duration::from_millis(rng.u64(millis)));
    pause.await;
}
