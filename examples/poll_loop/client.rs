//! A machine and its nonblocking socket.

use std::{
    io::{self, ErrorKind},
    mem,
    net::SocketAddr,
};

use mio::{Interest, Registry, Token, net::TcpStream};
use steadfast::{
    Action, CloseCode, Event, Instant, Machine, Nonce, Notice, PeerClose, Signal,
    client::{CloseFrame, Frame, TransportError},
    transport::tungstenite::{
        self, ClientHandshake, HandshakeError, WebSocket, handshake::MidHandshake,
    },
};

pub(crate) struct Client {
    token: Token,
    address: SocketAddr,
    registry: Registry,
    machine: Machine,
    link: Link,
    peer_close: Option<PeerClose>,
}

enum Link {
    None,
    Connecting(TcpStream),
    Upgrading(MidHandshake<ClientHandshake<TcpStream>>),
    Up(Box<WebSocket<TcpStream>>),
}

impl Client {
    pub(crate) fn new(
        token: Token,
        address: SocketAddr,
        registry: Registry,
        machine: Machine,
    ) -> Self {
        Self { token, address, registry, machine, link: Link::None, peer_close: None }
    }

    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(crate) fn tell(&mut self, now: Instant, event: Event) {
        let mut failed = None;
        for action in self.machine.handle(now, event).actions {
            match action {
                Action::Dial { .. } => match self.connect() {
                    Ok(stream) => self.link = Link::Connecting(stream),
                    Err(error) => failed = Some(error.failure()),
                },
                Action::Ping { nonce, .. } => {
                    self.send(Frame::Ping(nonce.to_bytes().to_vec().into()));
                }
                Action::Close { code, .. } => {
                    self.send(Frame::Close(code.map(|code| Box::new(CloseFrame::new(code, "")))));
                }
                Action::Abort { .. } => self.link = Link::None,
                Action::Notify(notice) => {
                    println!("{}: {notice:?}", self.token.0);
                    if let Notice::Up { .. } = notice {
                        self.send(Frame::Message("hello".into()));
                    }
                }
            }
        }
        if let Some(failure) = failed {
            self.signal(now, Signal::Lost(failure));
        }
    }

    fn signal(&mut self, now: Instant, signal: Signal) {
        self.tell(now, Event::Transport(self.machine.epoch(), signal));
    }

    fn connect(&mut self) -> io::Result<TcpStream> {
        self.peer_close = None;
        let mut stream = TcpStream::connect(self.address)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(&mut stream, self.token, both)?;
        Ok(stream)
    }

    /// What there is no room for is flushed when there is. A socket that is broken tells so when
    /// it is read, after what it may still have to say.
    pub(crate) fn send(&mut self, frame: Frame) {
        if let Link::Up(websocket) = &mut self.link {
            let _ = websocket.send(frame.into());
        }
    }

    /// The socket may be ready: does all that can be done without waiting, for mio tells only once.
    pub(crate) fn advance(&mut self, now: impl Fn() -> Instant) {
        while let Some(signal) = self.next_signal() {
            self.signal(now(), signal);
        }
    }

    fn next_signal(&mut self) -> Option<Signal> {
        let progress = match mem::replace(&mut self.link, Link::None) {
            Link::None => return None,
            Link::Connecting(stream) => match stream.take_error().and_then(|error| {
                let connected = stream.peer_addr().map(drop);
                error.map_or(connected, Err)
            }) {
                Ok(()) => tungstenite::client(format!("ws://{}/", self.address), stream),
                Err(error) if error.kind() == ErrorKind::NotConnected => {
                    self.link = Link::Connecting(stream);
                    return None;
                }
                Err(error) => return Some(Signal::Lost(error.failure())),
            },
            Link::Upgrading(upgrade) => upgrade.handshake(),
            Link::Up(websocket) => {
                self.link = Link::Up(websocket);
                return self.read();
            }
        };
        match progress {
            Ok((websocket, _response)) => {
                self.link = Link::Up(Box::new(websocket));
                Some(Signal::Opened)
            }
            Err(HandshakeError::Interrupted(upgrade)) => {
                self.link = Link::Upgrading(upgrade);
                None
            }
            Err(HandshakeError::Failure(error)) => Some(Signal::Lost(error.failure())),
        }
    }

    /// A frame that is long in coming is heard of when it is whole. The example `blocking` counts
    /// bytes, so as not to take it for silence.
    fn read(&mut self) -> Option<Signal> {
        let Link::Up(websocket) = &mut self.link else { return None };
        let _ = websocket.flush();
        Some(match websocket.read().map(Frame::from) {
            Ok(Frame::Pong(payload)) => {
                Nonce::from_payload(&payload).map_or(Signal::Received, Signal::Pong)
            }
            Ok(Frame::Close(frame)) => {
                let close = frame.map_or(CloseCode::NO_STATUS, |frame| frame.code).into();
                self.peer_close = Some(close);
                Signal::CloseReceived(close)
            }
            Ok(frame) => {
                println!("{}: {frame:?}", self.token.0);
                Signal::Received
            }
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                return None;
            }
            Err(error) => {
                self.link = Link::None;
                Signal::Lost(self.peer_close.map_or(error.failure(), Into::into))
            }
        })
    }
}
