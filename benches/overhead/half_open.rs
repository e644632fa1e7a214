//! A peer that is there and says nothing: how long after its time has run out that is known.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use async_io::{Timer, block_on};
use futures::StreamExt;
use smol::LocalExecutor;
use steadfast::client::Event;

use crate::{
    beating::{Beats, beat_raw},
    clients::{dial, open_raw, until_up, with_heartbeat},
    server::{DEAF, Server},
    table::{Limit, Table},
    times,
};

const INTERVAL: Duration = Duration::from_millis(150);
const PONG_TIMEOUT: Duration = Duration::from_millis(100);
const CONNECTIONS: usize = 60;
const BUFFER: usize = 4 << 10;

pub(crate) fn measure(server: &Server, table: &mut Table) {
    let (raw, ours) = (RefCell::default(), RefCell::default());
    let executor = LocalExecutor::new();
    let count = times(CONNECTIONS);
    block_on(executor.run(async {
        let mut tasks = Vec::new();
        for _ in 0..count {
            tasks.push(executor.spawn(lateness_raw(server, &raw)));
            tasks.push(executor.spawn(lateness(server, &ours)));
            // Each has its own moment.
            Timer::after(Duration::from_millis(7)).await;
        }
        for task in tasks {
            task.await;
        }
    }));
    let (raw, ours) = (nearly_all(raw.take()), nearly_all(ours.take()));
    let shown = |milliseconds: f64| format!("{milliseconds:.2} ms");
    let both = (shown(raw), shown(ours));
    table.add("half-open: ms after the deadline, p95", both, ours, Limit::AtMost(5.0));
}

/// The 95th percentile.
fn nearly_all(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * 95 / 100]
}

async fn lateness_raw(server: &Server, late: &RefCell<Vec<f64>>) {
    let socket = open_raw(server, DEAF, BUFFER).await.expect("the server is there");
    let deadline = Instant::now() + INTERVAL + PONG_TIMEOUT;
    beat_raw(socket, INTERVAL, PONG_TIMEOUT, Beats::default()).await;
    late.borrow_mut().push(milliseconds_after(deadline));
}

async fn lateness(server: &Server, late: &RefCell<Vec<f64>>) {
    let config = with_heartbeat(INTERVAL, PONG_TIMEOUT);
    let mut connection = dial(server, DEAF, BUFFER, config);
    until_up(&mut connection).await;
    let deadline = Instant::now() + INTERVAL + PONG_TIMEOUT;
    while let Some(event) = connection.next().await {
        if let Event::Down(_) = event {
            return late.borrow_mut().push(milliseconds_after(deadline));
        }
    }
}

/// Less than nothing if it was early.
fn milliseconds_after(deadline: Instant) -> f64 {
    let now = Instant::now();
    let late = now.saturating_duration_since(deadline).as_secs_f64();
    (late - deadline.saturating_duration_since(now).as_secs_f64()) * 1e3
}
