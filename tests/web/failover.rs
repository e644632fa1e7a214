//! Which endpoint is next, for a client that counts as the machine does.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    future::{Ready, ready},
    rc::Rc,
};

use futures::FutureExt;
use steadfast::{
    Credentials, Epoch, FailureKind,
    client::{Dial, DialContext, DialError, EndpointOrder, Failover, NoEndpoints},
    testing::{MemoryConn, pair},
};

/// One that answers at once.
#[derive(Clone)]
struct Endpoint {
    name: usize,
    opens: Rc<Cell<bool>>,
    dialed: Rc<RefCell<Vec<usize>>>,
}

impl Dial for Endpoint {
    type Conn = MemoryConn;
    type Error = DialError;
    type Future = Ready<Result<MemoryConn, DialError>>;

    fn dial(&mut self, _: DialContext) -> Self::Future {
        self.dialed.borrow_mut().push(self.name);
        let refused = || DialError::new(FailureKind::Refused, format!("endpoint {}", self.name));
        ready(self.opens.get().then(|| pair(1).0).ok_or_else(refused))
    }
}

/// A client with its counter.
struct Client {
    dialer: Failover<Endpoint>,
    opens: Rc<Cell<bool>>,
    dialed: Rc<RefCell<Vec<usize>>>,
    epoch: u64,
    attempt: u32,
    credentials: Credentials,
}

impl Client {
    fn new(count: usize, order: EndpointOrder) -> Self {
        Self::seeded(count, order, 0)
    }

    fn seeded(count: usize, order: EndpointOrder, seed: u64) -> Self {
        let (opens, dialed) = (Rc::new(Cell::new(false)), Rc::default());
        let endpoint = |name| Endpoint { name, opens: opens.clone(), dialed: Rc::clone(&dialed) };
        let dialer = Failover::new((0..count).map(endpoint)).unwrap().with_order(order);
        let credentials = Credentials::Current;
        Self { dialer, opens, dialed, epoch: seed << 32, attempt: 0, credentials }
    }

    fn dial(&mut self, opens: bool) -> usize {
        self.opens.set(opens);
        self.epoch += 1;
        let context = DialContext::new(Epoch::new(self.epoch), self.attempt, self.credentials)
            .with_entropy(steadfast::Seed::new(self.epoch).entropy(Epoch::new(1)));
        let dialed = self.dialer.dial(context).now_or_never().expect("at once");
        assert_eq!(dialed.is_ok(), opens);
        *self.dialed.borrow().last().unwrap()
    }

    /// A dial that fails.
    fn fails(&mut self) -> usize {
        let endpoint = self.dial(false);
        self.attempt += 1;
        endpoint
    }

    /// A connection that is lost before it was stable.
    fn drops(&mut self) -> usize {
        let endpoint = self.dial(true);
        self.attempt += 1;
        endpoint
    }

    /// A connection that is stable, and lost.
    fn loses(&mut self) -> usize {
        let endpoint = self.dial(true);
        self.attempt = 1;
        endpoint
    }

    /// A connection that the application stops, to start another.
    fn stops(&mut self) -> usize {
        let endpoint = self.dial(true);
        self.attempt = 0;
        endpoint
    }
}

fn both_orders() -> [EndpointOrder; 2] {
    [EndpointOrder::Listed, EndpointOrder::Shuffled]
}

#[test]
fn without_endpoints_there_is_nothing_to_dial() {
    assert!(matches!(Failover::<Endpoint>::new([]).err(), Some(NoEndpoints { .. })));
    let error = steadfast::connect_any([]).unwrap_err();
    assert_eq!(error.to_string(), "there is no endpoint to dial");
}

#[test]
fn a_list_of_urls_says_which_of_them_is_wrong() {
    let urls = ["ws://a.example", "http://b.example?token=c4n4ry"];
    let error = steadfast::connect_any(urls).unwrap_err();
    assert_eq!(error.to_string(), "URL 1, counted from 0, cannot be dialed");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the URL's scheme must be ws or wss");
}

#[test]
fn one_endpoint_alone_is_dialed_each_time() {
    for order in both_orders() {
        let mut client = Client::new(1, order);
        assert_eq!([client.fails(), client.loses(), client.drops(), client.stops()], [0; 4]);
    }
}

#[test]
fn the_first_dial_goes_to_the_first_of_the_list() {
    assert_eq!(Client::new(3, EndpointOrder::Listed).fails(), 0);
}

#[test]
fn each_failure_leads_to_the_next_and_round_again() {
    let mut client = Client::new(3, EndpointOrder::Listed);
    let dialed: Vec<_> = (0..7).map(|_| client.fails()).collect();
    assert_eq!(dialed, [0, 1, 2, 0, 1, 2, 0]);
}

#[test]
fn the_one_that_failed_is_never_the_next() {
    for (order, count, seed) in cases() {
        let mut client = Client::seeded(count, order, seed);
        let mut last = None;
        for step in 0..200 {
            let dialed = some_failure(&mut client, seed ^ step);
            assert_ne!(Some(dialed), last, "{order:?}, {count} endpoints, seed {seed}");
            last = Some(dialed);
        }
    }
}

