//! The side of a split connection that one task polls.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, MutexGuard},
    task::{Context, Poll, Waker},
};

use futures::Stream;

use super::{
    Clock, Connection, Dial, Event, Handle,
    deadlines::Deadlines,
    line::{Line, Numbers},
    load::Load,
    mailbox::{Inner, Mailbox},
    queue::Rules,
    taken::{Refilled, Taken},
};
use crate::{Instant, Machine, StateMachine, event::Event as Input};

/// How often whoever waits for room has a turn before what has been given to the transport is written.
const TURNS: u8 = 8;

/// How often one poll goes back to the queue before it lets others run.
const REFILLS: usize = 16;

/// Drives a connection on behalf of its [`Handle`]s: the stream of its [`Event`]s.
///
/// Poll it in one task, to its end. Dropping it drops the socket and the queued messages, unless you
/// [take](Self::into_unsent) them; the handles' sends then fail with
/// [`Gone`](super::SendErrorReason::Gone).
///
/// ```
/// # #[cfg(feature = "tungstenite")] {
/// use futures::StreamExt;
///
/// # async fn run() -> Result<(), steadfast::transport::UrlError> {
/// let (handle, mut driver) = steadfast::connect("ws://127.0.0.1:9001/feed")?.build().split(256);
/// while let Some(event) = driver.next().await {
///     println!("{event}"); // and `handle` sends, from any task
/// }
/// # drop(handle);
/// # Ok(())
/// # }
/// # }
/// ```
pub struct Driver<D: Dial, K, M = Machine> {
    pub(super) connection: Connection<D, K, M>,
    pub(super) mailbox: Arc<Mailbox>,
    /// Taken from the queue, not given to the transport yet.
    pub(super) taken: Taken,
    /// What was given to the transport since all of it was last written.
    pub(super) unwritten: Numbers,
    /// `None` if messages may wait for ever.
    deadlines: Option<Box<Deadlines>>,
    /// What the application is told before the events of the connection.
    pub(super) events: VecDeque<Event>,
    /// How often others have had a turn since the connection was last polled.
    turns: u8,
}

/// What became of a look at what the handles have left.
struct Served {
    /// When the next message expires.
    alarm: Option<Instant>,
    /// Whether there are requests.
    is_asked: bool,
    /// Whether someone waits for the room that there is.
    is_awaited: bool,
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

    pub(super) fn new(connection: Connection<D, K, M>, rules: Rules) -> (Handle, Self) {
        let (snapshot, open) = (connection.snapshot(), connection.is_open());
        let deadlines = rules.time_to_live().map(|it| Box::new(Deadlines::new(it)));
        let mailbox = Mailbox::new(rules, snapshot, open, connection.machine.epoch());
        let mailbox = Arc::new(mailbox);
        let handle = Handle::new(mailbox.clone());
        let driver = Self {
            connection,
            mailbox,
            taken: Taken::default(),
            unwritten: Numbers::NONE,
            deadlines,
            events: VecDeque::new(),
            turns: 0,
        };
        (handle, driver)
    }

    /// Takes what the handles have left: messages first, for they were accepted on the connection
    /// that a request may end.
    fn serve(&mut self, cx: &mut Context<'_>) -> Served {
        let Self { connection, mailbox, taken, deadlines, .. } = self;
        // The clock is code of others.
        let looks = deadlines.as_mut().map(|deadlines| (deadlines, connection.clock.now()));
        let is_open = connection.is_open();
        let mut inner = mailbox.lock();
        inner.look();
        let displaced = std::mem::take(&mut inner.displaced);
        let is_asked = !inner.requests.is_empty();
        let until = if is_asked { inner.queue.accepted() } else { 0 };
        // What may have waited too long is looked at before it is taken.
        if let Some((deadlines, now)) = looks {
            connection.alarm = taken.expire(&mut inner, deadlines, now);
        }
        let alarm = connection.alarm;
        let refilled = if is_open { taken.refill(&mut inner) } else { Refilled::Nothing };
        drop(inner);
        if displaced > 0 || !taken.expired.is_empty() {
            self.tell_given_up(displaced);
        }
        let is_awaited = match refilled {
            Refilled::Nothing => false,
            Refilled::Awaited => true,
            Refilled::One => {
                self.send_taken(cx);
                false
            }
            Refilled::Crowd => self.send_crowd(cx, until),
        };
        Served { alarm, is_asked, is_awaited }
    }

    /// Does what handles have asked for. What has come in speaks against time that has passed, so that
    /// `has_read` goes first; answers `false` if it has not. And an end is told, with the fate of what
    /// was accepted before it, before there is a new start.
    fn obey_requests(&mut self, has_read: bool) -> bool {
        loop {
            let now = self.connection.clock.now();
            if self.connection.is_overdue(now) && !self.ends_dial() {
                if !has_read {
                    return false;
                }
                self.connection.handle(now, Input::Tick);
            }
            if self.connection.has_untold_end() {
                return true;
            }
            let request = self.mailbox.lock().requests.pop();
            let Some(request) = request else { return true };
            if request.starts() {
                // What was accepted for the time that is over is not for the one to come.
                let unsent = self.give_up();
                self.events.extend(unsent);
            }
            self.connection.obey_request(now, request);
        }
    }

    fn ends_dial(&self) -> bool {
        let inner = self.mailbox.lock();
        inner.requests.next().is_some_and(|request| self.connection.is_end_of_dial(request))
    }

