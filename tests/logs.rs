//! What the libraries below write into a log that listens to everything.
#![cfg(feature = "tungstenite")]

use std::{net::TcpListener, sync::Mutex, thread};

use async_tungstenite::tungstenite;
use futures::{StreamExt, executor::block_on};
use log::{LevelFilter, Log, Metadata, Record};
use steadfast::{
    client::{Builder, Event},
    transport::{AsyncIoClock, Dialer},
};

static LOG: Everything = Everything(Mutex::new(String::new()));

struct Everything(Mutex<String>);

impl Log for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push_str(&format!("{}: {}\n", record.target(), record.args()));
    }

    fn flush(&self) {}
}

#[test]
fn no_library_below_logs_what_a_request_says() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        // The server must not log either: it reads the request, and says nothing of it.
        let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        while socket.read().is_ok() {}
    });
    let dialer = Dialer::new(&format!("ws://{address}/feed?token=c4n4ry")).unwrap();
    let dialer = dialer.with_header("Authorization", "Bearer c4n4ry").unwrap();
    let dialer = dialer.with_session_header("Session-Id").unwrap();
    let mut connection = Builder::new(dialer, AsyncIoClock::new()).build();
    let session = connection.session().to_string();
    block_on(async {
        while !matches!(connection.next().await, Some(Event::Up(_))) {}
        connection.stop();
        while connection.next().await.is_some() {}
    });
    drop(connection);
    server.join().unwrap();
    let log = LOG.0.lock().unwrap();
    assert!(log.contains("tungstenite"), "nothing is logged at all");
    for secret in ["c4n4ry", session.as_str()] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{}", line.unwrap_or_default());
    }
}
