//! The server's end: a thread that meets one connection after the other.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use async_tungstenite::tungstenite::{
    self, Message, WebSocket,
    handshake::server::{Callback, ErrorResponse, Request, Response},
    http::StatusCode,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// No thread outlives its test by more than this.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server<T = ()> {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Server<T> {
    pub(crate) fn start(serve: impl FnOnce(Listener) -> T + Send + 'static) -> Self {
        let listener = Listener(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.0.local_addr().unwrap();
        Self { address, thread: thread::spawn(move || serve(listener)) }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/feed?token=canary", self.address)
    }

    pub(crate) fn join(self) -> T {
        self.thread.join().expect("the server panicked")
    }
}

/// A server that meets one connection and echoes until it is closed.
pub(crate) fn echo() -> Server {
    Server::start(|listener| listener.accept().echo())
}

/// A server that answers no upgrade until it is told to.
pub(crate) fn hesitant<T: Send + 'static>(
    serve: impl FnOnce(&Listener) -> T + Send + 'static,
) -> (Server<T>, impl FnOnce()) {
    let (go_on, told) = mpsc::channel();
    let server = Server::start(move |listener| {
        told.recv().unwrap();
        serve(&listener)
    });
    (server, move || go_on.send(()).unwrap())
}

pub(crate) struct Listener(TcpListener);

impl Listener {
    pub(crate) fn tcp(&self) -> TcpStream {
        let (stream, _) = self.0.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    pub(crate) fn accept(&self) -> Peer {
        Peer(tungstenite::accept(self.tcp()).expect("an upgrade"))
    }

    /// Accepts a connection and answers what `answer` makes of the request.
    pub(crate) fn accept_with(
        &self,
        answer: impl FnOnce(&Request, Response) -> Result<Response, ErrorResponse> + Unpin,
    ) -> Option<Peer> {
        tungstenite::accept_hdr(self.tcp(), Answer(answer)).ok().map(Peer)
    }

    /// Refuses one upgrade.
    pub(crate) fn refuse(&self, status: u16) {
        #[allow(clippy::result_large_err, reason = "tungstenite has it so")]
        let refused = self.accept_with(|_, _| {
            let mut response = ErrorResponse::new(None);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            Err(response)
        });
        assert!(refused.is_none());
    }
}

struct Answer<F>(F);

impl<F> Callback for Answer<F>
where
    F: FnOnce(&Request, Response) -> Result<Response, ErrorResponse>,
{
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        (self.0)(request, response)
    }
}

pub(crate) struct Peer(pub(crate) WebSocket<TcpStream>);

impl Peer {
    /// The next message.
    pub(crate) fn read(&mut self) -> Message {
        loop {
            match self.0.read().expect("a message") {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    pub(crate) fn text(&mut self) -> String {
        self.read().into_text().expect("a text").to_string()
    }

    /// All texts until the Close, and that.
    pub(crate) fn rest(&mut self) -> (Vec<String>, Option<CloseFrame>) {
        let mut texts = Vec::new();
        loop {
            match self.read() {
                Message::Close(frame) => {
                    self.drain();
                    return (texts, frame);
                }
                message => texts.push(message.into_text().expect("a text").to_string()),
            }
        }
    }

    pub(crate) fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).unwrap();
    }

    pub(crate) fn echo(&mut self) {
        loop {
            match self.0.read() {
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => self.send(message),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        self.0.close(Some(frame)).unwrap();
        self.drain();
    }

    /// Reads and forgets until the client has left.
    pub(crate) fn drain(&mut self) {
        while self.0.read().is_ok() {}
    }
}
