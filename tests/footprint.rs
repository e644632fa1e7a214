//! Which threads a client brings along: that of async-io, and where a name is to be resolved or
//! certificates are to be read, one that may block for it. There is one test here, so that no other
//! one starts a thread meanwhile.
#![cfg(all(feature = "tungstenite", target_os = "linux"))]

use std::{collections::BTreeSet, fs, net::TcpListener, thread};

use async_tungstenite::tungstenite;
use futures::{StreamExt, executor::block_on};
use steadfast::client::Event;

/// The threads of this process, by number and name.
fn running() -> BTreeSet<(String, String)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| {
            let task = task.ok()?;
            let name = fs::read_to_string(task.path().join("comm")).ok()?;
            Some((task.file_name().into_string().ok()?, name.trim().to_owned()))
        })
        .collect()
}

/// The names of the threads that a connection to `host` has started, while it is open.
fn started_for(host: &str) -> BTreeSet<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{host}:{}/", listener.local_addr().unwrap().port());
    let server = thread::spawn(move || {
        let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        while socket.read().is_ok() {}
    });
    let before = running();
    let mut connection = steadfast::connect(&url).unwrap().build();
    assert_eq!(running(), before, "nobody has polled it");
    let started = block_on(async {
        while !matches!(connection.next().await, Some(Event::Up(_))) {}
        let started = running().difference(&before).map(|(_, name)| name.clone()).collect();
        connection.stop();
        while connection.next().await.is_some() {}
        started
    });
    drop(connection);
    server.join().unwrap();
    started
}

/// Both in one test: async-io's thread stays.
#[test]
fn there_is_no_thread_but_that_of_async_io_unless_a_name_is_to_be_resolved() {
    assert_eq!(started_for("127.0.0.1"), BTreeSet::from(["async-io".to_owned()]));
    let for_a_name = started_for("localhost");
    assert!(for_a_name.iter().all(|name| name.starts_with("blocking")), "{for_a_name:?}");
}
