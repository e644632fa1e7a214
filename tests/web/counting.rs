//! Several endpoints and the machine itself, which counts the attempts.

use std::{
    cell::{Cell, RefCell},
    future::{Ready, ready},
    rc::Rc,
    time::Duration,
};

use futures::{FutureExt, StreamExt};
use steadfast::{
    Config, FailureKind, Seed,
    client::{Builder, Connection, Dial, DialContext, DialError, EndpointOrder, Failover},
    testing::{ManualClock, MemoryConn, MemoryPeer, pair},
};

/// What becomes of dials, and which there were.
#[derive(Default)]
struct World {
    opens: Cell<bool>,
    peer: RefCell<Option<MemoryPeer>>,
    dialed: RefCell<Vec<usize>>,
}

struct Endpoint(usize, Rc<World>);

impl Dial for Endpoint {
    type Conn = MemoryConn;
    type Error = DialError;
    type Future = Ready<Result<MemoryConn, DialError>>;

    fn dial(&mut self, _: DialContext) -> Self::Future {
        let Self(name, world) = self;
        world.dialed.borrow_mut().push(*name);
        if !world.opens.get() {
            return ready(Err(DialError::new(FailureKind::Refused, "as planned")));
        }
        let (conn, peer) = pair(4);
        *world.peer.borrow_mut() = Some(peer);
        ready(Ok(conn))
    }
}

struct Client {
    connection: Connection<Failover<Endpoint>, ManualClock>,
    clock: ManualClock,
    world: Rc<World>,
}

impl Client {
    fn new(order: EndpointOrder, seed: u64) -> Self {
        let (clock, world) = (ManualClock::new(), Rc::<World>::default());
        let endpoints = (0..3).map(|name| Endpoint(name, world.clone()));
        let dialer = Failover::new(endpoints).unwrap().with_order(order);
        let connection = Builder::new(dialer, clock.clone())
            .with_config(Config::builder().with_heartbeat(None).build().unwrap())
            .with_seed(Seed::new(seed))
            .build();
        Self { connection, clock, world }
    }

    /// Waits until there is one more dial, which opens or does not.
    fn dials(&mut self, opens: bool) -> usize {
        self.world.opens.set(opens);
        let before = self.world.dialed.borrow().len();
        for _ in 0..600 {
            self.settle();
            if let [.., last] = self.world.dialed.borrow()[before..] {
                return last;
            }
            self.clock.advance(Duration::from_secs(1));
        }
        panic!("no dial in ten minutes");
    }

    fn settle(&mut self) {
        while let Some(Some(_)) = self.connection.next().now_or_never() {}
    }

    /// An open connection is lost after this long.
    fn loses_after(&mut self, uptime: Duration) {
        self.settle();
        self.clock.advance(uptime);
        self.settle();
        drop(self.world.peer.take().expect("an open connection"));
        // It has noticed before the next dial is told what becomes of it.
        self.settle();
    }
}

const STABLE: Duration = Duration::from_secs(11);

#[test]
fn the_loss_of_a_stable_connection_is_told_by_the_number_of_the_attempt() {
    let mut client = Client::new(EndpointOrder::Listed, 1);
    // The first dial is under way as soon as the connection is made.
    assert_eq!(*client.world.dialed.borrow(), [0]);
    assert_eq!(client.dials(true), 1);
    client.loses_after(STABLE);
    assert_eq!((client.dials(false), client.dials(false), client.dials(true)), (0, 2, 1));
    client.loses_after(STABLE);
    assert_eq!(client.dials(true), 0);
}

#[test]
fn a_connection_that_was_not_stable_is_one_more_failure() {
    let mut client = Client::new(EndpointOrder::Listed, 1);
    assert_eq!(client.dials(true), 1);
    client.loses_after(Duration::from_secs(1));
    assert_eq!(client.dials(false), 2);
}

#[test]
fn a_start_after_a_stop_goes_to_the_preferred_endpoint() {
    let mut client = Client::new(EndpointOrder::Listed, 1);
    assert_eq!(client.dials(true), 1);
    client.settle();
    client.connection.stop();
    drop(client.world.peer.take());
    client.settle();
    client.connection.start();
    assert_eq!(client.dials(true), 0);
}

#[test]
fn the_same_seed_repeats_the_order_and_another_has_another() {
    let line = |seed| {
        let mut client = Client::new(EndpointOrder::Shuffled, seed);
        for _ in 0..8 {
            client.dials(false);
        }
        client.world.dialed.take()
    };
    assert_eq!(line(1), line(1));
    let first: std::collections::HashSet<_> = (0..40).map(|seed| line(seed)[0]).collect();
    assert_eq!(first.len(), 3, "every endpoint is the first of some client");
}
