//! `steadfast check`.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use async_tungstenite::tungstenite::{self, Message};
use serde_json::Value;

use crate::{
    command::{Ended, steadfast},
    server::{Server, timed},
};

fn check(arguments: &[&str]) -> Ended {
    steadfast(&[&["check"], arguments].concat())
}

fn json(run: &Ended) -> Value {
    assert_eq!(run.stderr, "");
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn a_healthy_server_has_a_table_and_status_0() {
    let server = Server::start(&[]);
    let run = check(&[&server.url, "-n", "3", "-i", "1ms"]);
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let table = run.stdout.as_str();
    for row in ["  ping 1  ", "  ping 2  ", "  ping 3  ", "\n3 of 3 answered, min "] {
        assert!(table.contains(row), "{row:?} in {table}");
    }
    assert!(table.starts_with(&server.url) && !table.contains("ping 4"), "{table}");
}

#[test]
fn the_figures_agree_with_each_other() {
    let server = Server::start(&[]);
    let report = json(&check(&[&server.url, "--json", "--interval", "1ms"]));
    let mut trips: Vec<f64> = serde_json::from_value(report["rtt_ms"].clone()).unwrap();
    trips.sort_by(f64::total_cmp);
    assert_eq!((&report["sent"], &report["answered"], trips.len()), (&4.into(), &4.into(), 4));
    assert_eq!(report["min_ms"], trips[0]);
    assert_eq!(report["max_ms"], trips[3]);
    let median = report["median_ms"].as_f64().unwrap();
    assert!((median - (trips[1] + trips[2]) / 2.0).abs() <= 0.001, "{report}");
    let smoothed = report["smoothed_ms"].as_f64().unwrap();
    assert!((trips[0]..=trips[3]).contains(&smoothed), "{report}");
    assert!(report["open_ms"].as_f64().unwrap() > 0.0, "{report}");
    assert_eq!((&report["healthy"], &report["reason"]), (&true.into(), &Value::Null));
}

#[test]
fn each_way_to_be_ill_has_the_exit_status_of_connect() {
    for (chaos, exit, reason) in [
        ("mute=1h@100ms", 1, "no answer to ping 2"),
        ("drop=100ms", 1, "connection ended without a Close"),
        ("rst=100ms", 1, "connection reset"),
        ("refuse=503:retry-after=7@100%", 1, "upgrade refused with HTTP 503"),
        ("refuse=401@100%", 3, "upgrade refused with HTTP 401"),
        ("refuse=404@100%", 3, "upgrade refused with HTTP 404"),
        ("close=1000@100ms", 4, "closed by the peer with 1000 (normal)"),
        ("close=4000@100ms", 4, "closed by the peer with 4000"),
    ] {
        let server = Server::with_chaos(chaos);
        let run = check(&[&server.url, "--interval", "300ms", "--timeout", "600ms"]);
        assert_eq!(run.status, Some(exit), "{chaos}");
        let error = run.stderr.as_str();
        assert!(error.contains(reason) && error.contains(&server.url), "{chaos}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn where_nobody_listens_there_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    drop(listener);
    let run = check(&[&url]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.as_str().contains("connection refused"));
}

#[test]
fn tls_to_a_server_without_it_is_a_tls_error() {
    let server = Server::start(&[]);
    let run = check(&[&server.url.replace("ws:", "wss:"), "--insecure"]);
    assert_eq!(run.status, Some(5), "{}", run.stderr.as_str());
}

#[test]
fn a_certificate_that_is_not_checked_is_warned_of() {
    let nobody = ["ws://127.0.0.1:1/", "-k"];
    let run = check(&nobody);
    let warning = "steadfast check: warning: certificates are not checked";
    assert!(run.stderr.starts_with(warning) && run.stderr.lines().count() == 2, "{}", run.stderr);
    for silence in ["--quiet", "--json"] {
        let run = check(&[&nobody[..], &[silence]].concat());
        assert!(!run.stderr.contains("warning"), "{silence}: {}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_wait_without_end_can_be_interrupted_and_what_was_found_is_told() {
    for (signal, exit, why) in [("-INT", 130, "interrupted"), ("-TERM", 143, "terminated")] {
        let mut server = Server::start(&[]);
        let mut child = Command::new(env!("CARGO_BIN_EXE_steadfast"))
            .args(["check", "--interval", "10000000y", &server.url])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        server.until_up();
        assert!(child.try_wait().unwrap().is_none());
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let run = child.wait_with_output().unwrap();
        let (stdout, stderr) = (String::from_utf8(run.stdout), String::from_utf8(run.stderr));
        assert_eq!(run.status.code(), Some(exit));
        assert_eq!(stderr.unwrap(), format!("steadfast check: {why}\n"));
        assert!(stdout.unwrap().contains(" of 1 answered"));
    }
}

#[test]
fn what_failed_is_in_the_json_too() {
    let server = Server::with_chaos("refuse=403@100%");
    let run = check(&[&server.url, "--json"]);
    let report = json(&run);
    assert_eq!(run.status, Some(3));
    for (name, value) in [
        ("exit", 3.into()),
        ("http_status", 403.into()),
        ("close_code", Value::Null),
        ("healthy", false.into()),
        ("sent", 0.into()),
        ("open_ms", Value::Null),
        ("median_ms", Value::Null),
    ] {
        assert_eq!(report[name], value, "{name}");
    }
    let server = Server::with_chaos("close=4000@100ms");
    assert_eq!(json(&check(&[&server.url, "--json"]))["close_code"], 4000);
}

#[test]
fn quiet_says_only_why_it_is_not_healthy() {
    let server = Server::with_chaos("refuse=503");
    let run = check(&["-q", &server.url]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.as_str().contains("HTTP 503"));
    let run = check(&["-q", &server.url]);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn a_server_that_talks_and_does_not_answer_pings_is_not_healthy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        while socket.send(Message::text("news")).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let (run, after) = timed(|| check(&[&url, "--timeout", "500ms"]));
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.as_str().contains("no answer to ping 1"));
    assert!(after < Duration::from_secs(5), "{after:?}");
    serving.join().unwrap();
}

#[test]
fn secrets_are_sent_and_never_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        (0..2)
            .map(|_| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    head.push(byte[0]);
                }
                stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nX-Echo: canary\r\n\r\n").unwrap();
                String::from_utf8(head).unwrap()
            })
            .collect::<Vec<_>>()
    });
    let url = format!("ws://user:canary@{address}/?token=canary");
    for form in ["--json", "--interval=1s"] {
        let run = check(&[&url, form, "-H", "X-Key: canary"]);
        assert_eq!(run.status, Some(3));
        let all = run.stdout + &run.stderr;
        assert!(!all.is_empty() && !all.contains("canary"), "{}", all);
    }
    for request in serving.join().unwrap() {
        // The names of headers have no case.
        let request = request.to_lowercase();
        for sent in ["?token=canary", "x-key: canary", "authorization: basic "] {
            assert!(request.contains(sent), "{sent} in {request}");
        }
    }
}
