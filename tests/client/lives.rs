//! A book of every message, kept while a client with a queue lives through whatever a seed makes of
//! it: each that was accepted has one fate, goes out where it may and in its order, and who waits is
//! told the truth.

use std::{collections::VecDeque, task::Poll, time::Duration};

use futures::StreamExt;
use steadfast::{
    CloseCode, ClosedReason, Epoch, FailureKind, Network, State,
    client::{
        CloseFrame, Event, Frame, Handle, Outbox, Overflow, Release, SendError, SendErrorReason,
    },
};

use crate::{
    book::{Book, Fate, name},
    rig::{Client, DriverRig, Rig, policy},
    task::Task,
    wire::{Wire, WireConn},
};

/// How many lives are lived, and how much happens in each.
const LIVES: u64 = 400;
const HAPPENINGS: usize = 400;

type Waiting = Task<'static, Result<(), SendError>>;

/// Messages that are sent at once.
struct Batch {
    /// Answers how many were left.
    task: Task<'static, (Result<(), SendError>, usize)>,
    /// Those that have not been accepted yet, as far as is known.
    left: VecDeque<usize>,
}

struct Life {
    rng: fastrand::Rng,
    outbox: Option<Outbox>,
    handle: &'static Handle,
    rig: DriverRig<WireConn>,
    /// One for each dial that will succeed.
    wires: VecDeque<Wire>,
    refusals: usize,
    open: Option<Wire>,
    connections: usize,
    epoch: Epoch,
    resynchronised: bool,
    book: Book,
    next: usize,
    /// Each with the messages that it waits for.
    flushes: Vec<(Waiting, Vec<usize>)>,
    /// Each with its message.
    sends: Vec<(Waiting, usize)>,
    batches: Vec<Batch>,
    closed: Option<Task<'static, Option<ClosedReason>>>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let retries = if rng.bool() { 2 } else { 1_000 };
        let policy = policy().to_builder().with_max_retries(retries).build().unwrap();
        let rig: Rig<Client<WireConn>, WireConn> =
            Rig::built(|builder| builder.with_policy(policy).retain_unflushed());
        let capacity = rng.usize(1..5);
        let outbox = (rng.usize(0..4) > 0).then(|| {
            let overflow = [Overflow::Reject, Overflow::DropOldest, Overflow::Wait];
            let time_to_live = [None, None, Some(Duration::ZERO), Some(Duration::from_secs(3))];
            Outbox::default()
                .with_max_messages(capacity)
                .with_max_bytes(if rng.bool() { 1 << 20 } else { rng.usize(8..40) })
                .with_overflow(overflow[rng.usize(0..3)])
                .with_time_to_live(time_to_live[rng.usize(0..4)])
                .with_release(if rng.bool() { Release::OnUp } else { Release::OnResync })
        });
        let (handle, rig) = match outbox.clone() {
            Some(outbox) => rig.split_with_outbox(outbox),
            None => rig.split(capacity),
        };
        Self {
            rng,
            outbox,
            handle: Box::leak(Box::new(handle)),
            rig,
            wires: VecDeque::new(),
            refusals: 0,
            open: None,
            connections: 0,
            epoch: Epoch::default(),
            resynchronised: false,
            book: Book::default(),
            // All are of one length, so that there is room for each or for none.
            next: 1_000,
            flushes: Vec::new(),
            sends: Vec::new(),
            batches: Vec::new(),
            closed: None,
        }
    }

    /// Lives, and answers how many connections there were and how many messages of each fate.
    fn live(mut self) -> [usize; 4] {
        for _ in 0..HAPPENINGS {
            self.plan();
            self.happen();
            self.read_wires();
        }
        self.settle();
        let (queued, unflushed) = (self.handle.queued(), self.handle.snapshot().unflushed);
        let unsent = self.rig.it.into_unsent().len();
        assert_eq!(unsent, queued);
        let waits = self.book.count(Fate::Waits) as u64;
        assert_eq!(waits, self.book.displaced + unsent as u64 + unflushed, "without a fate");
        let of = |fate| self.book.count(fate);
        [self.connections, of(Fate::Written), of(Fate::Unflushed), of(Fate::Unsent)]
    }

    /// Lets the next dial have an outcome, most of the time.
    fn plan(&mut self) {
        if self.wires.is_empty() && self.refusals == 0 {
            match self.rng.usize(0..8) {
                0 => {}
                1 => {
                    self.refusals += 1;
                    self.rig.refuse(FailureKind::Refused);
                }
                _ => {
                    let wire = Wire::new();
                    wire.state().room = self.rng.usize(0..6);
                    self.rig.accept(wire.conn());
                    self.wires.push_back(wire);
                }
            }
        }
    }

    fn happen(&mut self) {
        match self.rng.usize(0..40) {
            0..=6 => self.try_send(),
            7 => self.send_all(),
            8 => self.send_ahead(),
            9 | 10 => self.send(),
            11 | 12 => self.flush(),
            13 => self.cancel(),
            14..=17 => self.change_wire(),
            18 => self.handle.stop(),
            19 | 20 => {
                self.book.started();
                self.handle.start();
            }
            21 => self.handle.retry_now(),
            22 => self.handle.probe(),
            23 => {
                let networks = [Network::Online, Network::Online, Network::Offline];
                self.handle.set_network(networks[self.rng.usize(0..3)]);
            }
            24 | 25 => {
                self.handle.resynchronised(self.epoch);
                self.resynchronised = self.open.is_some();
            }
            26 | 27 => self.await_alarm(),
            28 => self.rig.clock.advance(Duration::from_millis(self.rng.u64(0..50_000))),
            29..=34 => self.poll(),
            _ => self.settle(),
        }
    }

    fn accepted(&mut self, number: usize, ahead: bool) {
        let connection = self.open.as_ref().map(|_| self.connections);
        self.book.accepted(number, ahead, connection);
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    fn try_send(&mut self) {
        let number = self.number();
        if self.handle.try_send(name(number)).is_ok() {
            self.accepted(number, false);
        }
    }

    fn send_ahead(&mut self) {
        let number = self.number();
        if self.handle.send_ahead(name(number)).is_ok() {
            self.accepted(number, true);
        }
    }

    fn send(&mut self) {
        let number = self.number();
        let task = Task::new(self.handle.send(name(number)));
        self.sends.push((task, number));
        self.run_sends();
    }

    fn run_sends(&mut self) {
        for (mut task, number) in std::mem::take(&mut self.sends) {
            match task.run() {
                Poll::Ready(Ok(())) => self.accepted(number, false),
                Poll::Ready(Err(error)) => assert_ne!(error.reason, SendErrorReason::Gone),
                Poll::Pending => self.sends.push((task, number)),
            }
        }
    }

    fn send_all(&mut self) {
        let left: VecDeque<_> = (0..self.rng.usize(0..8)).map(|_| self.number()).collect();
        let mut messages: VecDeque<_> = left.iter().map(|number| name(*number).into()).collect();
        let handle = self.handle;
        let task = Task::new(async move {
            let sent = handle.send_all(&mut messages).await;
            (sent, messages.len())
        });
        self.batches.push(Batch { task, left });
        self.run_batches();
    }

    fn run_batches(&mut self) {
        for mut batch in std::mem::take(&mut self.batches) {
            let before = self.handle.queued();
            let ran = batch.task.run();
            let left = match &ran {
                Poll::Ready((sent, left)) => {
                    assert_eq!(sent.is_ok(), *left == 0);
                    *left
                }
                // It has only added to what was queued.
                Poll::Pending => batch.left.len() - (self.handle.queued() - before),
            };
            for number in batch.left.drain(..batch.left.len() - left).collect::<Vec<_>>() {
                self.accepted(number, false);
            }
            if ran.is_pending() {
                self.batches.push(batch);
            }
        }
    }

    fn flush(&mut self) {
        self.flushes.push((Task::new(self.handle.flush()), self.book.waiting()));
        self.run_flushes();
    }

    fn run_flushes(&mut self) {
        for (mut task, numbers) in std::mem::take(&mut self.flushes) {
            match task.run() {
                Poll::Ready(Ok(())) => self.book.flushed(numbers, self.displaces()),
                Poll::Ready(Err(_)) => self.book.not_flushed(numbers),
                Poll::Pending => self.flushes.push((task, numbers)),
            }
        }
    }

    fn displaces(&self) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.overflow == Overflow::DropOldest)
    }

    fn cancel(&mut self) {
        match self.rng.bool() {
            true if !self.batches.is_empty() => drop(self.batches.swap_remove(0)),
            true if !self.sends.is_empty() => drop(self.sends.swap_remove(0)),
            _ if !self.flushes.is_empty() => drop(self.flushes.swap_remove(0)),
            _ => {}
        }
    }

    fn change_wire(&mut self) {
        let Some(wire) = self.open.clone() else { return };
        match self.rng.usize(0..12) {
            0 => wire.change(|state| state.ended = true),
            1 => wire.change(|state| state.broken = Some(FailureKind::Reset)),
            2 => wire.change(|state| state.flush_hangs ^= true),
            3 => wire.say(CloseFrame::new(CloseCode::GOING_AWAY, "").into()),
            4 => wire.say(Frame::Ping(Default::default())),
            5 => wire.text("hello"),
            _ => wire.change(|state| state.room = self.rng.usize(0..10)),
        }
    }

    fn await_alarm(&mut self) {
        if let Some(alarm) = self.rig.clock.next_alarm() {
            self.rig.clock.advance_to(alarm);
        }
    }

    /// Polls the driver once, woken or not.
    fn poll(&mut self) {
        if let Poll::Ready(Some(event)) = self.rig.poll(|mut it, cx| it.poll_next_unpin(cx)) {
            self.rig.ask(|_| ());
            self.read_wires();
            self.told(event);
        }
    }

    /// Lets all go on until all wait.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            self.plan();
            if !self.rig.take_woken() {
                self.run_sends();
                self.run_batches();
                self.run_flushes();
                if !self.rig.take_woken() {
                    return self.check_waiting();
                }
            }
            self.poll();
            self.read_wires();
        }
        panic!("no end of it");
    }

    /// Nobody has been woken, so there is nothing to do, and who still waits does so for a reason.
    fn check_waiting(&mut self) {
        let polled = self.rig.poll(|mut it, cx| it.poll_next_unpin(cx));
        assert!(matches!(polled, Poll::Ready(None) | Poll::Pending), "nobody woke it: {polled:?}");
        assert!(!self.rig.take_woken(), "it keeps itself awake");
        let written = self.open.as_ref().map(|wire| wire.written()).unwrap_or_default();
        assert!(written.is_empty(), "nobody woke it to write {written:?}");
        let is_over = matches!(self.handle.state(), State::Closed(_));
        if let Some(mut closed) = self.closed.take() {
            let knows = closed.run().is_ready();
            assert!(knows || !is_over, "nobody told that it is over");
        }
        let mut closed = Task::new(self.handle.closed());
        assert_eq!(closed.run().is_ready(), is_over);
        self.closed = (!is_over).then_some(closed);
        if self.sends.is_empty() && self.batches.is_empty() {
            return;
        }
        let number = self.number();
        let refused =
            self.handle.try_send(name(number)).expect_err("one waits though there is room");
        assert_eq!(refused.reason, SendErrorReason::Full, "nobody told those who wait");
    }

    fn read_wires(&mut self) {
        for wire in &self.wires {
            assert!(wire.written().is_empty(), "sent before it was told to be up");
        }
        let Some(wire) = &self.open else { return };
        let waits = self.outbox.as_ref().is_some_and(|it| it.release == Release::OnResync);
        for message in wire.written() {
            let (keeps, released) = (self.outbox.is_some(), !waits || self.resynchronised);
            self.book.written(&message, self.connections, keeps, released);
        }
    }

    fn told(&mut self, event: Event) {
        match event {
            Event::Up(up) => {
                self.open = self.wires.pop_front();
                self.connections += 1;
                (self.epoch, self.resynchronised) = (up.epoch, false);
            }
            Event::Down(down) => {
                self.book.decide_all(&down.unsent, Fate::Unsent);
                self.book.decide_all(&down.unflushed_messages, Fate::Unflushed);
                assert_eq!(down.unflushed, down.unflushed_messages.len() as u64);
                assert!(self.open.take().is_some());
            }
            Event::Unsent(unsent) => {
                assert!(self.outbox.is_some(), "there is no outbox");
                self.book.decide_all(&unsent.messages, Fate::Unsent);
                self.book.displaced += unsent.count - unsent.messages.len() as u64;
            }
            Event::DialFailed(failed) => {
                self.refusals -= usize::from(failed.failure.kind() == FailureKind::Refused);
            }
            Event::Closed { .. } => self.book.closed(self.displaces()),
            _ => {}
        }
    }
}

#[test]
fn every_message_that_is_accepted_has_one_fate() {
    let first = std::env::var("STEADFAST_SEED").ok().and_then(|seed| seed.parse().ok());
    let lives = std::env::var("STEADFAST_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    let (first, lives) = (first.unwrap_or(0), lives.unwrap_or(LIVES));
    let mut totals = [0; 4];
    for seed in first..first + lives {
        eprintln!("seed {seed}");
        let counts = Life::new(seed).live();
        totals = std::array::from_fn(|at| totals[at] + counts[at]);
    }
    eprintln!("{totals:?}");
    // Enough has happened for this to mean something.
    let [connections, written, unflushed, unsent] = totals.map(|total| total as u64);
    assert!(lives < LIVES || (connections > 3 * lives && written > 8 * lives));
    assert!(lives < LIVES || (2 * unflushed > lives && unsent > 5 * lives));
}
