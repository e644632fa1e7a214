//! The server under test, and the plainest of clients.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use async_tungstenite::tungstenite::{
    self, Error, HandshakeError, Message, WebSocket, error::ProtocolError,
    handshake::client::Response, protocol::CloseFrame,
};
use serde_json::Value;

pub(crate) type Client = WebSocket<TcpStream>;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Server {
    /// One that prints its events.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut server = Self::spawn(&[&["--json-events"], arguments].concat());
        let first: Value = serde_json::from_str(&server.line()).unwrap();
        assert_eq!(first["event"], "listening");
        first["url"].as_str().unwrap().clone_into(&mut server.url);
        server
    }

    pub(crate) fn with_chaos(chaos: &str) -> Self {
        Self::start(&["--chaos", chaos, "--seed", "1"])
    }

    /// One whose first line has not been read.
    pub(crate) fn spawn(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_steadfast"))
            .args(["serve", ":0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout, url: String::new() }
    }

    /// The next line of stdout.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits until it has been asked something, on a connection that is open.
    #[cfg(unix)]
    pub(crate) fn until_up(&mut self) {
        while !self.line().contains("\"up\"") {}
    }

    pub(crate) fn tcp(&self) -> TcpStream {
        let address = self.url.strip_prefix("ws://").unwrap().trim_end_matches('/');
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    pub(crate) fn connect(&self) -> Client {
        self.dial(&self.url).unwrap().0
    }

    pub(crate) fn dial(
        &self,
        request: impl tungstenite::client::IntoClientRequest,
    ) -> Result<(Client, Response), Error> {
        tungstenite::client(request, self.tcp()).map_err(|error| match error {
            HandshakeError::Failure(error) => error,
            HandshakeError::Interrupted(_) => panic!("no answer to the upgrade request"),
        })
    }

    /// The answer to a dial that is refused: its status and its `Retry-After`.
    pub(crate) fn refusal(&self) -> Option<(u16, Option<String>)> {
        let response = match self.dial(&self.url) {
            Ok(_) => return None,
            Err(Error::Http(response)) => response,
            Err(error) => panic!("{error}"),
        };
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
        Some((response.status().as_u16(), retry_after))
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Ends it, and gives its status and all the events that were not read before.
    #[cfg(unix)]
    pub(crate) fn stop(mut self) -> (Option<i32>, Vec<Value>) {
        self.signal("-INT");
        self.wait()
    }

    pub(crate) fn wait(&mut self) -> (Option<i32>, Vec<Value>) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let events = rest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (self.child.wait().unwrap().code(), events)
    }

    pub(crate) fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// The most memory that it has had, in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a client gets back for a message.
pub(crate) fn echo(client: &mut Client, text: &str) -> Result<Message, Error> {
    client.send(Message::text(text))?;
    client.read()
}

/// How the server ended the connection when it was sent something.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Closed(u16),
    WithoutClose,
    Reset,
}

pub(crate) fn ended(read: Result<Message, Error>) -> Ended {
    match read {
        Ok(Message::Close(Some(CloseFrame { code, .. }))) => Ended::Closed(code.into()),
        Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Ended::WithoutClose,
        Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => {
            Ended::Reset
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn timed<T>(action: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let outcome = action();
    (outcome, start.elapsed())
}
