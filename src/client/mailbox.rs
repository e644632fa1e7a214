//! What handles and the driver share. The driver takes it in batches, so a lock is held for a
//! moment, a few times a poll.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

use super::{
    Message, SendErrorReason, Snapshot,
    flushes::Flushes,
    line::{Numbers, Queued},
    load::Load,
    queue::{Queue, Rules},
    requests::{Request, Requests},
    waiters::Waiters,
};
use crate::{Epoch, State};

/// How many messages are accepted before others have a turn at the lock.
const MOST_AT_ONCE: usize = 256;

pub(super) struct Mailbox(Mutex<Inner>);

pub(super) struct Inner {
    pub(super) queue: Queue,
    pub(super) requests: Requests,
    /// What the driver last knew.
    pub(super) snapshot: Snapshot,
    /// Whether a message would be given to a transport.
    pub(super) open: bool,
    /// The connection that is open, or was last.
    pub(super) epoch: Epoch,
    /// The application has resynchronised on it.
    pub(super) resynchronised: bool,
    /// A start was asked for that the snapshot does not show yet, and this was the last message
    /// before it.
    pub(super) restart: Option<u64>,
    /// The driver has been dropped.
    pub(super) gone: bool,
    /// Messages that made room and that the driver has not told of.
    pub(super) displaced: u64,
    pub(super) flushes: Flushes,
    /// Something is here that the driver has not looked at.
    mail: bool,
    /// The driver's task, while it has nothing to do.
    driver: Option<Waker>,
    /// Something has changed that handles' futures may wait for, since those were woken last. Only then
    /// are they: one that waits in the driver's own task would otherwise keep it running.
    changed: bool,
    /// Someone has come who waits for room, since all were woken last.
    awaited: bool,
    /// Handles' futures: whoever waits is woken by any change and looks again.
    pub(super) waiters: Waiters,
}

