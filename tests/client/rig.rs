//! What the tests stand on: a scripted dialer, and a task that polls only when it was woken.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::{Future, pending},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures::{FutureExt, Sink, Stream, StreamExt};
use steadfast::{
    Backoff, Config, FailureKind, Instant, Jitter, Seed,
    client::{
        Builder, Conn, Connection, Dial, DialContext, DialError, Down, Driver, Event, Frame,
        Handle, Message, Outbox,
    },
    testing::{ManualClock, MemoryConn, MemoryPeer, pair},
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const NANOSECOND: Duration = Duration::from_nanos(1);

/// What becomes of a dial. Without a plan it never answers.
enum Plan<C> {
    Accept(C),
    Fail(FailureKind),
}

pub(crate) struct Dials<C> {
    plans: VecDeque<Plan<C>>,
    /// What each dial was told.
    pub(crate) contexts: Vec<DialContext>,
    /// How many are alive.
    pub(crate) under_way: usize,
}

pub(crate) struct Dialer<C>(Rc<RefCell<Dials<C>>>);

struct UnderWay<C>(Rc<RefCell<Dials<C>>>);

impl<C> Drop for UnderWay<C> {
    fn drop(&mut self) {
        self.0.borrow_mut().under_way -= 1;
    }
}

impl<C: Conn + 'static> Dial for Dialer<C> {
    type Conn = C;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<C, DialError>>>>;

    fn dial(&mut self, context: DialContext) -> Self::Future {
        let mut dials = self.0.borrow_mut();
        dials.contexts.push(context);
        dials.under_way += 1;
        let under_way = UnderWay(self.0.clone());
        Box::pin(async move {
            let plan = under_way.0.borrow_mut().plans.pop_front();
            match plan {
                Some(Plan::Accept(conn)) => Ok(conn),
                Some(Plan::Fail(kind)) => Err(DialError::new(kind, "as planned")),
                None => pending().await,
            }
        })
    }
}

pub(crate) struct Woken(AtomicBool);

impl Woken {
    /// Already woken: a task is polled once, before it waits.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub(crate) type Client<C = MemoryConn> = Connection<Dialer<C>, ManualClock>;

/// A task with a connection, or its driver, in it.
pub(crate) struct Rig<S = Client, C = MemoryConn> {
    pub(crate) it: S,
    pub(crate) clock: ManualClock,
    pub(crate) dials: Rc<RefCell<Dials<C>>>,
    woken: Arc<Woken>,
}

/// A task with a driver in it.
pub(crate) type DriverRig<C = MemoryConn> = Rig<Driver<Dialer<C>, ManualClock>, C>;

/// Waits of 1, 2, 4 … s, without jitter.
pub(crate) fn policy() -> Backoff {
    let builder = Backoff::builder().with_jitter(Jitter::None).with_base(SECOND);
    builder.with_first(SECOND).build().unwrap()
}

impl<C: Conn + Unpin + 'static> Rig<Client<C>, C> {
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), policy())
    }

    pub(crate) fn with(config: Config, policy: Backoff) -> Self {
        Self::built(|builder| builder.with_config(config).with_policy(policy))
    }

    pub(crate) fn retaining() -> Self {
        Self::built(|builder| builder.retain_unflushed())
    }

    pub(crate) fn built(
        change: impl FnOnce(Builder<Dialer<C>, ManualClock>) -> Builder<Dialer<C>, ManualClock>,
    ) -> Self {
        let dials = Dials { plans: VecDeque::new(), contexts: Vec::new(), under_way: 0 };
        let dials = Rc::new(RefCell::new(dials));
        let clock = ManualClock::new();
        let builder = Builder::new(Dialer(dials.clone()), clock.clone()).with_policy(policy());
        let connection = change(builder).with_seed(Seed::new(1)).build();
        Self { it: connection, clock, dials, woken: Woken::new() }
    }

    pub(crate) fn split(self, capacity: usize) -> (Handle, DriverRig<C>) {
        self.split_by(|connection| connection.split(capacity))
    }

    pub(crate) fn split_with_outbox(self, outbox: Outbox) -> (Handle, DriverRig<C>) {
        self.split_by(|connection| connection.split_with_outbox(outbox))
    }

    fn split_by(
        self,
        split: impl FnOnce(Client<C>) -> (Handle, Driver<Dialer<C>, ManualClock>),
    ) -> (Handle, DriverRig<C>) {
        let Self { it, clock, dials, .. } = self;
        let (handle, it) = split(it);
        // A new task is polled once before it waits.
        (handle, Rig { it, clock, dials, woken: Woken::new() })
    }
}

