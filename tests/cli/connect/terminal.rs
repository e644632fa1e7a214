//! On a terminal: the state line, and ^C.

use std::{
    io::{Read, Write},
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use pty_process::{Size, blocking};

use super::peer::{Server, echo};

const ROWS: u16 = 8;
const COLUMNS: u16 = 100;
/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal with the program in it.
pub(super) struct Terminal {
    keyboard: Arc<blocking::Pty>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    child: std::process::Child,
}

impl Terminal {
    fn start(arguments: &[&str]) -> Self {
        Self::run(blocking::Command::new(env!("CARGO_BIN_EXE_steadfast")).args(arguments))
    }

    /// A shell that has jobs, and knows the program as `$STEADFAST`.
    pub(super) fn shell(script: &str) -> Self {
        let shell = blocking::Command::new("sh").args(["-mc", script]);
        Self::run(shell.env("STEADFAST", env!("CARGO_BIN_EXE_steadfast")))
    }

    fn run(command: blocking::Command) -> Self {
        let (pty, pts) = blocking::open().unwrap();
        pty.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let command = command.env("TERM", "xterm").env_remove("NO_COLOR");
        let child = command.spawn(pts).unwrap();
        let keyboard = Arc::new(pty);
        let pty = keyboard.clone();
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            // The end of a terminal is an error.
            while let Ok(length @ 1..) = (&*pty).read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { keyboard, output, screen: vt100::Parser::new(ROWS, COLUMNS, 100), child }
    }

    pub(super) fn resize(&mut self, rows: u16, columns: u16) {
        self.screen.screen_mut().set_size(rows, columns);
        self.keyboard.resize(Size::new(rows, columns)).unwrap();
    }

    pub(super) fn press(&mut self, keys: &str) {
        (&*self.keyboard).write_all(keys.as_bytes()).unwrap();
    }

    pub(super) fn rows(&self) -> Vec<String> {
        let columns = self.screen.screen().size().1;
        self.screen.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect()
    }

    /// The last row, without the mark before it.
    pub(super) fn state(&self) -> String {
        self.rows().pop().unwrap().trim_start_matches("● ").to_owned()
    }

    /// Waits until the screen is like this.
    pub(super) fn until(&mut self, what: &str, mut is: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) => panic!("not {what}: {:#?}", self.rows()),
            }
        }
    }

    /// Waits for its end, and answers its exit status.
    pub(super) fn end(&mut self) -> Option<i32> {
        let status = self.child.wait().unwrap().code();
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.screen.process(&bytes);
        }
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_last_row_says_how_the_connection_is_and_the_rest_scrolls_above_it() {
    let server = echo();
    let mut terminal = Terminal::start(&[&server.url()]);
    terminal.until("open", |it| it.state().starts_with("open 0s"));
    for number in 0..ROWS {
        terminal.press(&format!("line {number}\n"));
        // What was typed and what came back.
        let line = format!("line {number}");
        terminal.until("echoed", |it| it.rows().iter().filter(|row| **row == line).count() == 2);
        assert!(terminal.state().starts_with("open "), "{:#?}", terminal.rows());
    }
    terminal.press("half a line");
    terminal.until("a second later", |it| it.state().starts_with("open 2s"));
    assert!(terminal.rows().contains(&"half a line".to_owned()), "{:#?}", terminal.rows());
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), Some(130));
    let rows = terminal.rows();
    assert!(!rows.iter().any(|row| row.contains("open ")), "{rows:#?}");
    let why = "steadfast: interrupted; closed with 1000 (normal)";
    assert_eq!(rows.iter().rfind(|row| !row.is_empty()).map(String::as_str), Some(why));
    server.join();
}

#[test]
fn a_connection_that_is_down_counts_down_to_the_next_attempt() {
    let (back, told) = mpsc::channel();
    let server = Server::start(move |listener| {
        listener.refuse(503);
        listener.accept().close(1012, "restarting");
        told.recv().unwrap();
        listener.accept().drain();
    });
    let url = server.url();
    let wait = ["--jitter", "none", "--min-delay", "1500ms", "--heartbeat", "100ms"];
    let mut terminal = Terminal::start(&[&wait[..], &[&url]].concat());
    let address = server.address;
    terminal.until("refused", |it| it.state().starts_with("retry 1 in 1."));
    assert!(terminal.state().ends_with("upgrade refused with HTTP 503"), "{}", terminal.state());
    terminal.until("counting", |it| it.state().starts_with("retry 1 in 0."));
    terminal.until("closed", |it| it.state().starts_with("retry 2 in "));
    assert!(terminal.state().ends_with("1012 (service restart)"), "{}", terminal.state());
    let connecting = "retry 2, connecting · down ";
    terminal.until("connecting", |it| it.state().starts_with(connecting));
    assert!(terminal.state().ends_with(&format!("ws://{address}/feed?…")), "{}", terminal.state());
    back.send(()).unwrap();
    terminal.until("open", |it| it.state().starts_with("open "));
    terminal.until("alive", |it| it.state().contains(" · rtt "));
    assert!(terminal.state().ends_with(" · 1 reconnect"), "{}", terminal.state());
    terminal.press("\u{4}");
    assert_eq!(terminal.end(), Some(0));
    server.join();
}

#[test]
fn a_payload_on_a_terminal_is_shown_and_not_obeyed() {
    let server = Server::start(|listener| {
        let mut peer = listener.accept();
        peer.send("a\u{1b}[2Jb");
        peer.drain();
    });
    let mut terminal = Terminal::start(&["-1", &server.url()]);
    assert_eq!(terminal.end(), Some(0));
    let shown = "a\\u{1b}[2Jb".to_owned();
    assert!(terminal.rows().contains(&shown), "{:#?}", terminal.rows());
    server.join();
}

#[test]
fn a_second_interruption_gives_the_terminal_back_at_once() {
    let (leave, left) = mpsc::channel::<()>();
    let server = Server::start(move |listener| {
        let _deaf = listener.accept();
        let _ = left.recv();
    });
    let mut terminal = Terminal::start(&["--close-timeout", "1h", &server.url()]);
    terminal.until("open", |it| it.state().starts_with("open "));
    terminal.press("\u{3}");
    terminal.until("closing", |it| it.state().starts_with("closing "));
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), Some(130));
    let rows = terminal.rows();
    assert!(rows.iter().any(|row| row == "steadfast: interrupted"), "{rows:#?}");
    drop(leave);
    server.join();
}
