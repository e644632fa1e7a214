//! Options from a file, and a trace into one.

use steadfast::trace::Trace;

use super::{
    peer::{Server, echo},
    program::Program,
};
use crate::command::Scratch;

#[test]
fn a_file_gives_what_the_command_line_does_not() {
    let server = Server::start(|listener| listener.accept().rest().1.unwrap());
    let url = server.url();
    let text = format!("url = '{url}'\nclose-code = 4001\nclose-reason = 'file'\nquiet = true\n");
    let file = Scratch::new("connect-options.toml", text);
    let ended = Program::run(&["--config", file.path(), "--close-reason", "line"], "");
    assert_eq!((ended.exit, ended.stderr.len()), (Some(0), 0), "{ended:?}");
    let close = server.join();
    assert_eq!((u16::from(close.code), close.reason.as_str()), (4001, "line"));
}

#[test]
fn a_mistake_in_a_file_is_2_and_names_the_file() {
    let file = Scratch::new("connect-mistake.toml", "heartbeat = 'canary'\n");
    let ended = Program::run(&["--config", file.path(), "ws://h"], "");
    assert_eq!(ended.exit, Some(2));
    let why = format!("steadfast: --config {}: heartbeat: ", file.path());
    assert!(ended.why().starts_with(&why) && !ended.why().contains("canary"), "{ended:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_trace_that_cannot_be_written_is_said_and_ends_nothing_else() {
    let server = echo();
    let ended = Program::run(&["-q", "--record", "/dev/full", "-1", &server.url()], "hello\n");
    assert_eq!((ended.exit, &*ended.stdout), (Some(0), &["hello".to_owned()][..]));
    let warning = "steadfast: warning: --record /dev/full: No space left on device";
    assert!(ended.why().starts_with(warning) && ended.stderr.len() == 1, "{ended:?}");
    server.join();
}

#[test]
fn what_is_recorded_can_be_replayed_and_holds_no_secret() {
    let file = Scratch::new("connect-trace.jsonl", "");
    let server = echo();
    let url = server.url();
    let ended = Program::run(&["--record", file.path(), "--auth", "canary:canary", &url], "canary");
    assert_eq!(ended.exit, Some(0));
    server.join();
    let text = file.content();
    assert!(!text.contains("canary") && !text.contains("127.0.0.1"), "{text}");
    let trace = Trace::read(text.as_bytes()).unwrap();
    assert!(trace.entries.len() > 3);
    trace.replay().unwrap();
}
