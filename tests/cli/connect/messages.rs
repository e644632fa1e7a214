//! Lines in, payloads out.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use async_tungstenite::tungstenite::Message;

use super::{
    peer::{Server, echo},
    program::Program,
};

#[test]
fn lines_are_sent_in_order_and_only_what_comes_in_is_printed() {
    let server = echo();
    let ended = Program::run(&[&server.url()], "one\ntwo\r\n\nthree");
    assert_eq!(
        (ended.exit, ended.stdout),
        (Some(0), ["one", "two", "", "three"].map(String::from).to_vec())
    );
    assert_eq!(ended.stderr.last().unwrap(), "steadfast: end of input; closed with 1000 (normal)");
    server.join();
}

#[test]
fn a_url_alone_is_enough() {
    let server = echo();
    let run = crate::command::steadfast_with(&[&server.url()], b"hello\n");
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), "hello\n"));
    server.join();
}

#[test]
fn each_transition_is_a_plain_line_where_there_is_no_terminal() {
    let server = Server::start(|listener| {
        listener.accept().close(1012, "bye");
        listener.accept().echo();
    });
    let mut program = Program::start(&["--max-delay", "200ms", &server.url()]);
    program.told("open again after");
    program.close_stdin();
    let ended = program.end();
    let begins: Vec<_> =
        ended.stderr.iter().map(|line| line.split([';', ',']).next().unwrap()).collect();
    let address = server.address;
    let expected = [
        format!("steadfast: connecting to ws://{address}/feed?…"),
        "steadfast: open after".to_owned(),
        "steadfast: closed by the peer with 1012 (service restart) \"bye\"".to_owned(),
        format!("steadfast: connecting to ws://{address}/feed?…"),
        "steadfast: open again after".to_owned(),
        "steadfast: closed".to_owned(),
        "steadfast: end of input".to_owned(),
    ];
    for (begin, expected) in begins.iter().zip(&expected) {
        assert!(begin.starts_with(expected.as_str()), "{begin:?} {expected:?}");
    }
    assert_eq!(begins.len(), expected.len(), "{begins:#?}");
    server.join();
}

#[test]
fn binary_and_base64_and_null_change_what_a_line_is() {
    let server = Server::start(|listener| {
        [0; 3].map(|_| {
            let mut peer = listener.accept();
            let first = peer.read();
            peer.send(first.clone());
            peer.rest();
            first
        })
    });
    let url = server.url();
    let run = |option: &str, stdin: &[u8]| Program::run(&[option, &url], stdin).stdout;
    assert_eq!(run("--binary", b"\xc3\xa9\r\n"), ["é\r"]);
    assert_eq!(run("--base64", b"/wA=\n"), ["/wA="]);
    assert_eq!(run("--null", b"a\nb\0"), ["a", "b\0"]);
    let sent = [
        Message::binary(&b"\xc3\xa9\r"[..]),
        Message::binary(&b"\xff\0"[..]),
        Message::text("a\nb"),
    ];
    assert_eq!(server.join(), sent);
}

#[test]
fn what_cannot_be_sent_ends_it_after_what_came_before() {
    for (option, stdin, why) in [
        (None, &b"one\n\xff\nthree\n"[..], "line 2 of stdin is not UTF-8"),
        (Some("--base64"), b"b25l\n\n=\n", "line 3 of stdin is not base64"),
    ] {
        let server = Server::start(|listener| {
            let mut peer = listener.accept();
            let first = peer.read().into_data();
            peer.drain();
            first
        });
        let url = server.url();
        let arguments: Vec<_> = option.into_iter().chain([url.as_str()]).collect();
        let ended = Program::run(&arguments, stdin);
        assert_eq!(ended.exit, Some(2));
        assert!(ended.why().contains(why), "{ended:?}");
        assert_eq!(server.join(), "one");
    }
}

