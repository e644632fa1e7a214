//! How it ends: the exit status, and the last line of stderr.

use std::io::Write;

use super::{
    peer::{Server, echo},
    program::{Ended, Program},
};

fn refused_with(status: u16, arguments: &[&str]) -> Ended {
    let server = Server::start(move |listener| {
        // Once more with fresh credentials, if it is about those.
        let dials = if status == 401 { 2 } else { 1 };
        (0..dials).for_each(|_| listener.refuse(status));
    });
    let url = server.url();
    let ended = Program::run(&[arguments, &["--max-delay", "100ms", &url]].concat(), "");
    server.join();
    ended
}

#[test]
fn a_refusal_for_good_is_3_and_says_the_http_status() {
    for status in [401, 403, 404] {
        let ended = refused_with(status, &[]);
        assert_eq!(ended.exit, Some(3), "{ended:?}");
        let why = format!("steadfast: upgrade refused with HTTP {status}: ws://");
        assert!(ended.why().starts_with(&why), "{ended:?}");
    }
}

#[test]
fn a_subprotocol_that_the_server_does_not_have_is_3() {
    let server = echo();
    let ended = Program::run(&["-s", "feed.v2", &server.url()], "");
    assert_eq!(ended.exit, Some(3), "{ended:?}");
    assert!(ended.why().contains("ubprotocol"), "{ended:?}");
    server.join();
}

#[test]
fn a_limit_of_retries_that_is_reached_is_1_and_says_the_last_failure() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    for (limit, why) in [
        (&["--max-retries", "2"][..], "steadfast: gave up after 2 retries: connection refused: "),
        (&["--max-elapsed", "1ms"], "steadfast: gave up: connection refused: "),
        (&["--no-reconnect"], "steadfast: connection refused: "),
    ] {
        let ended = Program::run(&[limit, &["--max-delay", "100ms", &url]].concat(), "");
        assert_eq!(ended.exit, Some(1), "{ended:?}");
        assert!(ended.why().starts_with(why), "{ended:?}");
    }
    assert_eq!(refused_with(503, &["--no-reconnect"]).exit, Some(1));
}

#[test]
fn a_dial_that_takes_too_long_says_whose_it_was() {
    let (server, go_on) = super::peer::hesitant(|_| ());
    let url = server.url();
    let ended = Program::run(&["-q", "--no-reconnect", "--connect-timeout", "50ms", &url], "");
    let why = format!("steadfast: connecting timed out: ws://{}/feed?…", server.address);
    assert_eq!((ended.exit, ended.why()), (Some(1), &*why));
    go_on();
    server.join();
}

#[test]
fn a_close_of_the_peer_is_0_or_4_by_its_code() {
    for (code, arguments, exit) in [
        (1000, &["--no-reconnect"][..], 0),
        (1001, &["--no-reconnect"], 0),
        (1008, &["--no-reconnect"], 4),
        (4000, &["--no-reconnect"], 4),
        // These are final in any case.
        (1009, &[], 4),
        (4900, &[], 4),
    ] {
        let server = Server::start(move |listener| listener.accept().close(code, "because"));
        let url = server.url();
        let mut program = Program::start(&[arguments, &[&url]].concat());
        program.told("open after");
        let ended = program.end();
        assert_eq!(ended.exit, Some(exit), "{code}: {ended:?}");
        let why = format!("steadfast: closed by the peer with {code}");
        assert!(ended.why().starts_with(&why), "{ended:?}");
        assert!(ended.why().ends_with("\"because\""), "{ended:?}");
        server.join();
    }
}

#[test]
fn a_link_that_is_lost_is_1_if_it_is_not_opened_again() {
    let server = Server::start(|listener| drop(listener.accept()));
    let program = Program::start(&["--no-reconnect", &server.url()]);
    let ended = program.end();
    assert_eq!(ended.exit, Some(1), "{ended:?}");
    server.join();
}

