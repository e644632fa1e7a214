//! A thousand connections that are dropped at once, and come back.

use std::{cell::Cell, rc::Rc, time::Duration};

use async_io::{Timer, block_on};
use futures::StreamExt;
use smol::LocalExecutor;
use steadfast::{
    client::Event,
    transport::{AsyncIoClock, Dialer},
};

use crate::{
    clients::{RETRY_AFTER, dial_with, dialer, drop_all, hourly, open_raw},
    clocks::{Rounds, Spent, Stopwatch},
    server::{ECHO, Server},
    table::{Limit, Table},
    times,
};

const CONNECTIONS: usize = 1_000;
const ROUNDS: usize = 41;
const BUFFER: usize = 4 << 10;
/// Each is a group of its own at the server.
const RAW: &str = "/echo/raw";
const OURS: &str = "/echo/ours";

type Opened = Rc<Cell<usize>>;

/// What one writes by hand.
async fn keep_raw(server: &Server, opened: Opened) {
    loop {
        if let Ok(mut socket) = open_raw(server, RAW, BUFFER).await {
            opened.set(opened.get() + 1);
            while let Some(Ok(_)) = socket.next().await {}
        }
        Timer::after(RETRY_AFTER).await;
    }
}

async fn keep(dialer: Dialer, opened: Opened) {
    let mut connection = dial_with(dialer, AsyncIoClock::new(), hourly());
    while let Some(event) = connection.next().await {
        if let Event::Up(_) = event {
            opened.set(opened.get() + 1);
        }
    }
}

/// Waits until so many more have been opened.
async fn until(opened: &Opened, count: usize) {
    while opened.get() < count {
        Timer::after(Duration::from_millis(1)).await;
    }
    opened.set(0);
}

pub(crate) fn measure(server: &Server, table: &mut Table) {
    let count = times(CONNECTIONS);
    let executor = LocalExecutor::new();
    let (raw, ours) = (Opened::default(), Opened::default());
    let buffer = BUFFER;
    let mut control = block_on(open_raw(server, ECHO, buffer)).expect("the server is there");
    let dialer = dialer(server, OURS, BUFFER);
    for _ in 0..count {
        executor.spawn(keep_raw(server, raw.clone())).detach();
        executor.spawn(keep(dialer.clone(), ours.clone())).detach();
    }
    block_on(executor.run(async {
        until(&raw, count).await;
        until(&ours, count).await;
    }));
    let mut drop_and_reopen = |path, opened: &Opened| -> Spent {
        block_on(executor.run(async {
            let stopwatch = Stopwatch::start();
            drop_all(&mut control, path).await;
            until(opened, count).await;
            stopwatch.each(count)
        }))
    };
    let drop_and_reopen = std::cell::RefCell::new(&mut drop_and_reopen);
    let rounds = Rounds::play(
        ROUNDS,
        || drop_and_reopen.borrow_mut()(RAW, &raw),
        || drop_and_reopen.borrow_mut()(OURS, &ours),
    );
    let processor = rounds.processor();
    let shown = |nanoseconds: f64| format!("{:.1} µs", nanoseconds / 1e3);
    let both = (shown(processor.raw), shown(processor.ours));
    table.add(
        "dropped and reopened: CPU / hand-written",
        both,
        processor.ratio,
        Limit::AtMost(1.1),
    );
}