impl Rig {
    /// An open connection and its peer.
    pub(crate) fn open() -> (Self, MemoryPeer) {
        let mut rig = Self::new();
        let peer = rig.listen();
        assert_eq!(rig.told(), ["dialing 0", "up"]);
        (rig, peer)
    }

    /// Reconnects after a drop, and has told of it.
    pub(crate) fn reopen(&mut self) -> MemoryPeer {
        let peer = self.listen();
        let told = self.pass(SECOND);
        assert_eq!(told.last().map(String::as_str), Some("up again"), "{told:?}");
        peer
    }
}

impl Rig<()> {
    /// The world without the connection, which is in use elsewhere.
    pub(crate) fn outside(clock: ManualClock, dials: Rc<RefCell<Dials<MemoryConn>>>) -> Self {
        Self { it: (), clock, dials, woken: Woken::new() }
    }
}

impl<S> Rig<S> {
    /// Lets the next dial succeed.
    pub(crate) fn listen(&self) -> MemoryPeer {
        let (conn, peer) = pair(16);
        self.accept(conn);
        peer
    }
}

impl<S, C> Rig<S, C> {
    /// Lets the next dial succeed with `conn`.
    pub(crate) fn accept(&self, conn: C) {
        self.dials.borrow_mut().plans.push_back(Plan::Accept(conn));
    }

    /// Lets the next dial fail.
    pub(crate) fn refuse(&self, kind: FailureKind) {
        self.dials.borrow_mut().plans.push_back(Plan::Fail(kind));
    }

    /// Does something in the task itself, which polls afterwards.
    pub(crate) fn ask<R>(&mut self, ask: impl FnOnce(&mut S) -> R) -> R {
        self.woken.0.store(true, Ordering::SeqCst);
        ask(&mut self.it)
    }

    /// Polls something of it with the task's waker.
    pub(crate) fn poll<R>(&mut self, poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> R) -> R
    where
        S: Unpin,
    {
        let waker = Waker::from(self.woken.clone());
        poll(Pin::new(&mut self.it), &mut Context::from_waker(&waker))
    }

    /// Whether the task has been woken since it was last polled by [`events`](Self::events).
    pub(crate) fn take_woken(&mut self) -> bool {
        self.woken.take()
    }
}

