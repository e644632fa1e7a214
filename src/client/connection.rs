//! The connection: one value to poll.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, ready, stream::FusedStream};

use super::{
    Clock, CloseFrame, Dial, Event, Frame, HeartbeatMessage, Message, Outbox, SessionId,
    SharedError, Traffic,
    driver::Driver,
    handle::Handle,
    link::Link,
    log::Log,
    obey::Read,
    queue::Rules,
    requests::{Request, Requests},
    snapshot::Drops,
};
use crate::{Command, Failure, Instant, Machine, Network, Seed, State, StateMachine, Stats};

/// How many frames one poll takes before it lets others run.
pub(super) const BUDGET: usize = 64;

/// A connection that stays up: a [`Stream`] of [`Event`]s and a [`Sink`](futures::Sink) of [`Message`]s.
///
/// It does nothing unless it is polled: the stream drives everything, from dialing and the heartbeat
/// to the closing handshake, so keep polling it. The sink drives it, too, but only while it has to
/// wait; events that arise meanwhile are queued. The stream ends after [`Event::Closed`].
///
/// One task must poll both sides, because only the task that polled last is woken. For several tasks,
/// [`split`](Self::split) it into a [`Driver`] and [`Handle`]s; `StreamExt::split` would lose
/// wake-ups.
///
/// A message is accepted only between an [`Event::Up`] that the stream has delivered and the end
/// of that connection; otherwise it comes back in the [`SendError`](super::SendError). So nothing is
/// ever sent on a new connection before the application has had the chance to resynchronise.
///
/// Commands such as [`stop`](Self::stop) take effect at once, with one exception: if a deadline has
/// passed since the last poll, the next poll first reads what has arrived, and then carries them out.
///
/// Dropping one of its futures (`next()`, `send()`) loses nothing; dropping the connection drops the
/// socket.
pub struct Connection<D: Dial, K, M = Machine> {
    pub(super) machine: M,
    pub(super) dialer: D,
    pub(super) clock: K,
    pub(super) settings: Settings,
    pub(super) link: Link<D::Future, D::Conn>,
    pub(super) events: VecDeque<Event>,
    /// How many of the events are messages.
    pub(super) read_ahead: u32,
    /// What keeps messages from a connection that is open. Each `Up` among the events: until the
    /// application has been told of a connection that may be a new one, it cannot mean to send on
    /// it. And a stop among the late requests.
    pub(super) barriers: u32,
    /// What the transport said of its end, until the machine says what that means.
    pub(super) post_mortem: Option<Box<PostMortem>>,
    /// Messages that were accepted and not written when the last connection ended, until a flush
    /// has told of them.
    pub(super) interrupted: u64,
    /// What ended the last connection.
    pub(super) cause: Option<Failure>,
    /// Whether the machine has been called since the handles were last shown how it is.
    pub(super) called: bool,
    pub(super) drops: Drops,
    pub(super) traffic: Traffic,
    /// When a driver wants to look at its queue; `None` once it is time, too.
    pub(super) alarm: Option<Instant>,
    /// What to say when the application stops.
    pub(super) farewell: Option<Box<CloseFrame>>,
    /// What was asked while a deadline had passed that what is unread may speak against.
    pub(super) late: Option<Box<Requests>>,
}

/// What to do when reading has brought about something else than a message.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Then {
    GoOn,
    Stop,
}

/// What is settled when a connection is built.
pub(super) struct Settings {
    pub(super) session: SessionId,
    pub(super) seed: Seed,
    pub(super) log: Log,
    /// What is sent in place of Ping frames.
    pub(super) heartbeat: Option<Box<HeartbeatMessage>>,
    /// Whether messages are kept until they are flushed.
    pub(super) retain: bool,
}

#[derive(Default)]
pub(super) struct PostMortem {
    pub(super) error: Option<SharedError>,
    pub(super) close_reason: Option<String>,
    pub(super) unflushed: u64,
    pub(super) retained: Vec<Message>,
}

// Nothing in it is ever pinned in place: the dial's future has its own box.
impl<D: Dial, K, M> Unpin for Connection<D, K, M> {}

