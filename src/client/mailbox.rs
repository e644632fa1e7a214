//! What handles and the driver share. The driver takes it in batches, so a lock is held for a
//! moment, once a poll.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

use super::{CloseFrame, Message, SendErrorReason};
use crate::{Command, State, Stats};

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

/// What the driver last knew.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    pub(super) state: State,
    pub(super) stats: Stats,
    pub(super) open: bool,
}

pub(super) struct Mailbox(Mutex<Inner>);

pub(super) struct Inner {
    pub(super) queue: VecDeque<Message>,
    pub(super) capacity: usize,
    pub(super) requests: Vec<Request>,
    pub(super) snapshot: Snapshot,
    /// A start was asked for that the snapshot does not show yet.
    pub(super) restarting: bool,
    /// The driver has been dropped.
    pub(super) gone: bool,
    /// Messages accepted, messages written to the socket or given up, connections lost.
    pub(super) accepted: u64,
    pub(super) settled: u64,
    pub(super) losses: u64,
    /// What `settled` was when the last connection was lost.
    pub(super) written_before_loss: u64,
    /// How many messages the driver has taken and not given to the transport yet.
    pub(super) taken_over: usize,
    driver: Option<Waker>,
    /// Handles' futures: whoever waits is woken by any change and looks again.
    waiting: Vec<Waker>,
}

impl Mailbox {
    pub(super) fn new(capacity: usize, snapshot: Snapshot) -> Self {
        Self(Mutex::new(Inner {
            queue: VecDeque::new(),
            capacity,
            requests: Vec::new(),
            snapshot,
            restarting: false,
            gone: false,
            accepted: 0,
            settled: 0,
            losses: 0,
            written_before_loss: 0,
            taken_over: 0,
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
    pub(super) fn accept(
        &mut self,
        message: Message,
    ) -> Result<Option<Waker>, (Message, SendErrorReason)> {
        if self.gone {
            return Err((message, SendErrorReason::Gone));
        }
        if !self.snapshot.open {
            return Err((message, SendErrorReason::NotOpen));
        }
        if self.queue.len() + self.taken_over >= self.capacity {
            return Err((message, SendErrorReason::Full));
        }
        self.queue.push_back(message);
        self.accepted += 1;
        Ok(self.driver.take())
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

pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