#[test]
fn a_text_to_execute_is_sent_in_place_of_stdin_and_one_answer_is_enough() {
    let server = echo();
    let mut program = Program::start(&["-1", "-x", "--status", "-x", "again", &server.url()]);
    assert_eq!(program.line(), "--status");
    // Stdin has been left open all the time.
    let ended = program.end();
    assert_eq!((ended.exit, ended.stdout.len()), (Some(0), 0));
    assert_eq!(ended.why(), "steadfast: received 1 message; closed with 1000 (normal)");
    server.join();
}

#[test]
fn the_end_of_stdin_is_no_reason_to_leave_before_enough_has_come_in() {
    let server = Server::start(|listener| {
        let mut peer = listener.accept();
        assert_eq!(peer.text(), "go");
        peer.close(1012, "");
        let mut peer = listener.accept();
        peer.send("1");
        peer.send("2");
        peer.send("3");
        peer.rest().0
    });
    let ended =
        Program::run(&["--max-messages", "2", "--max-delay", "200ms", &server.url()], "go\n");
    assert_eq!((ended.exit, ended.stdout), (Some(0), vec!["1".to_owned(), "2".to_owned()]));
    assert_eq!(server.join(), [""; 0]);
}

#[test]
fn it_goes_on_listening_after_the_end_of_stdin_if_it_is_told_to() {
    for option in [&["--no-exit-on-eof"][..], &["--wait", "1h"]] {
        let server = Server::start(|listener| {
            let mut peer = listener.accept();
            assert_eq!(peer.text(), "last");
            peer.send("late");
            peer.close(1008, "enough");
        });
        let url = server.url();
        let arguments = [option, &["--no-reconnect", &url]].concat();
        let ended = Program::run(&arguments, "last\n");
        assert_eq!((ended.exit, ended.stdout), (Some(4), vec!["late".to_owned()]));
        server.join();
    }
}

#[test]
fn nothing_to_send_is_no_reason_not_to_have_been_there() {
    let server = Server::start(|listener| listener.accept().rest());
    assert_eq!(Program::run(&["--quiet", &server.url()], "").exit, Some(0));
    let (texts, close) = server.join();
    assert_eq!((texts.len(), close.map(|frame| u16::from(frame.code))), (0, Some(1000)));
}

#[test]
fn a_reader_who_leaves_ends_it_quietly() {
    let server = Server::start(|listener| {
        let mut peer = listener.accept();
        peer.send("first");
        assert_eq!(peer.text(), "nobody reads");
        peer.send("second");
        peer.rest().1.map(|frame| u16::from(frame.code))
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .arg(server.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "first\n");
    drop(stdout);
    child.stdin.as_mut().unwrap().write_all(b"nobody reads\n").unwrap();
    assert_eq!(server.join(), Some(1000));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let why = "steadfast: nobody reads stdout any more; closed with 1000 (normal)";
    assert_eq!(stderr.lines().last(), Some(why));
}

#[test]
fn what_is_executed_is_a_message_of_the_kind_that_was_asked_for() {
    for (kind, text, expected) in [
        (None, "/wA=", Message::text("/wA=")),
        (Some("--binary"), "/wA=", Message::binary(&b"/wA="[..])),
        (Some("--base64"), "/wA=", Message::binary(&b"\xff\0"[..])),
    ] {
        let server = Server::start(|listener| {
            let mut peer = listener.accept();
            let message = peer.read();
            peer.drain();
            message
        });
        let url = server.url();
        let arguments: Vec<_> = kind.into_iter().chain(["-w", "0s", "-x", text, &url]).collect();
        assert_eq!(Program::run(&arguments, "").exit, Some(0));
        assert_eq!(server.join(), expected);
    }
    let server = echo();
    let ended = Program::run(&["--base64", "-x", "", "-x", "=", &server.url()], "");
    let why = "steadfast: the text of --execute number 2 is not base64";
    assert!(ended.exit == Some(2) && ended.why().starts_with(why), "{ended:?}");
    server.join();
}
