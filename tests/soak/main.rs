//! Many clients with outboxes over real sockets, and a server that keeps killing their connections:
//! no message is lost that an outbox accepted, and no socket, task or memory leaks. The moments are
//! the system's, so a run cannot be repeated exactly; what is checked holds in each.
//!
//! `STEADFAST_SOAK_CLIENTS=500 STEADFAST_SOAK_SECONDS=60` is the whole of it, in an optimised build.
#![cfg(feature = "tungstenite")]

mod book;
mod client;
mod kill;
mod letter;
mod record;
mod sending;
mod server;
mod settings;
mod watch;
mod wire;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use fastrand::Rng;
use futures::future::{Either, join_all, select};
use smol::{LocalExecutor, Timer};

use crate::{
    book::{Book, SharedBook},
    client::{Client, client},
    record::Tally,
    server::{Count, Server},
    settings::{Habits, Phase, Settings},
    watch::KIB,
};

/// How long all clients may take to settle and stop once the server is at peace.
const SETTLING: Duration = Duration::from_secs(30);

/// What the sets of tasks, sockets and timers keep of the room they once needed.
const LITTLE: usize = 256 * KIB;

struct Outcome {
    count: Count,
    /// What was held when all was calm, halfway and at the end.
    held: [usize; 2],
    peak: usize,
}

fn books(settings: Settings) -> Vec<SharedBook> {
    let book = |client| {
        let habits = Habits::of(client);
        Book::new(client, habits.outbox.release, habits.retains, settings.tickets())
    };
    (0..settings.clients).map(|client| Rc::new(RefCell::new(book(client)))).collect()
}

/// All of it, from the first dial until nothing is left.
fn soak(settings: Settings, books: &[SharedBook]) -> Outcome {
    let (before, executor) = (watch::memory(), Rc::new(LocalExecutor::new()));
    watch::forget_peak();
    let outcome = smol::block_on(executor.run(async {
        let phase = Rc::new(Cell::new(Phase::Storm));
        let server = Rc::new(Server::bind(books.to_vec(), phase.clone()).expect("a port"));
        let serving = executor.spawn(server.clone().serve(executor.clone()));
        let (mut clients, mut driving, mut working) = (Vec::new(), Vec::new(), Vec::new());
        for (index, book) in books.iter().enumerate() {
            let habits = Habits::of(index);
            let (client, drive) = client(index, &server.url(), habits, book.clone());
            driving.push(executor.spawn(drive));
            let rng = Rng::with_seed(index as u64);
            working.push(executor.spawn(client.clone().work(rng, phase.clone())));
            clients.push(client);
        }
        let mut held = [0; 2];
        for held in &mut held {
            phase.set(Phase::Storm);
            Timer::after(settings.duration / 2).await;
            phase.set(Phase::Calm);
            soon("all is calm", books, calm(&clients, &server)).await;
            *held = watch::memory();
        }
        drop(clients);
        phase.set(Phase::Over);
        soon("the clients have settled", books, join_all(working)).await;
        soon("the clients have stopped", books, join_all(driving)).await;
        let left = async {
            while server.count().sockets > 0 {
                Timer::after(Duration::from_millis(10)).await;
            }
        };
        soon("the server has no sockets", books, left).await;
        serving.cancel().await;
        assert_eq!(Rc::strong_count(&server), 1, "a task holds the server");
        Outcome { count: server.count(), held, peak: watch::peak_memory() - before }
    }));
    assert!(executor.is_empty(), "tasks are left");
    outcome
}

/// Each client has its one connection, and nothing under way.
async fn calm(clients: &[Rc<Client>], server: &Server) {
    while server.count().sockets != clients.len()
        || !clients.iter().all(|client| client.is_at_rest())
    {
        Timer::after(Duration::from_millis(10)).await;
    }
}

