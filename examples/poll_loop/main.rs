//! Many machines inside somebody else's event loop, here one of mio, in one thread. Each client
//! says hello whenever it is connected.
//!
//! ```console
//! cargo run --example echo_server &
//! cargo run --example poll_loop -- 127.0.0.1:9001 3
//! ```

mod client;

use std::{
    env,
    error::Error,
    io::{self, ErrorKind},
    time::{Duration, Instant as StdInstant},
};

use mio::{Events, Poll, Token};
use steadfast::{Backoff, Command, Config, Event, Instant, Machine, State, client::random_seed};

use client::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:9001".into()).parse()?;
    let count = arguments.next().unwrap_or_else(|| "3".into()).parse()?;
    let mut poll = Poll::new()?;
    let registry = poll.registry().try_clone()?;
    let origin = StdInstant::now();
    let now = || Instant::ORIGIN.saturating_add(origin.elapsed());
    let mut clients = Vec::new();
    for token in 0..count {
        let (config, policy) = (Config::default(), Backoff::default());
        let machine = Machine::new(config, policy, random_seed(), now());
        let mut client = Client::new(Token(token), address, registry.try_clone()?, machine);
        client.tell(now(), Command::Start.into());
        clients.push(client);
    }
    let mut events = Events::with_capacity(1024);
    while clients.iter().any(|client| !matches!(client.machine().state(), State::Closed(_))) {
        // For more than a few, a heap of wakes saves looking at each.
        let next = clients.iter().filter_map(wake).min();
        wait(&mut poll, &mut events, next.map(|next| next.saturating_duration_since(now())))?;
        // What has come in goes before the time that has passed.
        for event in &events {
            clients[event.token().0].advance(now);
        }
        for client in &mut clients {
            if wake(client).is_some_and(|wake| wake <= now()) {
                client.tell(now(), Event::Tick);
            }
        }
    }
    Ok(())
}

fn wake(client: &Client) -> Option<Instant> {
    client.machine().wake().instant()
}

fn wait(poll: &mut Poll, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
    match poll.poll(events, timeout) {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
        polled => polled,
    }
}
