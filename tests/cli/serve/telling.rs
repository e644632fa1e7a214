use std::net::TcpListener;

use async_tungstenite::tungstenite::Message;
use serde_json::{Value, json};

use crate::server::{Ended, Server, echo, ended, timed};

#[test]
fn the_first_line_is_the_url() {
    let mut server = Server::spawn(&["--quiet"]);
    server.url = server.line();
    assert!(server.url.starts_with("ws://127.0.0.1:"), "{}", server.url);
    assert_eq!(echo(&mut server.connect(), "?").unwrap(), Message::text("?"));
}

#[test]
fn a_port_that_is_taken_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(["serve", &address])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1));
    let error = String::from_utf8(run.stderr).unwrap();
    assert!(error.starts_with(&format!("steadfast serve: {address}: ")), "{error}");
    assert!(error.ends_with("For a port that is free: steadfast serve :0\n"), "{error}");
}

#[cfg(unix)]
mod interrupted {
    use super::*;

    #[test]
    fn that_there_is_no_room_is_not_said_for_each_that_takes_the_place_of_another() {
        let server = Server::start(&["--max-connections", "1"]);
        for _ in 0..5 {
            let mut client = server.connect();
            assert!(echo(&mut client, "hi").is_ok());
            client.close(None).unwrap();
            while client.read().is_ok() {}
        }
        let (_, events) = server.stop();
        let ups = events.iter().filter(|event| event["event"] == "up").count();
        let full = events.iter().filter(|event| event["event"] == "full").count();
        assert_eq!((ups, full), (5, 1), "{events:?}");
    }

    /// Without what differs from run to run.
    fn without_chance(mut events: Vec<Value>) -> Vec<Value> {
        for event in &mut events {
            let event = event.as_object_mut().unwrap();
            assert!(event.remove("t_ms").unwrap().is_u64());
            if let Some(peer) = event.remove("peer") {
                assert!(peer.as_str().unwrap().starts_with("127.0.0.1:"));
            }
        }
        events
    }

    #[test]
    fn everything_that_happens_is_an_event() {
        let server = Server::start(&["--chaos", "stall=10ms@100%,refuse=503"]);
        assert!(server.refusal().is_some());
        let (mut client, _) = server.dial(format!("{}feed?token=canary", server.url)).unwrap();
        assert!(echo(&mut client, "hi").is_ok());
        client.send(Message::binary(vec![0, 0xff])).unwrap();
        client.read().unwrap();
        client.close(None).unwrap();
        while client.read().is_ok() {}
        let (status, events) = server.stop();
        assert_eq!(status, Some(0));
        let stalled = json!(
            {"event": "fault", "connection": 2, "fault": "stall", "duration_ms": 10}
        );
        assert_eq!(
            without_chance(events),
            [
                json!({"event": "fault", "connection": 1, "fault": "refuse", "http_status": 503}),
                json!({"event": "up", "connection": 2, "path": "/feed"}),
                json!({"event": "message", "connection": 2, "kind": "text", "data": "hi"}),
                stalled.clone(),
                json!({"event": "message", "connection": 2, "kind": "binary", "data": "AP8="}),
                stalled,
                json!({
                    "event": "closed", "connection": 2, "by": "client", "code": 1005,
                    "reason": ""
                }),
                json!({"event": "stopped", "reason": "interrupted", "exit": 0}),
            ]
        );
    }

    #[test]
    fn on_a_terminal_it_says_the_same_in_words() {
        let mut server = Server::spawn(&["--chaos", "close=1012@100%", "--seed", "7"]);
        server.url = server.line();
        let (mut client, _) = server.dial(format!("{}feed?token=canary", server.url)).unwrap();
        assert_eq!(ended(echo(&mut client, "hi")), Ended::Closed(1012));
        while client.read().is_ok() {}
        server.signal("-INT");
        assert_eq!(server.wait().0, Some(0));
        let text = server.stderr();
        for said in [
            "ready     --seed 7 --chaos 'close=1012@100%'; ^C stops it\n",
            "open      #1  127.0.0.1:",
            " /feed\n",
            "fault     #1  closes with 1012\n",
            "closed    #1  by the server, 1012 (service restart)\n",
            "stopped   interrupted\n",
        ] {
            assert!(text.contains(said), "{said:?} in {text}");
        }
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn an_interruption_closes_all_connections_with_1001() {
        let mut server = Server::start(&["--chaos", "mute=1h@2s"]);
        let mut clients = [server.connect(), server.connect()];
        server.signal("-TERM");
        for client in &mut clients {
            assert_eq!(ended(client.read()), Ended::Closed(1001));
            while client.read().is_ok() {}
        }
        assert_eq!(server.wait().0, Some(0));
    }

    #[test]
    fn a_client_that_does_not_leave_is_not_waited_for_long_and_not_at_all_after_a_second_time() {
        let mut server = Server::start(&[]);
        let mut client = server.connect();
        assert!(echo(&mut client, "?").is_ok());
        server.signal("-INT");
        assert_eq!(ended(client.read()), Ended::Closed(1001));
        let (waited, after) = timed(|| server.wait());
        assert_eq!(waited.0, Some(0));
        assert!(after.as_secs() < 5, "{after:?}");

        let mut server = Server::start(&[]);
        let client = server.connect();
        server.signal("-INT");
        while !server.line().contains("1001") {}
        server.signal("-INT");
        assert_eq!(server.wait().0, Some(130));
        let why = server.stderr();
        assert_eq!(why.lines().last(), Some("steadfast: interrupted"), "{why}");
        drop(client);
    }
}
