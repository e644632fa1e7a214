//! However often a client is started, cloned, hurried or probed, and whatever that races with, a
//! real server sees one socket for each dial, and one in the end.
#![cfg(feature = "tungstenite")]

use std::{
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use async_tungstenite::tungstenite;
use futures::{StreamExt, executor::block_on};
use steadfast::{
    Backoff, Config, Network, Seed,
    client::{Event, Handle},
};

const INTERLEAVINGS: u64 = 1_000;

/// Drops as many sockets as it is told, and keeps the next ones open.
struct Server {
    address: std::net::SocketAddr,
    accepted: Arc<AtomicUsize>,
    to_drop: Arc<AtomicUsize>,
    kept: mpsc::Receiver<tungstenite::WebSocket<TcpStream>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, to_drop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (keep, kept) = mpsc::channel();
        let (count, drops) = (accepted.clone(), to_drop.clone());
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                let left = drops.load(Ordering::SeqCst);
                if left > 0 {
                    drops.store(left - 1, Ordering::SeqCst);
                } else if let Ok(open) = tungstenite::accept(socket) {
                    if keep.send(open).is_err() {
                        return;
                    }
                }
            }
        });
        Self { address, accepted, to_drop, kept }
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// The steps of a random walk (SplitMix64), so that a failure can be repeated as far as threads allow.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        u32::try_from((z ^ (z >> 31)) % u64::from(sides)).unwrap()
    }
}

/// Does to the handles whatever an eager application might.
fn pester(handles: &mut Vec<Handle>, dice: &mut Dice) {
    let any = dice.roll(handles.len().try_into().unwrap());
    let handle = &handles[usize::try_from(any).unwrap()];
    match dice.roll(7) {
        0 | 1 => handle.start(),
        2 | 3 => handle.retry_now(),
        4 => handle.probe(),
        5 => handle.set_network(Network::Online),
        _ => {
            let clone = handle.clone();
            handles.push(clone);
            handles.truncate(4);
        }
    }
}

/// One client, pestered from two threads until it is open and for a while after that.
fn interleave(server: &Server, seed: u64) {
    let mut dice = Dice(seed);
    let drops = usize::try_from(dice.roll(3)).unwrap();
    server.to_drop.store(drops, Ordering::SeqCst);
    let before = server.accepted();
    let floor = Duration::from_millis(1);
    let delay = floor + Duration::from_micros(dice.roll(1_000).into());
    let policy = Backoff::builder().with_floor(floor);
    let policy = policy.with_first(delay).with_base(delay).with_cap(2 * delay);
    // A network that comes back must not make it wait: there is enough to race with.
    let config = Config::builder().with_online_spread(Duration::ZERO).build().unwrap();
    let mut connection = steadfast::connect(&format!("ws://{}", server.address))
        .unwrap()
        .with_policy(policy.build().unwrap())
        .with_config(config)
        .with_seed(Seed::new(seed))
        .build();
    connection.start();
    let (handle, mut driver) = connection.split(4);

    let (opened, is_open) = mpsc::channel();
    let driving = thread::spawn(move || {
        block_on(async {
            let mut ups = 0;
            while let Some(event) = driver.next().await {
                if let Event::Up { .. } = event {
                    ups += 1;
                    opened.send(()).unwrap();
                }
            }
            ups
        })
    });
    let mut other = Dice(!seed);
    let mut others = vec![handle.clone()];
    let (finish, finished) = mpsc::channel::<()>();
    let pestering = thread::spawn(move || {
        while finished.try_recv() == Err(mpsc::TryRecvError::Empty) {
            pester(&mut others, &mut other);
            thread::yield_now();
        }
    });
    let mut handles = vec![handle.clone()];
    while is_open.try_recv().is_err() {
        pester(&mut handles, &mut dice);
        thread::yield_now();
    }
    for _ in 0..20 {
        pester(&mut handles, &mut dice);
    }
    drop(finish);
    pestering.join().unwrap();
    let mut kept = server.kept.recv().unwrap();
    handle.stop();
    while kept.read().is_ok() {}
    drop(kept);
    assert_eq!(driving.join().unwrap(), 1, "opened once, seed {seed}");

    let stats = handle.stats();
    assert_eq!((stats.dials, stats.opens), (drops as u64 + 1, 1), "seed {seed}");
    assert_eq!(server.accepted() - before, drops + 1, "sockets, seed {seed}");
    assert!(server.kept.try_recv().is_err(), "a second connection, seed {seed}");
}

#[test]
fn pestering_a_client_from_many_sides_never_opens_a_second_connection() {
    let server = Server::start();
    for seed in 0..INTERLEAVINGS {
        interleave(&server, seed);
    }
}

#[test]
fn starting_what_is_started_is_inapplicable_and_dials_no_more() {
    let server = Server::start();
    let mut connection = steadfast::connect(&format!("ws://{}", server.address)).unwrap().build();
    block_on(async {
        while !matches!(connection.next().await, Some(Event::Up { .. })) {}
        let before = connection.stats();
        connection.start();
        connection.start();
        assert_eq!(connection.stats().inapplicable, before.inapplicable + 2);
    });
    assert_eq!((server.accepted(), connection.stats().dials), (1, 1));
}
