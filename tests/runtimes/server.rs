//! An echo server on a thread, which restarts when a client asks it to.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread::{self, JoinHandle},
};

use async_tungstenite::tungstenite::{Message, accept};

pub(crate) struct Server {
    address: SocketAddr,
    running: JoinHandle<()>,
}

impl Server {
    /// It serves one client at a time and two in all: the first until that asks for a restart, the
    /// second until that leaves.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let running = thread::spawn(move || {
            echo(listener);
            echo(TcpListener::bind(address).unwrap());
        });
        Self { address, running }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    pub(crate) fn join(self) {
        self.running.join().unwrap();
    }
}

/// Serves one client and closes the port.
fn echo(listener: TcpListener) {
    let mut socket = accept(listener.accept().unwrap().0).unwrap();
    while let Ok(message) = socket.read() {
        match message {
            Message::Text(text) if text.as_str() == "restart" => return,
            Message::Text(_) => socket.send(message).unwrap(),
            _ => {}
        }
    }
}