impl Mailbox {
    pub(super) fn new(rules: Rules, snapshot: Snapshot, open: bool, epoch: Epoch) -> Self {
        Self(Mutex::new(Inner {
            queue: Queue::new(rules),
            requests: Requests::default(),
            snapshot,
            open,
            epoch,
            resynchronised: false,
            restart: None,
            gone: false,
            displaced: 0,
            flushes: Flushes::new(),
            mail: false,
            driver: None,
            changed: false,
            awaited: false,
            waiters: Waiters::default(),
        }))
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here is left half-changed by a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn request(&self, request: Request) {
        let mut inner = self.lock();
        let woken = inner.add(request);
        drop(inner);
        woken.wake();
    }

    /// The application has resynchronised on this connection.
    pub(super) fn resynchronised(&self, epoch: Epoch) {
        let mut inner = self.lock();
        // It may be late, and the next connection is another one.
        let driver = match inner.open && inner.epoch == epoch {
            true => {
                inner.resynchronised = true;
                inner.alert()
            }
            false => None,
        };
        drop(inner);
        wake(driver);
    }

    /// Wakes all who wait for a change.
    pub(super) fn wake_waiting(&self) {
        let waiting = self.lock().take_waiters();
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Inner {
    fn add(&mut self, request: Request) -> Woken {
        let mut woken = Woken { driver: self.alert(), others: None };
        if request.starts() {
            self.restart.get_or_insert(self.queue.accepted());
        } else if request.stops() && self.requests.has_start() {
            self.restart = None;
            let waiting = self.take_waiters();
            woken.others = Some(Box::new(Others { waiting, ..Others::default() }));
        }
        self.requests.add(request);
        woken
    }

    /// Someone waits for room.
    pub(super) fn await_room(&mut self) {
        self.awaited = true;
    }

    /// Whether someone waits for the room that there is once all has been taken.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited && self.queue.is_empty()
    }

    /// One who has waited has gone. Answers its waker, to be dropped once the lock is free.
    pub(super) fn leave(&mut self, place: usize) -> Option<Waker> {
        let waker = self.waiters.leave(place);
        self.awaited &= self.has_waiters();
        waker
    }

    #[inline]
    fn has_waiters(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Whether something has changed, and someone is to be told.
    #[inline]
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.changed) && self.has_waiters()
    }

    /// Those who wait for a change, to be woken.
    pub(super) fn take_waiters(&mut self) -> Vec<Waker> {
        self.awaited = false;
        self.waiters.take_all()
    }

    /// This much of what was taken is with the transport, or given up.
    #[inline]
    pub(super) fn free(&mut self, gone: Load) {
        self.queue.free(gone);
        self.changed = true;
    }

    /// The same for what overtook the others.
    pub(super) fn free_ahead(&mut self, gone: Load) {
        self.queue.free_ahead(gone);
        self.changed = true;
    }

    /// What the driver knows, of the connection that is open or was last.
    pub(super) fn show(&mut self, snapshot: Snapshot, epoch: Epoch) {
        self.show_state(snapshot.state);
        self.snapshot = snapshot;
        self.epoch = epoch;
    }

    pub(super) fn show_state(&mut self, state: State) {
        self.changed |= self.snapshot.state != state;
        self.snapshot.state = state;
    }

    /// The number below which every message has been written or given up is at least this, but for the
    /// messages that wait here.
    #[inline]
    pub(super) fn settle(&mut self, number: u64) {
        let unsettled = number.min(self.queue.lowest()).min(self.queue.accepted() + 1);
        self.changed |= self.flushes.settle(unsettled);
    }

    /// What was asked for has been done.
    #[inline]
    pub(super) fn settle_restart(&mut self) {
        if self.restart.is_some() && !self.requests.has_start() {
            self.restart = None;
            self.changed = true;
        }
    }

    /// There is something for the driver. Answers its waker if it sleeps.
    fn alert(&mut self) -> Option<Waker> {
        self.mail = true;
        self.driver.take()
    }

    /// Accepts the message, or says why not, or that there is no room for now, and leaves it.
    #[inline]
    pub(super) fn accept(
        &mut self,
        message: &mut Option<Message>,
    ) -> Result<Woken, SendErrorReason> {
        if let Some(reason) = self.refusal() {
            return Err(reason);
        }
        let length = message.as_ref().map_or(0, Message::len);
        let others = match self.queue.has_room(length) {
            true => None,
            false => self.make_room(length)?,
        };
        if let Some(message) = message.take() {
            self.queue.push(message);
        }
        Ok(Woken { driver: self.alert(), others })
    }

    /// Accepts the first of these messages, as many as there is room for but not without end, or says
    /// why not even one, and leaves them.
    pub(super) fn accept_some(
        &mut self,
        messages: &mut VecDeque<Message>,
    ) -> Result<Woken, SendErrorReason> {
        if let Some(reason) = self.refusal() {
            return Err(reason);
        }
        let (mut accepted, mut displaced) = (0, Vec::new());
        loop {
            accepted += self.queue.push_all(messages, MOST_AT_ONCE - accepted);
            let Some(next) = messages.front().filter(|_| accepted < MOST_AT_ONCE) else { break };
            match self.queue.make_room(next.len()) {
                Ok(oldest) => displaced.extend(oldest),
                Err(reason) if accepted == 0 => return Err(reason),
                Err(_) => break,
            }
        }
        Ok(Woken { others: self.displace(displaced), driver: self.alert() })
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
        Ok(Woken { driver: self.alert(), others: None })
    }

    pub(super) fn is_open(&self) -> bool {
        self.open && !self.gone
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let backlog = self.queue.backlog();
        Snapshot { queued: backlog.messages, queued_bytes: backlog.bytes, ..self.snapshot }
    }

    #[inline]
    fn refusal(&self) -> Option<SendErrorReason> {
        if self.gone {
            return Some(SendErrorReason::Gone);
        }
        let accepts = match self.queue.rules() {
            Rules::WhileOpen { .. } => self.open,
            Rules::Keep(_) => {
                let over = matches!(self.snapshot.state, State::Idle | State::Closed(_));
                !over || self.restart.is_some()
            }
        };
        (!accepts).then_some(SendErrorReason::NotOpen)
    }

    #[cold]
    fn make_room(&mut self, length: usize) -> Result<Option<Box<Others>>, SendErrorReason> {
        let displaced = self.queue.make_room(length)?;
        Ok(self.displace(displaced))
    }

    /// These have made room for others.
    fn displace(&mut self, displaced: Vec<Queued>) -> Option<Box<Others>> {
        if displaced.is_empty() {
            return None;
        }
        self.displaced += displaced.len() as u64;
        self.lose(Numbers::among(&displaced), SendErrorReason::GivenUp);
        let waiting = self.take_waiters();
        Some(Box::new(Others { waiting, _displaced: displaced }))
    }

    /// These are lost: no flush of them can succeed.
    pub(super) fn lose(&mut self, lost: Numbers, reason: SendErrorReason) {
        if !lost.is_none() {
            self.flushes.lose(lost, reason);
            self.changed = true;
        }
    }

    /// Begins a flush of all that has been accepted, for one who has been told of so many losses.
    pub(super) fn begin_flush(&mut self, told: u64) -> u64 {
        self.flushes.begin(self.queue.accepted(), told)
    }

    /// The driver looks at all that is here.
    pub(super) fn look(&mut self) {
        self.mail = false;
    }

    /// Whether something has come since.
    pub(super) fn has_mail(&self) -> bool {
        self.mail
    }

    /// The driver is to be woken when something comes. Answers the waker that the task's own replaces.
    pub(super) fn sleep(&mut self, cx: &Context<'_>) -> Option<Waker> {
        match &self.driver {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            _ => self.driver.replace(cx.waker().clone()),
        }
    }

    /// The driver has been dropped. Answers what it leaves behind, to be dropped once the lock is free.
    pub(super) fn abandon(&mut self) -> (Option<Waker>, Vec<Queued>) {
        self.gone = true;
        let mut left = Vec::new();
        self.queue.clear(&mut left);
        (self.driver.take(), left)
    }
}

/// Whom a change concerns, to be woken once the lock is free: like what a payload does when it is
/// dropped, that is code of others.
#[must_use]
pub(super) struct Woken {
    driver: Option<Waker>,
    /// Rarely any.
    others: Option<Box<Others>>,
}

#[derive(Default)]
struct Others {
    waiting: Vec<Waker>,
    _displaced: Vec<Queued>,
}

impl Woken {
    #[inline]
    pub(super) fn wake(self) {
        if self.driver.is_some() || self.others.is_some() {
            self.wake_each();
        }
    }

    #[inline(never)]
    fn wake_each(self) {
        wake(self.driver);
        let waiting = self.others.map(|others| others.waiting).unwrap_or_default();
        waiting.into_iter().for_each(Waker::wake);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
