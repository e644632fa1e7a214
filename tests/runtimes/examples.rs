//! The examples that drive the machine themselves, through a restart of the server.

#[path = "../../examples/blocking/client.rs"]
mod blocking_client;
#[path = "../../examples/poll_loop/client.rs"]
mod poll_loop_client;
#[path = "../../examples/blocking/socket.rs"]
mod socket;

use std::time::{Duration, Instant as StdInstant};

use mio::{Events, Poll, Token};
use steadfast::{
    ClosedReason, Command, Config, Event, Instant, Machine, Seed, State, client::Frame,
};

use crate::{client::policy, server::Server};

const SHORT: Duration = Duration::from_millis(5);

fn restart() -> Frame {
    Frame::Message("restart".into())
}

#[test]
fn the_blocking_loop_lives_through_a_restart_and_closes() {
    let server = Server::start();
    let mut client = blocking_client::Client::new(server.address(), Config::default(), policy());
    let run_until = |client: &mut blocking_client::Client, is: fn(&Machine) -> bool| {
        while !is(client.machine()) {
            assert!(!matches!(client.machine().state(), State::Closed(ClosedReason::GaveUp(_))));
            let soon = StdInstant::now() + SHORT;
            client.receive(client.wake().map_or(soon, |wake| wake.min(soon)));
        }
    };
    client.tell(Command::Start.into());
    run_until(&mut client, |machine| machine.state() == State::Open);
    client.send(restart());
    run_until(&mut client, |machine| machine.stats().opens == 2);
    client.tell(Command::Stop.into());
    run_until(&mut client, |machine| machine.state() == State::Closed(ClosedReason::Stopped));
    server.join();
}

#[test]
fn the_clients_of_a_poll_loop_live_through_a_restart_and_close() {
    const CLIENTS: usize = 3;
    let servers: Vec<_> = (0..CLIENTS).map(|_| Server::start()).collect();
    let mut poll = Poll::new().unwrap();
    let origin = StdInstant::now();
    let now = || Instant::ORIGIN.saturating_add(origin.elapsed());
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|index| {
            let registry = poll.registry().try_clone().unwrap();
            let seed = Seed::new(index as u64);
            let machine = Machine::new(Config::default(), policy(), seed, now());
            let address = servers[index].address();
            poll_loop_client::Client::new(Token(index), address, registry, machine)
        })
        .collect();
    let mut events = Events::with_capacity(16);
    let mut run_until = |clients: &mut Vec<poll_loop_client::Client>, is: fn(&Machine) -> bool| {
        while !clients.iter().all(|client| is(client.machine())) {
            let wakes = clients.iter().filter_map(|client| client.machine().wake().instant());
            let timeout = wakes.min().map(|wake| wake.saturating_duration_since(now()));
            poll.poll(&mut events, timeout).unwrap();
            for event in &events {
                clients[event.token().0].advance(now);
            }
            for client in clients.iter_mut() {
                client.tell(now(), Event::Tick);
                assert!(!matches!(
                    client.machine().state(),
                    State::Closed(ClosedReason::GaveUp(_))
                ));
            }
        }
    };
    for client in &mut clients {
        client.tell(now(), Command::Start.into());
    }
    run_until(&mut clients, |machine| machine.state() == State::Open);
    for client in &mut clients {
        client.send(restart());
    }
    run_until(&mut clients, |machine| machine.stats().opens == 2);
    for client in &mut clients {
        client.tell(now(), Command::Stop.into());
    }
    run_until(&mut clients, |machine| machine.state() == State::Closed(ClosedReason::Stopped));
    for server in servers {
        server.join();
    }
}