#[test]
fn as_many_failures_in_a_row_as_there_are_endpoints_are_those_of_different_ones() {
    for (order, count, seed) in cases() {
        let mut client = Client::seeded(count, order, seed);
        let mut in_a_row = Vec::new();
        for step in 0..200 {
            // A stable connection ends the row, and its loss begins the next.
            let attempt = client.attempt;
            let dialed = some_failure(&mut client, seed ^ step);
            if client.attempt != attempt + 1 {
                in_a_row.clear();
            }
            in_a_row.push(dialed);
            let row = in_a_row.rchunks(count).next().unwrap();
            let different: HashSet<_> = row.iter().collect();
            assert_eq!(different.len(), row.len(), "{order:?}, {in_a_row:?}, seed {seed}");
        }
    }
}

fn cases() -> impl Iterator<Item = (EndpointOrder, usize, u64)> {
    both_orders()
        .into_iter()
        .flat_map(|order| (2..6).flat_map(move |k| (0..20).map(move |seed| (order, k, seed))))
}

fn some_failure(client: &mut Client, entropy: u64) -> usize {
    match steadfast::Seed::new(entropy).entropy(Epoch::new(9)) % 4 {
        // Only as the second or a later one is a loss told apart by its number.
        0 if client.attempt > 0 => client.loses(),
        1 => client.drops(),
        _ => client.fails(),
    }
}

#[test]
fn after_a_stable_connection_the_preferred_endpoint_is_first_again() {
    let mut client = Client::new(3, EndpointOrder::Listed);
    assert_eq!((client.fails(), client.fails(), client.loses()), (0, 1, 2));
    assert_eq!((client.fails(), client.fails(), client.fails()), (0, 1, 2));
}

#[test]
fn an_endpoint_whose_stable_connection_was_lost_is_tried_after_all_others() {
    let mut client = Client::new(4, EndpointOrder::Listed);
    assert_eq!((client.fails(), client.loses()), (0, 1));
    let dialed: Vec<_> = (0..5).map(|_| client.fails()).collect();
    assert_eq!(dialed, [0, 2, 3, 1, 0]);
}

#[test]
fn an_endpoint_that_accepts_and_drops_does_not_hide_the_others() {
    let mut client = Client::new(3, EndpointOrder::Listed);
    assert_eq!((client.fails(), client.drops(), client.loses()), (0, 1, 2));
}

#[test]
fn after_a_stop_the_endpoint_in_use_has_not_failed() {
    let mut client = Client::new(3, EndpointOrder::Listed);
    assert_eq!((client.stops(), client.stops()), (0, 0));
    assert_eq!((client.fails(), client.stops(), client.stops()), (0, 1, 0));
}

#[test]
fn a_start_after_a_dial_that_failed_goes_on_with_the_next() {
    let mut client = Client::new(3, EndpointOrder::Listed);
    let mut dialed = Vec::new();
    for _ in 0..4 {
        client.attempt = 0;
        dialed.push(client.fails());
    }
    assert_eq!(dialed, [0, 1, 2, 0]);
}

#[test]
fn after_the_first_connection_of_a_start_the_next_in_line_follows_even_if_it_was_stable() {
    let mut client = Client::new(3, EndpointOrder::Listed);
    assert_eq!((client.loses(), client.fails(), client.fails()), (0, 1, 2), "as if arranged anew");
    let mut client = Client::new(3, EndpointOrder::Listed);
    assert_eq!(client.fails(), 0);
    client.attempt = 0;
    assert_eq!((client.loses(), client.fails(), client.fails()), (1, 2, 0));
}

#[test]
fn fresh_credentials_go_to_the_endpoint_that_asked_for_them_once() {
    let mut client = Client::new(3, EndpointOrder::Listed);
    assert_eq!((client.fails(), client.fails()), (0, 1));
    client.credentials = Credentials::Refresh;
    assert_eq!((client.fails(), client.fails()), (1, 2));
}

#[test]
fn a_shuffle_spreads_clients_evenly_and_is_repeated_by_its_seed() {
    let first = |seed| Client::seeded(4, EndpointOrder::Shuffled, seed).fails();
    let mut counts = [0_u32; 4];
    (1..=4_000).for_each(|seed| counts[first(seed)] += 1);
    assert!(counts.iter().all(|count| (900..=1_100).contains(count)), "{counts:?}");
    let line = |seed| {
        let mut client = Client::seeded(5, EndpointOrder::Shuffled, seed);
        (0..5).map(|_| client.fails()).collect::<Vec<_>>()
    };
    let lines: HashSet<_> = (1..=2_000).map(line).collect();
    assert_eq!((line(7), lines.len()), (line(7), 120), "each order of five has its clients");
}

#[test]
fn an_error_is_the_endpoints_own() {
    let mut client = Client::new(2, EndpointOrder::Listed);
    for endpoint in ["endpoint 0", "endpoint 1"] {
        let context = DialContext::new(Epoch::new(1), client.attempt, Credentials::Current);
        let error = client.dialer.dial(context).now_or_never().unwrap().err().unwrap();
        assert_eq!(error.to_string(), endpoint);
        client.attempt += 1;
    }
}