impl<D, K, M> Connection<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    pub(super) fn new(machine: M, dialer: D, clock: K, settings: Settings) -> Self {
        Self {
            machine,
            dialer,
            clock,
            settings,
            link: Link::None,
            events: VecDeque::new(),
            read_ahead: 0,
            barriers: 0,
            post_mortem: None,
            interrupted: 0,
            cause: None,
            called: true,
            drops: Drops::default(),
            traffic: Traffic::default(),
            alarm: None,
            farewell: None,
            late: None,
        }
    }

    /// The machine that it drives: see [`Builder::build_with`](super::Builder::build_with).
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The current time of this connection's clock. The time since [`Machine::since`] is how long it
    /// has been up or down.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The session id of this client, the same for all its connections.
    pub fn session(&self) -> SessionId {
        self.settings.session
    }

    /// The state of the machine.
    pub fn state(&self) -> State {
        self.machine.state()
    }

    /// Whether a message would be accepted.
    pub fn is_open(&self) -> bool {
        self.machine.state() == State::Open && self.barriers == 0
    }

    /// Counters and measurements.
    pub fn stats(&self) -> Stats {
        self.machine.stats()
    }

    /// How many accepted messages have not been written to the socket yet.
    pub fn unflushed(&self) -> u64 {
        match &self.link {
            Link::Up(up) => up.unflushed,
            Link::None | Link::Dialing(_) => 0,
        }
    }

    /// Connects, after [`stop`](Self::stop) or after it has given up.
    pub fn start(&mut self) {
        self.command(Command::Start);
    }

    /// Closes the connection with code 1000 and stops dialing. Poll the stream to its end, which
    /// comes within the close timeout, whatever the peer does.
    pub fn stop(&mut self) {
        self.command(Command::Stop);
    }

    /// Closes the connection with this code and reason, and stops dialing. A code that must not
    /// be sent (RFC 6455 §7.4) is replaced by 1000.
    pub fn stop_with(&mut self, farewell: CloseFrame) {
        self.request(Request::StopWith(farewell));
    }

    /// Ends the wait before the next dial, as far as the policy's floor and a server's
    /// `Retry-After` allow.
    pub fn retry_now(&mut self) {
        self.command(Command::RetryNow);
    }

    /// Pings the peer now, for example after the computer woke up.
    pub fn probe(&mut self) {
        self.command(Command::Probe);
    }

    /// Reports whether the platform believes that there is a network.
    pub fn set_network(&mut self, network: Network) {
        self.command(Command::Network(network));
    }

    /// Splits it into a driver, which one task polls, and a handle, which is cheap to clone and
    /// sends, closes and observes from anywhere. Up to `capacity` messages are queued between the
    /// two; zero counts as one.
    pub fn split(self, capacity: usize) -> (Handle, Driver<D, K, M>) {
        Driver::new(self, Rules::WhileOpen { capacity })
    }

    /// Splits it like [`split`](Self::split), with a queue that keeps messages while there is no
    /// connection.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use steadfast::{client::{Builder, DialContext, Outbox}, testing};
    ///
    /// # let dialer = |_: DialContext| async {
    /// #     Ok::<_, testing::MemoryError>(testing::pair(1).0)
    /// # };
    /// let connection = Builder::new(dialer, testing::ManualClock::new()).build();
    /// let (handle, _driver) = connection.split_with_outbox(Outbox::default());
    /// handle.try_send("there is no connection yet").unwrap();
    /// assert_eq!(handle.queued(), 1);
    /// # }
    /// ```
    pub fn split_with_outbox(self, outbox: Outbox) -> (Handle, Driver<D, K, M>) {
        Driver::new(self, Rules::Keep(outbox))
    }

    pub(super) fn command(&mut self, command: Command) {
        self.request(Request::Command(command));
    }

    /// The next event, whatever it is.
    #[inline(never)]
    fn poll_event(&mut self, cx: &mut Context<'_>, budget: usize) -> Poll<Option<Event>> {
        // Once a poll, so that a peer that never lets us wait cannot keep us from writing.
        if let Some(up) = self.link.up().filter(|up| up.has_to_write()) {
            let _ = up.poll_write(cx);
        }
        for _ in 0..budget {
            if let Some(event) = self.pop() {
                return Poll::Ready(Some(event));
            }
            if matches!(self.link, Link::None) && self.is_terminated() {
                return Poll::Ready(None);
            }
            if let Some(event) = ready!(self.poll_drive(cx)) {
                return Poll::Ready(Some(event));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once. Answers the message if one has come in, and otherwise, unless there is to be more,
    /// nothing.
    ///
    /// Nothing is read anywhere else: what the transport does for it is long, and becomes part of its
    /// caller only if there is no other.
    #[inline(never)]
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, then: Then) -> Poll<Option<Event>> {
        let Link::Up(up) = &mut self.link else { return self.poll_event(cx, BUDGET) };
        if then == Then::GoOn && !(up.is_calm() && up.writes(cx)) {
            return self.poll_event(cx, BUDGET);
        }
        let read = match Pin::new(&mut up.conn).poll_next(cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.into() {
                // Nearly always this: there is nothing to do but to count it.
                Frame::Message(message) if then == Then::GoOn => {
                    up.hears_calmly();
                    self.traffic.receive(&message);
                    return Poll::Ready(Some(Event::Message(message)));
                }
                frame => Poll::Ready(Some(Ok(frame))),
            },
            Poll::Ready(end) => Poll::Ready(end.and_then(Result::err).map(Err)),
            Poll::Pending => Poll::Pending,
        };
        self.poll_other(cx, read, then)
    }

    #[inline(never)]
    fn poll_other(
        &mut self,
        cx: &mut Context<'_>,
        read: Read<D::Conn>,
        then: Then,
    ) -> Poll<Option<Event>> {
        match (ready!(self.take(cx, read)), then) {
            (Some(message), _) => Poll::Ready(Some(Event::Message(message))),
            (None, Then::GoOn) => self.poll_event(cx, BUDGET - 1),
            (None, Then::Stop) => Poll::Ready(None),
        }
    }

    /// The next event that is already there.
    fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        match event {
            Event::Message(_) => self.read_ahead = self.read_ahead.saturating_sub(1),
            Event::Up { .. } => self.barriers = self.barriers.saturating_sub(1),
            _ => {}
        }
        // What is queued is rare, and a connection that is idle need not hold room for it. A message
        // is queued only while the sink drives, and then others follow.
        if self.events.is_empty() && !matches!(event, Event::Message(_)) {
            self.events = VecDeque::new();
        }
        Some(event)
    }
}

impl<D, K, M> Stream for Connection<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    type Item = Event;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let this = self.get_mut();
        this.poll_read(cx, Then::GoOn)
    }
}

impl<D, K, M> FusedStream for Connection<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    fn is_terminated(&self) -> bool {
        self.events.is_empty() && matches!(self.state(), State::Closed(_))
    }
}

impl<D: Dial, K, M: fmt::Debug> fmt::Debug for Connection<D, K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("machine", &self.machine).finish_non_exhaustive()
    }
}
