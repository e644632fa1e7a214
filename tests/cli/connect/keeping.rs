//! What is typed while there is no connection.

use super::{
    peer::{Server, hesitant},
    program::Program,
};

#[test]
fn what_was_typed_before_the_connection_is_open_is_sent_in_order() {
    let server = Server::start(|listener| {
        listener.refuse(503);
        listener.refuse(503);
        listener.accept().rest().0
    });
    let lines: Vec<_> = (0..2_000).map(|number| number.to_string()).collect();
    let ended = Program::run(&["--max-delay", "100ms", &server.url()], lines.join("\n"));
    assert_eq!(ended.exit, Some(0));
    assert_eq!(server.join(), lines);
}

#[test]
fn what_is_typed_while_the_connection_is_down_is_sent_in_order_on_the_next() {
    let server = Server::start(|listener| {
        let mut peer = listener.accept();
        assert_eq!(peer.text(), "before");
        drop(peer);
        listener.accept().rest().0
    });
    let mut program = Program::start(&["--min-delay", "1ms", "--max-delay", "50ms", &server.url()]);
    program.type_in("before\n");
    program.told("retry 1 in");
    program.type_in("one\ntwo\n");
    program.type_in("three");
    program.close_stdin();
    assert_eq!(program.end().exit, Some(0));
    assert_eq!(server.join(), ["one", "two", "three"]);
}

#[test]
fn what_is_said_at_each_opening_goes_ahead_of_what_waits() {
    let server = Server::start(|listener| {
        let mut peer = listener.accept();
        let first = [peer.text(), peer.text(), peer.text()];
        drop(peer);
        (first, listener.accept().rest().0)
    });
    let url = server.url();
    let arguments = ["--on-open", "hello", "--on-open", "again", "--max-delay", "100ms", &url];
    let mut program = Program::start(&arguments);
    program.type_in("1\n");
    program.told("retry 1 in");
    program.type_in("2\n");
    program.close_stdin();
    assert_eq!(program.end().exit, Some(0));
    let (first, second) = server.join();
    assert_eq!(first, ["hello", "again", "1"]);
    assert_eq!(second, ["hello", "again", "2"]);
}

#[test]
fn the_oldest_give_way_if_that_is_asked_for_and_are_counted() {
    let (server, go_on) = hesitant(|listener| listener.accept().rest().0);
    let url = server.url();
    let arguments = ["--buffer", "2", "--when-full", "drop-oldest", "--json-events", url.as_str()];
    let mut program = Program::start(&arguments);
    program.type_in("1\n2\n3\n4\n5\n");
    let mut undelivered = 0;
    while undelivered < 3 {
        undelivered += program.event("undelivered")["count"].as_u64().unwrap();
    }
    go_on();
    program.close_stdin();
    let ended = program.end();
    assert_eq!((ended.exit, undelivered), (Some(0), 3));
    let why = "steadfast: end of input; closed with 1000 (normal); 3 messages were not delivered";
    assert_eq!(ended.stderr, [why]);
    assert_eq!(server.join(), ["4", "5"]);
}

#[test]
fn a_buffer_that_is_full_fails_if_that_is_asked_for() {
    let (server, go_on) = hesitant(|_| ());
    let arguments = ["--buffer", "2", "--when-full", "fail", &server.url()];
    let mut program = Program::start(&arguments);
    program.type_in("1\n2\n3\n");
    let ended = program.end();
    assert_eq!(ended.exit, Some(1));
    let why = "steadfast: the buffer is full (--when-full fail); 2 messages were not delivered";
    assert_eq!(ended.why(), why);
    go_on();
    server.join();
}

#[test]
fn nothing_is_lost_where_stdin_has_to_wait_for_room() {
    let (server, go_on) = hesitant(|listener| listener.accept().rest().0);
    let mut program = Program::start(&["--buffer", "3", &server.url()]);
    let lines: Vec<_> = (0..500).map(|number| number.to_string()).collect();
    program.type_in(lines.join("\n"));
    program.close_stdin();
    program.told("connecting");
    go_on();
    assert_eq!(program.end().exit, Some(0));
    assert_eq!(server.join(), lines);
}

/// One that is read no further than there is room holds no more of it in memory.
#[cfg(target_os = "linux")]
#[test]
fn a_stdin_without_end_is_read_no_further_than_there_is_room() {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    let (server, go_on) = hesitant(|listener| {
        let mut peer = listener.accept();
        // As much as was kept, and more that was read only then.
        for number in 0..5_000 {
            assert_eq!(peer.text().parse(), Ok(number));
        }
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(["--quiet", "--buffer", "10", &server.url()])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        // Until nobody reads it.
        (0_u64..).find(|number| writeln!(stdin, "{number:0>1000}").is_err())
    });
    let kept = || {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    go_on();
    server.join();
    let peak = kept();
    child.kill().unwrap();
    child.wait().unwrap();
    writer.join().unwrap();
    // What was offered meanwhile is many times as much.
    assert!(peak < 64 << 10, "{peak} KiB");
}