impl<S: Stream<Item = Event> + Unpin, C> Rig<S, C> {
    /// Runs the task until nothing wakes it any more.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut polls = 0;
        while self.take_woken() {
            polls += 1;
            assert!(polls < 10_000, "a busy loop: {:?}", events.last());
            match self.poll(|mut it, cx| it.poll_next_unpin(cx)) {
                Poll::Ready(Some(event)) => {
                    events.push(event);
                    self.ask(|_| ());
                }
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        events
    }

    /// [`events`](Self::events), in words.
    pub(crate) fn told(&mut self) -> Vec<String> {
        self.events().iter().map(tell).collect()
    }

    /// The one event that the task tells.
    pub(crate) fn one(&mut self) -> Event {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    /// The one `Down` among what the task tells.
    pub(crate) fn down(&mut self) -> Down {
        let events = self.events();
        let mut downs = events.iter().filter_map(|event| match event {
            Event::Down(down) => Some(down.clone()),
            _ => None,
        });
        let down = downs.next().unwrap_or_else(|| panic!("no Down in {events:?}"));
        assert!(downs.next().is_none(), "{events:?}");
        *down
    }

    /// Lets time pass, from one alarm to the next.
    pub(crate) fn pass(&mut self, by: Duration) -> Vec<String> {
        let until = steadfast::client::Clock::now(&self.clock).saturating_add(by);
        let mut told = self.told();
        while let Some(alarm) = self.clock.next_alarm().filter(|alarm| *alarm <= until) {
            self.clock.advance_to(alarm);
            told.extend(self.told());
        }
        self.clock.advance_to(until);
        told.extend(self.told());
        told
    }

    /// Lets time pass in one leap.
    pub(crate) fn leap(&mut self, by: Duration) -> Vec<String> {
        self.clock.advance(by);
        self.told()
    }

    pub(crate) fn now(&self) -> Instant {
        steadfast::client::Clock::now(&self.clock)
    }
}

impl<S: Sink<Message> + Unpin, C> Rig<S, C> {
    pub(crate) fn poll_ready(&mut self) -> Poll<Result<(), S::Error>> {
        self.poll(|it, cx| it.poll_ready(cx))
    }

    pub(crate) fn poll_flush(&mut self) -> Poll<Result<(), S::Error>> {
        self.poll(|it, cx| it.poll_flush(cx))
    }

    pub(crate) fn start_send(&mut self, text: &str) -> Result<(), S::Error> {
        Pin::new(&mut self.it).start_send(Message::text(text))
    }

    /// Accepts messages until there is no room.
    pub(crate) fn fill(&mut self) -> usize {
        let mut sent = 0;
        while let Poll::Ready(ready) = self.poll_ready() {
            assert!(ready.is_ok() && self.start_send("filler").is_ok());
            sent += 1;
            assert!(sent < 1_000, "there is no back-pressure");
        }
        sent
    }
}

/// An event in words.
pub(crate) fn tell(event: &Event) -> String {
    match event {
        Event::Dialing { attempt } => format!("dialing {attempt}"),
        Event::Up(up) if !up.reconnected => "up".to_owned(),
        Event::Up { .. } => "up again".to_owned(),
        Event::Message(message) => {
            format!("message {}", String::from_utf8_lossy(message.as_bytes()))
        }
        Event::RoundTrip(round_trip) => format!("round trip {round_trip:?}"),
        Event::Down(down) => match down.failure {
            Some(failure) => format!("down: {failure}"),
            None => "down: stopped".to_owned(),
        },
        Event::DialFailed(failed) => format!("dial failed: {}", failed.failure),
        Event::Unsent(unsent) => format!("unsent: {unsent}"),
        Event::Rescheduled { .. } => "rescheduled".to_owned(),
        Event::Closed { reason } => format!("closed: {reason}"),
        other => panic!("an event that the tests do not know: {other}"),
    }
}

/// A frame in words.
pub(crate) fn show(frame: &Frame) -> String {
    match frame {
        Frame::Message(message) => String::from_utf8_lossy(message.as_bytes()).into_owned(),
        Frame::Ping(_) => "ping".to_owned(),
        Frame::Pong(_) => "pong".to_owned(),
        Frame::Part => "part".to_owned(),
        Frame::Close(None) => "close".to_owned(),
        Frame::Close(Some(close)) => {
            format!("close {} {}", close.code.get(), close.reason).trim_end().to_owned()
        }
    }
}

/// All that a peer can read now, in words.
pub(crate) fn heard(peer: &mut MemoryPeer) -> Vec<String> {
    std::iter::from_fn(|| peer.try_recv()).map(|frame| show(&frame)).collect()
}

/// Lets a peer send a frame that there is room for.
pub(crate) fn say(peer: &mut MemoryPeer, frame: Frame) {
    assert_eq!(peer.send(frame).now_or_never(), Some(true), "the peer has no room");
}

/// Lets a peer send a text message.
pub(crate) fn text(peer: &mut MemoryPeer, text: &str) {
    say(peer, Frame::Message(Message::text(text)));
}