    /// Gives messages to the connection as far as it has room: those up to `until`, and more for a
    /// while. Answers whether all are given and someone waits for the room that this has made.
    fn send_crowd(&mut self, cx: &mut Context<'_>, until: u64) -> bool {
        for refills in 1.. {
            self.send_taken(cx);
            // Room, or the end of the connection, wakes the task.
            if !self.taken.is_empty() {
                return false;
            }
            let next = || self.mailbox.lock().queue.lowest();
            if refills >= REFILLS && next() > until {
                break;
            }
            // What is accepted from now on wakes the task, too: to look for that at once is worth it
            // only in a crowd.
            match self.refill() {
                Refilled::Nothing => return false,
                Refilled::Awaited => return true,
                Refilled::One => {
                    self.send_taken(cx);
                    return false;
                }
                Refilled::Crowd => {}
            }
        }
        cx.waker().wake_by_ref();
        false
    }

    /// Takes what is in the queue, if it can be sent.
    fn refill(&mut self) -> Refilled {
        match self.connection.is_open() {
            true => {
                let mut inner = self.mailbox.lock();
                self.taken.settle(&mut inner);
                self.taken.refill(&mut inner)
            }
            false => Refilled::Nothing,
        }
    }

    fn send_taken(&mut self, cx: &mut Context<'_>) {
        if !self.taken.ahead.is_empty() {
            let Taken { ahead, given_ahead, .. } = &mut self.taken;
            self.connection.send_line(cx, ahead, given_ahead, &mut self.unwritten);
        }
        if self.taken.ahead.is_empty() {
            let Taken { batch, given, .. } = &mut self.taken;
            self.connection.send_line(cx, batch, given, &mut self.unwritten);
        }
    }

    /// Lets the handles see what has become of the connection.
    fn publish(&mut self, cx: &Context<'_>, sleeps: bool) {
        if self.connection.unflushed() == 0 && self.connection.interrupted == 0 {
            self.unwritten = Numbers::NONE;
        }
        let mut inner = self.mailbox.lock();
        self.taken.settle(&mut inner);
        self.connection.update(&mut inner);
        inner.settle_restart();
        inner.settle(self.unwritten.lowest.min(self.taken.lowest()));
        let has_news = inner.take_news();
        if sleeps || has_news {
            publish_aloud(cx, inner, sleeps, has_news);
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut has_read = false;
        loop {
            let Served { alarm, is_asked, is_awaited } = self.serve(cx);
            let waits = is_asked && !self.obey_requests(has_read);
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Some(event));
            }
            // More is about to come: to write and to read takes a system call each.
            if is_awaited && !waits && self.turns < TURNS {
                self.turns += 1;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.turns = 0;
            match Pin::new(&mut self.connection).poll_next(cx) {
                message @ Poll::Ready(Some(Event::Message(_))) => return message,
                Poll::Ready(event) => return Poll::Ready(self.told(event)),
                Poll::Pending if waits => has_read = true,
                Poll::Pending if self.connection.alarm != alarm => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// What the application is told at an event of the connection.
    #[inline(never)]
    fn told(&mut self, event: Option<Event>) -> Option<Event> {
        match event {
            Some(Event::Down(mut down)) => {
                down.unsent = self.unsent();
                Some(Event::Down(down))
            }
            over @ (Some(Event::Closed { .. }) | None) => match self.give_up() {
                Some(unsent) => {
                    self.events.extend(over);
                    Some(unsent)
                }
                None => over,
            },
            event => event,
        }
    }
}

/// Wakes who is to know of it, and has itself woken by what is still to come.
#[inline(never)]
fn publish_aloud(cx: &Context<'_>, mut inner: MutexGuard<'_, Inner>, sleeps: bool, has_news: bool) {
    let waiting = if has_news { inner.take_waiters() } else { Vec::new() };
    let has_mail = inner.has_mail();
    let replaced = if sleeps && !has_mail { inner.sleep(cx) } else { None };
    drop(inner);
    drop(replaced);
    waiting.into_iter().for_each(Waker::wake);
    if sleeps && has_mail {
        cx.waker().wake_by_ref();
    }
}

impl<D, K, M> Connection<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    /// Gives messages to the transport as far as it has room, and tells what that has come to.
    #[inline(never)]
    fn send_line(
        &mut self,
        cx: &mut Context<'_>,
        line: &mut Line,
        given: &mut Load,
        unwritten: &mut Numbers,
    ) {
        let (messages, bytes) = (line.len(), self.traffic.bytes_sent);
        let mut lowest = line.lowest();
        while !line.is_empty() && self.poll_room(cx) == Poll::Ready(true) {
            let Some(room) = self.room() else { break };
            if room.is_flushed() {
                (*unwritten, lowest) = (Numbers::NONE, line.lowest());
            }
            room.give_next(cx, line);
        }
        let messages = messages - line.len();
        if messages > 0 {
            *unwritten = unwritten.and(line.popped(lowest));
            let bytes = usize::try_from(self.traffic.bytes_sent - bytes).unwrap_or(usize::MAX);
            given.add(Load { messages, bytes });
        }
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
        let polled = this.poll_event(cx);
        // Whoever has been told something comes back for more.
        this.publish(cx, !matches!(polled, Poll::Ready(Some(_))));
        polled
    }
}

impl<D: Dial, K, M> Drop for Driver<D, K, M> {
    fn drop(&mut self) {
        let left = self.mailbox.lock().abandon();
        drop(left);
        self.mailbox.wake_waiting();
    }
}

impl<D: Dial, K, M: fmt::Debug> fmt::Debug for Driver<D, K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("connection", &self.connection).finish_non_exhaustive()
    }
}
