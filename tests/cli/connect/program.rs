//! The built binary, and what it prints as it prints it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::Value;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    told: Vec<String>,
}

/// How it has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: Option<i32>,
    /// The lines of stdout that were not read before.
    pub(crate) stdout: Vec<String>,
    /// All lines of stderr.
    pub(crate) stderr: Vec<String>,
}

impl Ended {
    /// The last line of stderr.
    pub(crate) fn why(&self) -> &str {
        self.stderr.last().map_or("", String::as_str)
    }
}

impl Program {
    /// `steadfast connect` with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    pub(crate) fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_steadfast"))
            .arg("connect")
            .args(arguments)
            .env_remove("STEADFAST_AUTH")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdin, stdout, stderr, told: Vec::new() }
    }

    /// Runs it to its end with this on stdin.
    pub(crate) fn run(arguments: &[&str], stdin: impl AsRef<[u8]>) -> Ended {
        let mut program = Self::start(arguments);
        program.type_in(stdin);
        program.close_stdin();
        program.end()
    }

    pub(crate) fn type_in(&mut self, text: impl AsRef<[u8]>) {
        // It may have ended already.
        let _ = self.stdin.as_mut().expect("stdin is open").write_all(text.as_ref());
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn line(&mut self) -> String {
        self.stdout.recv_timeout(PATIENCE).expect("a line on stdout")
    }

    /// Waits for an event of this name, and skips the others.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        loop {
            let event: Value = serde_json::from_str(&self.line()).expect("JSON");
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Waits for a line on stderr with this in it, and answers it.
    pub(crate) fn told(&mut self, text: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no {text:?} in {:#?}", self.told));
            self.told.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for its end. Stdin is left open, if it is.
    pub(crate) fn end(mut self) -> Ended {
        let rest = |lines: &Receiver<String>| {
            let mut rest = Vec::new();
            loop {
                match lines.recv_timeout(PATIENCE) {
                    Ok(line) => rest.push(line),
                    Err(mpsc::RecvTimeoutError::Disconnected) => return rest,
                    Err(mpsc::RecvTimeoutError::Timeout) => panic!("it goes on: {rest:#?}"),
                }
            }
        };
        let stdout = rest(&self.stdout);
        let mut stderr = std::mem::take(&mut self.told);
        stderr.extend(rest(&self.stderr));
        Ended { exit: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
            if sender.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}
