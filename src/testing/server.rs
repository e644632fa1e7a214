use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    fmt,
    future::{Future, pending},
    iter,
    rc::Rc,
};

use futures::{FutureExt, future::LocalBoxFuture};

use super::{
    Act, Answer, Faulty, ManualClock, MemoryConn, MemoryError, MemoryPeer, Observation, Observed,
    Plan, Spawner, VirtualTime,
    log::{Held, Log, Tap},
    memory::observed_pair,
    plan::shown,
};
use crate::{
    Instant,
    client::{Clock, Dial, DialContext, Frame, Message},
};

/// How many frames are under way in each direction before a writer waits.
const CAPACITY: usize = 16;

/// An in-memory server that does what its [`Plan`] says, in [`VirtualTime`], and records all it sees.
/// Clients reach it through its [`dialer`](Self::dialer).
///
/// The plan says what happens to each dial, which faults each connection has, and what the server
/// first does on it. Then a handler takes over, which speaks the application's protocol: an async
/// function that takes a [`MemoryPeer`]. Without one, the server reads, and answers Pings.
///
/// ```
/// use futures::{SinkExt, StreamExt};
/// use steadfast::{FailureKind, Seed, client::{Builder, Event, Message}};
/// use steadfast::testing::{Answer, Plan, RunError, Server, VirtualTime};
///
/// let mut time = VirtualTime::new();
/// let plan = Plan::new().then(Answer::refuse(FailureKind::Refused));
/// let server = Server::with_handler(&time, plan, |_context, mut peer| async move {
///     while let Some(message) = peer.recv_message().await {
///         peer.send_message(message).await;
///     }
/// });
/// let builder = Builder::new(server.dialer(), time.clock()).with_seed(Seed::new(1));
/// let mut connection = builder.build();
/// let answer = time.run(async {
///     loop {
///         match connection.next().await {
///             Some(Event::Up { .. }) => connection.send("echo?".into()).await.unwrap(),
///             Some(Event::Message(answer)) => break answer,
///             _ => {}
///         }
///     }
/// })?;
/// assert_eq!(answer, Message::text("echo?"));
/// assert_eq!(server.received(), [Message::text("echo?")]);
/// assert_eq!(server.dials().len(), 2);
/// # Ok::<(), RunError>(())
/// ```
#[derive(Clone)]
pub struct Server(Rc<Shared>);

struct Shared {
    clock: ManualClock,
    spawner: Spawner,
    plan: RefCell<Plan>,
    /// How many answers of the plan have been given.
    given: Cell<u64>,
    /// Answers to dials that were swallowed, by their places in the plan.
    returned: RefCell<BTreeMap<u64, Answer>>,
    dialed: Cell<u64>,
    /// The messages that are still expected from dials that have got their answers.
    expected: RefCell<BTreeMap<u64, VecDeque<Message>>>,
    handler: RefCell<Handler>,
    log: Log,
}

type Handler = Box<dyn FnMut(DialContext, MemoryPeer) -> LocalBoxFuture<'static, ()>>;

impl Server {
    /// A server that reads, and answers Pings, when the acts of its plan are done.
    pub fn new(time: &VirtualTime, plan: Plan) -> Self {
        Self::with_handler(time, plan, |_, mut peer| async move {
            while peer.recv_message().await.is_some() {}
        })
    }

    /// A server that hands each connection to `handler` when the acts of its plan are done.
    pub fn with_handler<F, Fut>(time: &VirtualTime, plan: Plan, mut handler: F) -> Self
    where
        F: FnMut(DialContext, MemoryPeer) -> Fut + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let handler: Handler = Box::new(move |context, peer| handler(context, peer).boxed_local());
        Self(Rc::new(Shared {
            clock: time.clock(),
            spawner: time.spawner(),
            plan: RefCell::new(plan),
            given: Cell::new(0),
            returned: RefCell::default(),
            dialed: Cell::new(0),
            expected: RefCell::default(),
            handler: RefCell::new(handler),
            log: Log::default(),
        }))
    }

    /// What reaches this server.
    pub fn dialer(&self) -> MemoryDialer {
        MemoryDialer(self.clone())
    }

    /// Adds an answer behind those that its plan still has, while it is running.
    pub fn then(&self, answer: Answer) {
        self.0.plan.borrow_mut().push(answer);
    }

    /// All it has seen, in order.
    pub fn log(&self) -> Vec<Observation> {
        self.0.log.with(|log| log.clone())
    }

    /// When which dials came.
    pub fn dials(&self) -> Vec<(Instant, DialContext)> {
        self.select(|seen| match seen.what {
            Observed::Dialed(context) => Some((seen.at, context)),
            _ => None,
        })
    }

    /// The messages that it has read.
    pub fn received(&self) -> Vec<Message> {
        self.select(|seen| match &seen.what {
            Observed::Received(Frame::Message(message)) => Some(message.clone()),
            _ => None,
        })
    }

    /// Holds the server to its plan at the end of a test: a message that
    /// [`Act::Expect`] still waits for when the run is over has disappointed nobody yet.
    ///
    /// # Panics
    ///
    /// If a message is still expected, from a client that has dialed or by an answer that no dial has
    /// got.
    #[track_caller]
    pub fn assert_played(&self) {
        let dialed = self.0.expected.borrow();
        let dialed = dialed.values().flatten().cloned();
        let (plan, returned) = (self.0.plan.borrow(), self.0.returned.borrow());
        let to_give = returned.values().chain(plan.answers()).flat_map(Answer::expected);
        let missing: Vec<_> = dialed.chain(to_give).map(|message| shown(Some(message))).collect();
        assert!(missing.is_empty(), "the script still expects {}", missing.join(", "));
    }

    /// How many dials and connections clients hold now.
    pub fn alive(&self) -> usize {
        self.alive_over_time().last().copied().unwrap_or(0)
    }

    /// The most that they ever held at once: one client, one.
    pub fn most_alive(&self) -> usize {
        self.alive_over_time().into_iter().max().unwrap_or(0)
    }

    fn alive_over_time(&self) -> Vec<usize> {
        let mut alive = 0_usize;
        self.select(|seen| {
            match seen.what {
                Observed::Dialed(_) => alive += 1,
                Observed::Dropped => alive = alive.saturating_sub(1),
                _ => return None,
            }
            Some(alive)
        })
    }

    fn select<T>(&self, pick: impl FnMut(&Observation) -> Option<T>) -> Vec<T> {
        self.0.log.with(|log| log.iter().filter_map(pick).collect())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("plan", &self.0.plan.borrow()).finish_non_exhaustive()
    }
}

