//! The machine without any async: one thread, blocking sockets, and the machine's wake as the time
//! by which every call ends. It sends a number each second, and stops after 30.
//!
//! ```console
//! cargo run --example echo_server &
//! cargo run --example blocking -- 127.0.0.1:9001
//! ```
//!
//! It takes an address, not a name: the system's resolver cannot be told when to end.

mod client;
mod socket;

use std::{
    env,
    error::Error,
    time::{Duration, Instant as StdInstant},
};

use steadfast::{Backoff, Command, Config, State, client::Frame};

use client::Client;

const SECOND: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into()).parse()?;
    let mut client = Client::new(address, Config::default(), Backoff::default());
    client.tell(Command::Start.into());
    let (mut number, mut next) = (0, StdInstant::now());
    while !matches!(client.machine().state(), State::Closed(_)) {
        if next <= StdInstant::now() {
            next += SECOND;
            if client.machine().state() == State::Open {
                number += 1;
                client.send(Frame::Message(number.to_string().into()));
            }
            if number == 30 {
                client.tell(Command::Stop.into());
            }
        }
        client.receive(client.wake().map_or(next, |wake| wake.min(next)));
    }
    Ok(())
}