/// Waits for what must come soon. If it does not, the books may know why.
async fn soon<T>(what: &str, books: &[SharedBook], done: impl Future<Output = T>) -> T {
    match select(Box::pin(done), Timer::after(SETTLING)).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => {
            assert_no_faults(books);
            panic!("not within {SETTLING:?}: {what}");
        }
    }
}

fn total(books: &[SharedBook]) -> Tally {
    let mut total = Tally::default();
    for book in books {
        total.add(book.borrow().tally);
    }
    total
}

fn assert_no_faults(books: &[SharedBook]) {
    let faults = |book: &SharedBook| book.borrow().faults().to_vec();
    let faults: Vec<_> = books.iter().flat_map(faults).take(20).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// All that is tried must have happened, or nothing has been shown.
fn assert_busy(settings: Settings, total: Tally, count: Count, reconnects: usize) {
    let Tally { acknowledged, resent, unflushed, unsent, displaced, withdrawn, .. } = total;
    let happened = [acknowledged, resent, unflushed, unsent, displaced, withdrawn, count.refusals];
    assert!(!happened.contains(&0), "{total:?} {count:?}");
    let few = settings.clients / 2;
    assert!(count.kills > few as u64 && reconnects > few, "{count:?} {reconnects} reconnects");
    // A short run may be over before a half-open connection is found out.
    let is_short = settings.duration < Duration::from_secs(10);
    assert!(is_short || count.evictions > 0, "{count:?}");
}

#[test]
fn a_soak_loses_no_message_and_leaks_no_socket_task_or_memory() {
    let settings = Settings::from_environment();
    watch::allow_descriptors(4 * settings.clients as u64 + 64);
    // What the runtime makes once and keeps is nobody's fault.
    soak(Settings { clients: 1, duration: Duration::ZERO }, &books(settings)[..1]);
    let (books, descriptors) = (books(settings), watch::descriptors());
    let before = watch::memory();
    let Outcome { count, held, peak } = soak(settings, &books);
    let (after, descriptors_after) = (watch::memory(), watch::descriptors());

    let [halfway, end, left] = [held[0], held[1], after].map(|held| held.saturating_sub(before));
    let (total, kib) = (total(&books), |bytes: usize| bytes / KIB);
    let reconnects: usize = books.iter().map(|book| book.borrow().opens().max(1) - 1).sum();
    println!(
        "{} clients, {:?}: {} messages accepted, {} written, {} acknowledged, {} resent, \
         {} unflushed, {} unsent, {} displaced, {} withdrawn; {} kills, {} refusals, \
         {} evictions, {reconnects} reconnects; memory {} KiB halfway, {} KiB at the \
         end, {} KiB at most, {} KiB left; {} sockets of the server at most",
        settings.clients,
        settings.duration,
        total.accepted,
        total.given,
        total.acknowledged,
        total.resent,
        total.unflushed,
        total.unsent,
        total.displaced,
        total.withdrawn,
        count.kills,
        count.refusals,
        count.evictions,
        kib(halfway),
        kib(end),
        kib(peak),
        kib(left),
        count.most_sockets,
    );

    assert_no_faults(&books);
    assert_busy(settings, total, count, reconnects);
    assert!(books.iter().all(|book| book.borrow().live() == 0), "connections are left");
    assert!(books.iter().all(|book| Rc::strong_count(book) == 1), "somebody holds a book");
    match descriptors {
        Some(_) => assert_eq!(descriptors_after, descriptors, "sockets are left"),
        None => println!("NOT CHECKED: open sockets: there is no /proc/self/fd here"),
    }
    assert!(!books.iter().any(|book| book.borrow().is_full()), "a client has fallen silent");
    let kept = books.iter().all(|book| book.borrow().has_kept_its_size(settings.tickets()));
    assert!(kept, "a book has grown, so memory says nothing");
    // Queues and buffers keep the room that they have once needed.
    let slack = halfway / 16 + 256 * KIB;
    assert!(end < halfway + slack, "{} KiB, then {} KiB", kib(halfway), kib(end));
    assert!(left < LITTLE, "{} KiB are left", kib(left));
}
