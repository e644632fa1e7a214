//! The side of a split connection that one task polls.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{Sink, Stream};

use super::{
    Clock, Connection, Dial, Event, Handle, Message,
    mailbox::{Inner, Mailbox, Request, Snapshot},
};
use crate::{Command, Machine, State, StateMachine};

/// How often one poll goes back to the queue before it lets others run.
const REFILLS: usize = 16;

/// Drives a connection on behalf of its [`Handle`]s: the stream of its [`Event`]s.
///
/// Poll it in one task, to its end. Dropping it drops the socket and the messages that wait; the
/// handles then answer [`Gone`](super::SendErrorReason::Gone).
pub struct Driver<D: Dial, K, M = Machine> {
    connection: Connection<D, K, M>,
    mailbox: Arc<Mailbox>,
    /// Taken from the mailbox, not given to the transport yet.
    batch: VecDeque<Message>,
    /// How many messages have been taken from the mailbox altogether.
    taken: u64,
    published: Published,
}

/// What handles wait for. They are woken when it changes, and only then: one that waits in the
/// driver's own task would otherwise keep it running.
#[derive(Clone, Copy, PartialEq)]
struct Published {
    state: State,
    open: bool,
    taken: u64,
    taken_over: usize,
    settled: u64,
    losses: u64,
}

impl Published {
    fn of(inner: &Inner, taken: u64) -> Self {
        Self {
            state: inner.snapshot.state,
            open: inner.snapshot.open,
            taken,
            taken_over: inner.taken_over,
            settled: inner.settled,
            losses: inner.losses,
        }
    }
}

impl<D, K, M> Driver<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    /// The machine that it drives.
    pub fn machine(&self) -> &M {
        self.connection.machine()
    }

    pub(super) fn new(connection: Connection<D, K, M>, capacity: usize) -> (Handle, Self) {
        let mailbox = Arc::new(Mailbox::new(capacity, snapshot(&connection)));
        let handle = Handle::new(mailbox.clone());
        let published = Published::of(&mailbox.lock(), 0);
        (handle, Self { connection, mailbox, batch: VecDeque::new(), taken: 0, published })
    }

    /// Takes what the handles have left: messages first, for they were accepted on the connection
    /// that a request may end.
    fn serve(&mut self, cx: &mut Context<'_>) {
        let mut inner = self.mailbox.lock();
        inner.watch(cx);
        let requests = std::mem::take(&mut inner.requests);
        drop(inner);
        self.send(cx);
        for request in requests {
            match request {
                Request::Command(command) => self.connection.command(command),
                Request::StopWith(farewell) => self.connection.stop_with(farewell),
            }
        }
    }

    /// Gives messages to the connection as far as it has room.
    fn send(&mut self, cx: &mut Context<'_>) {
        for _ in 0..REFILLS {
            if self.batch.is_empty() && !self.refill() {
                return;
            }
            self.send_batch(cx);
            self.mailbox.lock().taken_over = self.batch.len();
            if !self.batch.is_empty() {
                // Room, or the end of the connection, wakes the task.
                return;
            }
        }
        cx.waker().wake_by_ref();
    }

    /// Takes what is in the queue, if it can be sent. Answers whether there was anything.
    fn refill(&mut self) -> bool {
        if !self.connection.is_open() {
            return false;
        }
        let mut inner = self.mailbox.lock();
        std::mem::swap(&mut self.batch, &mut inner.queue);
        inner.taken_over = self.batch.len();
        self.taken += self.batch.len() as u64;
        !self.batch.is_empty()
    }

    fn send_batch(&mut self, cx: &mut Context<'_>) {
        let mut connection = Pin::new(&mut self.connection);
        while !self.batch.is_empty() && connection.is_open() {
            if connection.as_mut().poll_ready(cx).is_pending() {
                return;
            }
            let Some(message) = self.batch.pop_front() else { return };
            if let Err(error) = connection.as_mut().start_send(message) {
                self.batch.extend(error.into_message());
                self.batch.rotate_right(1);
                return;
            }
        }
    }

    /// Lets the handles see what has become of the connection.
    fn publish(&mut self) {
        let snapshot = snapshot(&self.connection);
        let written = self.batch.is_empty()
            && self.connection.unflushed() == 0
            && self.connection.interrupted == 0;
        let mut inner = self.mailbox.lock();
        inner.snapshot = snapshot;
        inner.restarting = inner.requests.contains(&Request::Command(Command::Start));
        if written {
            inner.settled = self.taken;
        }
        let published = Published::of(&inner, self.taken);
        drop(inner);
        if std::mem::replace(&mut self.published, published) != published {
            self.mailbox.wake_waiting();
        }
    }

    /// The messages that will never be given to the transport that has just ended.
    fn unsent(&mut self) -> Vec<Message> {
        // Handles are told by the count of losses.
        self.connection.interrupted = 0;
        let mut inner = self.mailbox.lock();
        inner.snapshot.open = false;
        inner.losses += 1;
        inner.taken_over = 0;
        inner.written_before_loss = inner.settled;
        self.taken += inner.queue.len() as u64;
        inner.settled = self.taken;
        self.batch.drain(..).chain(inner.queue.drain(..)).collect()
    }
}

impl<D, K, M> Stream for Driver<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let this = self.get_mut();
        this.serve(cx);
        let mut polled = Pin::new(&mut this.connection).poll_next(cx);
        if let Poll::Ready(Some(Event::Down(down))) = &mut polled {
            down.unsent = this.unsent();
        }
        this.publish();
        polled
    }
}

impl<D: Dial, K, M> Drop for Driver<D, K, M> {
    fn drop(&mut self) {
        self.mailbox.lock().gone = true;
        self.mailbox.wake_waiting();
    }
}

impl<D: Dial, K, M: fmt::Debug> fmt::Debug for Driver<D, K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("connection", &self.connection).finish_non_exhaustive()
    }
}

fn snapshot<D, K, M>(connection: &Connection<D, K, M>) -> Snapshot
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    Snapshot { state: connection.state(), stats: connection.stats(), open: connection.is_open() }
}