impl Shared {
    /// The next answer, and its place in the plan if it has one.
    fn next_answer(&self) -> (Option<u64>, Answer) {
        if let Some((place, answer)) = self.returned.borrow_mut().pop_first() {
            return (Some(place), answer);
        }
        let mut plan = self.plan.borrow_mut();
        let Some(answer) = plan.next_answer() else { return (None, plan.last_resort()) };
        self.given.set(self.given.get() + 1);
        (Some(self.given.get()), answer)
    }

    /// What becomes of a dial, once that is settled. It may first be polled long after it began.
    async fn settle(
        &self,
        (dial, began): (u64, Instant),
        (place, answer): (Option<u64>, Answer),
    ) -> Answer {
        let settled = began.saturating_add(answer.delay());
        let outage = self.plan.borrow().next_outage(began);
        self.clock.sleep_until(settled.min(outage)).await;
        let Some(lost) = self.plan.borrow().outage(self.clock.now()) else { return answer };
        self.expected.borrow_mut().remove(&dial);
        if let Some(place) = place {
            self.returned.borrow_mut().insert(place, answer);
        }
        lost
    }

    async fn answer(
        self: Rc<Self>,
        context: DialContext,
        answer: Answer,
        held: Held,
    ) -> Result<Faulty<MemoryConn>, MemoryError> {
        let now = self.clock.now();
        match answer {
            Answer::Accept { faults, acts, .. } => {
                let faults = self.plan.borrow().faults(now, faults);
                let conn = self.open(context, acts, held);
                Ok(Faulty::new(conn, self.clock.clone(), faults))
            }
            Answer::Refuse { failure, .. } => {
                held.0.observe(Observed::Refused(failure));
                Err(MemoryError(failure))
            }
            Answer::Ignore => pending().await,
        }
    }

    fn open(self: &Rc<Self>, context: DialContext, acts: Vec<Act>, held: Held) -> MemoryConn {
        let (tap, dial) = (held.0.clone(), held.0.dial);
        tap.observe(Observed::Accepted);
        let (conn, peer) = observed_pair(CAPACITY, Some(held), Some(tap));
        let shared = self.clone();
        let acts = watched(self.clone(), dial, acts);
        self.spawner.spawn(format!("connection {dial}"), async move {
            if let Some(peer) = peer.play(&shared.clock, acts).await {
                let serving = (shared.handler.borrow_mut())(context, peer);
                serving.await;
            }
        });
        conn
    }
}

/// These acts, of which each is asked for when the one before it is done.
fn watched(shared: Rc<Shared>, dial: u64, acts: Vec<Act>) -> impl Iterator<Item = Act> {
    let (mut acts, mut done) = (acts.into_iter(), None);
    iter::from_fn(move || {
        if let Some(Act::Expect(_)) = done {
            shared.expected.borrow_mut().entry(dial).or_default().pop_front();
        }
        done = acts.next();
        done.clone()
    })
}

/// Dials a [`Server`].
///
/// ```
/// use steadfast::{client::Builder, testing::{Answer, Plan, Server, VirtualTime}};
///
/// let time = VirtualTime::new();
/// let server = Server::new(&time, Plan::new().finally(Answer::accept()));
/// let connection = Builder::new(server.dialer(), time.clock()).build();
/// ```
#[derive(Clone, Debug)]
pub struct MemoryDialer(Server);

impl Dial for MemoryDialer {
    type Conn = Faulty<MemoryConn>;
    type Error = MemoryError;
    type Future = LocalBoxFuture<'static, Result<Self::Conn, Self::Error>>;

    fn dial(&mut self, context: DialContext) -> Self::Future {
        let shared = self.0.0.clone();
        let (log, clock) = (shared.log.clone(), shared.clock.clone());
        let now = clock.now();
        shared.dialed.set(shared.dialed.get() + 1);
        let tap = Tap { log, clock, dial: shared.dialed.get(), epoch: context.epoch };
        tap.observe(Observed::Dialed(context));
        let swallowed = shared.plan.borrow().outage(now);
        let given = swallowed.map_or_else(|| shared.next_answer(), |lost| (None, lost));
        let dial = tap.dial;
        shared.expected.borrow_mut().insert(dial, given.1.expected().into());
        let held = Held(tap);
        let answering = async move {
            let answer = shared.settle((dial, now), given).await;
            shared.answer(context, answer, held).await
        };
        answering.boxed_local()
    }
}
