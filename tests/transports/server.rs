//! The other side, over any byte stream, on a thread.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread::{self, JoinHandle},
};

use async_tungstenite::tungstenite::{
    Message, accept,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::conversation::RESTART;

/// Serves two clients, one after the other: each until it leaves or asks for a restart.
pub(crate) fn serve_two<S: Read + Write>(
    mut next: impl FnMut() -> S + Send + 'static,
) -> JoinHandle<()> {
    thread::spawn(move || {
        for _ in 0..2 {
            serve(next());
        }
    })
}

fn serve(stream: impl Read + Write) {
    let Ok(mut socket) = accept(stream) else { panic!("the upgrade failed") };
    while let Ok(message) = socket.read() {
        match message {
            Message::Text(text) if text.as_str() == RESTART => {
                let close = CloseFrame { code: CloseCode::Restart, reason: "back soon".into() };
                socket.close(Some(close)).unwrap();
            }
            Message::Text(_) | Message::Binary(_) => socket.send(message).unwrap(),
            _ => {}
        }
    }
}

/// Serves two clients over TCP on loopback.
pub(crate) fn over_tcp() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (address, serve_two(move || listener.accept().unwrap().0))
}
