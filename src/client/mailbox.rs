//! What handles and the driver share. The driver takes it in batches, so a lock is held for a
//! moment, a few times a poll.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

use super::{
    CloseFrame, Message, SendErrorReason, Snapshot,
    queue::{Displaced, Load, Queue, Rules},
};
use crate::{Command, Epoch, State};

/// What a handle asks of the driver.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Request {
    Command(Command),
    StopWith(CloseFrame),
}

impl Request {
    fn stops(&self) -> bool {
        matches!(self, Self::Command(Command::Stop) | Self::StopWith(_))
    }

    fn is_network(&self) -> bool {
        matches!(self, Self::Command(Command::Network(_)))
    }
}

pub(super) struct Mailbox(Mutex<Inner>);

pub(super) struct Inner {
    pub(super) queue: Queue,
    pub(super) requests: Vec<Request>,
    /// What the driver last knew.
    pub(super) snapshot: Snapshot,
    /// Whether a message would be given to a transport.
    pub(super) open: bool,
    /// The connection that is open, or was last.
    pub(super) epoch: Epoch,
    /// The application has resynchronised on it.
    pub(super) resynchronised: bool,
    /// A start was asked for that the snapshot does not show yet.
    pub(super) restarting: bool,
    /// The driver has been dropped.
    pub(super) gone: bool,
    /// The number below which every message has been written or given up.
    pub(super) unsettled: u64,
    /// Messages that made room and that the driver has not told of.
    pub(super) displaced: u64,
    /// How often messages have been lost.
    pub(super) losses: u64,
    flushes: Flushes,
    driver: Option<Waker>,
    /// Handles' futures: whoever waits is woken by any change and looks again.
    pub(super) waiting: Vec<Waker>,
}

/// The flushes under way, each with the last message it waits for.
#[derive(Default)]
struct Flushes {
    next: u64,
    under_way: Vec<FlushUnderWay>,
}

struct FlushUnderWay {
    name: u64,
    target: u64,
    failed: Option<SendErrorReason>,
}

impl Mailbox {
    pub(super) fn new(rules: Rules, snapshot: Snapshot, open: bool, epoch: Epoch) -> Self {
        Self(Mutex::new(Inner {
            queue: Queue::new(rules),
            requests: Vec::new(),
            snapshot,
            open,
            epoch,
            resynchronised: false,
            restarting: false,
            gone: false,
            unsettled: 1,
            displaced: 0,
            losses: 0,
            flushes: Flushes::default(),
            driver: None,
            waiting: Vec::new(),
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here is left half-changed by a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn request(&self, request: Request) {
        let mut inner = self.lock();
        inner.restarting |= request == Request::Command(Command::Start);
        inner.add(request);
        let driver = inner.driver.take();
        drop(inner);
        wake(driver);
    }

    /// The application has resynchronised on this connection.
    pub(super) fn resynchronised(&self, epoch: Epoch) {
        let mut inner = self.lock();
        // It may be late, and the next connection is another one.
        let driver = match inner.open && inner.epoch == epoch {
            true => {
                inner.resynchronised = true;
                inner.driver.take()
            }
            false => None,
        };
        drop(inner);
        wake(driver);
    }

    /// Wakes all who wait for a change.
    pub(super) fn wake_waiting(&self) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        for waker in waiting {
            waker.wake();
        }
    }
}

impl Inner {
    /// Adds a request, and drops those that it makes pointless: so there are only ever a few,
    /// however many are made.
    fn add(&mut self, request: Request) {
        let start = Request::Command(Command::Start);
        let stops = request.stops();
        self.requests.retain(|earlier| {
            let overruled = (stops && *earlier == start)
                || (request.is_network() && earlier.is_network())
                || *earlier == request && !stops;
            !overruled
        });
        // The first stop is the one that ends the connection, with its own farewell.
        if !(stops && self.requests.iter().any(Request::stops)) {
            self.requests.push(request);
        }
    }

    /// Accepts a message, or says why not, or that there is no room for now.
    pub(super) fn accept(&mut self, message: Message) -> Result<Woken, (Message, SendErrorReason)> {
        if let Some(reason) = self.refusal() {
            return Err((message, reason));
        }
        let displaced = self.queue.push(message)?;
        let waiting = displaced.map(|displaced| self.displace(displaced)).unwrap_or_default();
        Ok(Woken { driver: self.driver.take(), waiting })
    }

    /// Accepts a message that overtakes all that wait.
    pub(super) fn accept_ahead(
        &mut self,
        message: Message,
    ) -> Result<Woken, (Message, SendErrorReason)> {
        match self.refusal() {
            Some(reason) => return Err((message, reason)),
            None if !self.open => return Err((message, SendErrorReason::NotOpen)),
            None => {}
        }
        self.queue.push_ahead(message)?;
        Ok(Woken { driver: self.driver.take(), waiting: Vec::new() })
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let Load { messages, bytes } = self.queue.backlog();
        Snapshot { queued: messages, queued_bytes: bytes, ..self.snapshot }
    }

    fn refusal(&self) -> Option<SendErrorReason> {
        if self.gone {
            return Some(SendErrorReason::Gone);
        }
        let over = matches!(self.snapshot.state, State::Idle | State::Closed(_));
        let accepts = match self.queue.rules() {
            Rules::WhileOpen { .. } => self.open,
            Rules::Keep(_) => !over || self.restarting,
        };
        (!accepts).then_some(SendErrorReason::NotOpen)
    }

    fn displace(&mut self, displaced: Displaced) -> Vec<Waker> {
        self.displaced += displaced.count;
        self.lose(displaced.lowest, SendErrorReason::GivenUp);
        std::mem::take(&mut self.waiting)
    }

    /// Messages from this number on are lost: no flush of them can succeed.
    pub(super) fn lose(&mut self, lowest: u64, reason: SendErrorReason) {
        self.losses += 1;
        for flush in &mut self.flushes.under_way {
            if flush.target >= lowest {
                flush.failed.get_or_insert(reason);
            }
        }
    }

    /// Begins a flush of all that has been accepted.
    pub(super) fn begin_flush(&mut self) -> u64 {
        let name = self.flushes.next;
        self.flushes.next += 1;
        let target = self.queue.accepted();
        self.flushes.under_way.push(FlushUnderWay { name, target, failed: None });
        name
    }

    /// What has become of a flush; `None` while it is under way.
    pub(super) fn flushed(&self, name: u64) -> Option<Result<(), SendErrorReason>> {
        let flush = self.flushes.under_way.iter().find(|flush| flush.name == name)?;
        match flush.failed {
            Some(reason) => Some(Err(reason)),
            None if self.unsettled > flush.target => Some(Ok(())),
            None if self.gone => Some(Err(SendErrorReason::Gone)),
            None => None,
        }
    }

    pub(super) fn end_flush(&mut self, name: u64) {
        self.flushes.under_way.retain(|flush| flush.name != name);
    }

    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }

    pub(super) fn watch(&mut self, cx: &Context<'_>) {
        match &mut self.driver {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }
}

/// Whom a change concerns, to be woken once the lock is free.
#[must_use]
#[derive(Default)]
pub(super) struct Woken {
    driver: Option<Waker>,
    waiting: Vec<Waker>,
}

impl Woken {
    pub(super) fn wake(self) {
        wake(self.driver);
        self.waiting.into_iter().for_each(Waker::wake);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