#[test]
fn a_server_that_breaks_the_protocol_is_5() {
    let server = Server::start(|listener| {
        let mut peer = listener.accept();
        // A reserved opcode (RFC 6455 §5.2).
        peer.0.get_mut().write_all(&[0x83, 0]).unwrap();
        peer.drain();
    });
    let ended = Program::start(&[&server.url()]).end();
    assert_eq!(ended.exit, Some(5), "{ended:?}");
    assert!(ended.why().contains("1002"), "{ended:?}");
    server.join();
    let server = Server::start(|listener| listener.tcp().write_all(b"SSH-2.0-x\r\n\r\n").unwrap());
    let ended = Program::start(&["--no-reconnect", &server.url()]).end();
    assert_eq!(ended.exit, Some(5), "{ended:?}");
    server.join();
}

#[test]
fn it_closes_with_the_code_and_reason_that_were_asked_for() {
    let server = Server::start(|listener| listener.accept().rest().1.unwrap());
    let arguments = ["--close-code", "4001", "--close-reason", "done", &server.url()];
    let ended = Program::run(&arguments, "");
    assert_eq!((ended.exit, ended.why()), (Some(0), "steadfast: end of input; closed with 4001"));
    let close = server.join();
    assert_eq!((u16::from(close.code), close.reason.as_str()), (4001, "done"));
}

#[test]
fn a_peer_that_does_not_answer_the_close_is_waited_for_no_longer_than_said() {
    let (leave, left) = std::sync::mpsc::channel::<()>();
    let server = Server::start(move |listener| {
        let _peer = listener.accept();
        let _ = left.recv();
    });
    let ended = Program::run(&["--close-timeout", "50ms", &server.url()], "");
    assert_eq!(ended.exit, Some(0));
    let why = "steadfast: end of input; closed with 1000 (normal), which the peer did not answer";
    assert_eq!(ended.why(), why);
    drop(leave);
    server.join();
}

#[test]
fn quiet_says_nothing_unless_it_fails() {
    let server = echo();
    assert!(Program::run(&["-q", &server.url()], "").stderr.is_empty());
    server.join();
    let ended = refused_with(404, &["-q"]);
    assert_eq!(ended.stderr.len(), 1, "{ended:?}");
}

#[cfg(unix)]
#[test]
fn an_interruption_closes_and_a_second_leaves_at_once() {
    let server = Server::start(|listener| {
        let codes = [(); 2].map(|()| listener.accept().rest().1.map(|it| u16::from(it.code)));
        let mut deaf = listener.accept();
        // It reads until the end of TCP, and answers no Close.
        let stream = deaf.0.get_mut();
        while std::io::Read::read(stream, &mut [0; 64]).is_ok_and(|length| length > 0) {}
        codes
    });
    for (signal, exit, why) in [("-INT", 130, "interrupted"), ("-TERM", 143, "terminated")] {
        let mut program = Program::start(&[&server.url()]);
        program.told("open after");
        program.signal(signal);
        let ended = program.end();
        assert_eq!(ended.exit, Some(exit));
        assert_eq!(ended.why(), format!("steadfast: {why}; closed with 1000 (normal)"));
    }
    let url = server.url();
    let mut program = Program::start(&["--close-timeout", "1h", "--json-events", &url]);
    program.event("up");
    program.signal("-INT");
    while program.event("state")["to"] != "closing" {}
    program.signal("-INT");
    let ended = program.end();
    assert_eq!(ended.exit, Some(130));
    assert_eq!(server.join(), [Some(1000); 2]);
}

#[cfg(unix)]
#[test]
fn an_interruption_while_there_is_no_connection_is_obeyed_at_once() {
    let server = Server::start(|listener| listener.refuse(503));
    let mut program = Program::start(&["--min-delay", "1h", "--max-delay", "1h", &server.url()]);
    program.told("retry 1 in");
    program.signal("-INT");
    let ended = program.end();
    assert_eq!((ended.exit, ended.why()), (Some(130), "steadfast: interrupted"));
    server.join();
}
