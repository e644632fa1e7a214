//! What the upgrade request says, and what of it is never shown.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    thread,
};

use async_tungstenite::tungstenite::http::HeaderValue;

use super::{
    peer::{Peer, Server},
    program::{Ended, Program},
};

type Headers = HashMap<String, String>;

/// A server that meets one client, selects the last of its subprotocols, and keeps its headers.
fn curious() -> Server<Headers> {
    Server::start(|listener| {
        let mut headers = Headers::new();
        #[allow(clippy::result_large_err, reason = "tungstenite has it so")]
        let peer = listener.accept_with(|request, mut response| {
            for (name, value) in request.headers() {
                headers.insert(name.to_string(), value.to_str().unwrap().to_owned());
            }
            if let Some(names) = headers.get("sec-websocket-protocol") {
                let last = names.rsplit(", ").next().unwrap();
                let last = HeaderValue::from_str(last).unwrap();
                response.headers_mut().insert("sec-websocket-protocol", last);
            }
            Ok(response)
        });
        peer.expect("an upgrade").rest();
        headers
    })
}

fn shows_no_secret(ended: &Ended) {
    let printed = format!("{ended:?}");
    assert!(!printed.contains("canary") && !printed.contains("Y2FuYXJ5"), "{printed}");
}

#[test]
fn the_request_has_what_was_asked_for_and_none_of_it_is_shown() {
    let server = curious();
    let url = server.url();
    let arguments = [
        "-v",
        "-H",
        "X-Token: canary",
        "--header=X-Empty:",
        "-s",
        "v1,v2",
        "--subprotocol",
        "v3",
        "--origin",
        "https://example.org",
        "--auth",
        "canary:canary",
        "--session-id",
        "00112233445566778899aabbccddeeff",
        &url,
    ];
    let ended = Program::run(&arguments, "");
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    shows_no_secret(&ended);
    let headers = server.join();
    for (name, value) in [
        ("x-token", "canary"),
        ("x-empty", ""),
        ("sec-websocket-protocol", "v1, v2, v3"),
        ("origin", "https://example.org"),
        ("authorization", "Basic Y2FuYXJ5OmNhbmFyeQ=="),
        ("session-id", "00112233445566778899aabbccddeeff.1"),
    ] {
        assert_eq!(headers.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn credentials_may_be_in_the_environment_or_in_the_url_and_are_not_shown() {
    let expected = Some("Basic Y2FuYXJ5OmNhbmFyeQ==");
    let server = curious();
    let environment = [("STEADFAST_AUTH", "canary:canary")];
    let mut program = Program::start_with(&[&server.url()], &environment);
    program.close_stdin();
    shows_no_secret(&program.end());
    assert_eq!(server.join().get("authorization").map(String::as_str), expected);

    let server = curious();
    let url = server.url().replace("ws://", "ws://canary:c%61nary@");
    shows_no_secret(&Program::run(&[&url], ""));
    assert_eq!(server.join().get("authorization").map(String::as_str), expected);
}

#[test]
fn what_cannot_be_asked_for_is_2_and_shows_no_secret() {
    for (arguments, why) in [
        (&["canary"][..], "the URL has no scheme; put ws:// or wss:// before it"),
        (&["http://h/canary"], "the URL cannot be dialed: the URL's scheme must be ws or wss"),
        (&["ws://canary:%zz@h"], "the URL: a user and a password are written user:password"),
        (&["ws://a", "ws://h:0?canary"], "URL 2 cannot be dialed: the URL's port must be"),
        (&["ws://h", "-H", "canary"], "--header: a header is written 'Name: value'"),
        (&["ws://h", "-H", "Token canary: x"], "--header: a header is written 'Name: value'"),
        (&["ws://h", "-H", "A: canary\n."], "--header: the value of header \"A\" has characters"),
        (&["ws://h", "-H", "Host: h"], "--header: header \"Host\" belongs to the WebSocket"),
        (&["ws://h", "-s", "a b"], "--subprotocol: not a subprotocol name: \"a b\""),
        (&["ws://h", "--auth", "canary"], "--auth: a user and a password are written"),
        (&["ws://h", "--proxy", "socks://canary@h"], "--proxy: the scheme of the proxy's URL"),
        (&["ws://h", "--session-id", "1"], "--session-id: a session id has 32 hexadecimal"),
        (&["ws://h", "--close-code", "1006"], "--close-code: 1006 cannot be sent"),
        (&["ws://h", "--min-delay", "9s", "--max-delay", "3s"], "--min-delay (9s) is above"),
        (&["ws://h", "--ca", "no/such/file"], "--ca no/such/file: "),
        (&["ws://h", "--record", "no/such/file"], "--record no/such/file: "),
        (&["ws://h", "--config", "no/such/file"], "--config no/such/file: "),
        (&[], "a URL to connect to is missing"),
    ] {
        let ended = Program::run(arguments, "");
        assert_eq!((ended.exit, ended.stderr.len()), (Some(2), 1), "{arguments:?} {ended:?}");
        assert!(ended.why().starts_with(&format!("steadfast: {why}")), "{ended:?}");
        shows_no_secret(&ended);
    }
}

#[test]
fn a_proxy_is_gone_through_with_its_credentials() {
    let server = Server::start(|listener| listener.accept().rest().0);
    let target = server.address;
    let proxy = Server::start(move |listener| {
        let client = listener.tcp();
        let mut head = Vec::new();
        let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
        for line in lines.by_ref().map(Result::unwrap).take_while(|line| !line.is_empty()) {
            head.push(line);
        }
        // What follows comes only after the answer.
        let upstream = TcpStream::connect(target).unwrap();
        (&client).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let copy = |mut from: TcpStream, mut to: TcpStream| {
            thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(std::net::Shutdown::Write);
            })
        };
        let there = copy(client.try_clone().unwrap(), upstream.try_clone().unwrap());
        copy(upstream, client).join().unwrap();
        there.join().unwrap();
        head
    });
    let through = format!("http://canary:canary@{}", proxy.address);
    let ended = Program::run(&["--proxy", &through, &server.url()], "hello\n");
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    shows_no_secret(&ended);
    assert_eq!(server.join(), ["hello"]);
    let head = proxy.join();
    assert_eq!(head[0], format!("CONNECT {target} HTTP/1.1"));
    let authorization = "Proxy-Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==";
    assert!(head.iter().any(|line| line.eq_ignore_ascii_case(authorization)), "{head:?}");
}

#[test]
fn of_several_urls_the_next_stands_in_for_one_that_fails() {
    let first = Server::start(|listener| listener.refuse(503));
    let second = Server::start(|listener| listener.accept().rest().0);
    let mut program = Program::start(&["--max-delay", "100ms", &first.url(), &second.url()]);
    program.type_in("hello\n");
    program.told(&format!("connecting to ws://{}/", first.address));
    program.told(&format!("connecting to ws://{}/", second.address));
    program.close_stdin();
    assert_eq!(program.end().exit, Some(0));
    first.join();
    assert_eq!(second.join(), ["hello"]);
}

#[test]
fn a_peer_that_is_silent_is_given_up_as_the_heartbeat_has_it() {
    for (arguments, why) in [
        (&["--heartbeat", "50ms", "--pong-timeout", "50ms"][..], "no answer to ping"),
        (&["--ping-interval", "50ms", "--ping-timeout", "50ms"], "no answer to ping"),
        (&["--expect-traffic", "50ms"], "nothing came in for too long"),
    ] {
        let (leave, left) = std::sync::mpsc::channel::<()>();
        let server = Server::start(move |listener| {
            let _peer: Peer = listener.accept();
            let _ = left.recv();
        });
        let url = server.url();
        let ended = Program::start(&[arguments, &["--no-reconnect", &url]].concat()).end();
        assert_eq!(ended.exit, Some(1), "{ended:?}");
        assert!(ended.why().contains(why), "{ended:?}");
        drop(leave);
        server.join();
    }
}

#[test]
fn a_heartbeat_in_words_of_ones_own_is_answered_in_the_same() {
    for (request, answer) in
        [(r#"{"type": "ping"}"#, r#"{"at":1,"type":"pong"}"#), ("ping!", "pong!")]
    {
        let server = Server::start(move |listener| {
            let mut peer = listener.accept();
            assert_eq!(peer.text(), request);
            peer.send(answer);
            peer.send("shown");
            peer.drain();
        });
        let url = server.url();
        let arguments = ["-v", "--heartbeat", "50ms", "--heartbeat-message", request, &url];
        let mut program = Program::start(&arguments);
        assert_eq!(program.line(), "shown");
        program.told("round trip");
        program.close_stdin();
        assert_eq!(program.end().exit, Some(0));
        server.join();
    }
}
