//! A server written by hand, byte by byte, so that it can be wrong in any way.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread::{self, JoinHandle},
    time::Duration,
};

use async_tungstenite::tungstenite::handshake::derive_accept_key;
use socket2::SockRef;

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

/// One that serves `count` connections, one after the other, and then listens no more.
pub(crate) struct Server<T> {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<Vec<T>>,
}

impl<T: Send + 'static> Server<T> {
    pub(crate) fn start(
        count: usize,
        mut serve: impl FnMut(usize, Peer) -> T + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let mut served = Vec::new();
            for index in 0..count {
                let (stream, _) = listener.accept().unwrap();
                // No thread outlives its test by more than this.
                stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
                stream.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
                stream.set_nodelay(true).unwrap();
                served.push(serve(index, Peer { stream }));
            }
            served
        });
        Self { address, thread }
    }

    /// One that upgrades one connection, and what it does then.
    pub(crate) fn upgraded(serve: impl FnOnce(Peer) -> T + Send + 'static) -> Self {
        let mut serve = Some(serve);
        Self::start(1, move |_, mut peer| {
            peer.upgrade();
            (serve.take().expect("one connection"))(peer)
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    /// What each connection came to. Every one must have been made.
    pub(crate) fn join(self) -> Vec<T> {
        self.thread.join().expect("the server panicked")
    }

    /// What its one connection came to.
    pub(crate) fn join_one(self) -> T {
        self.join().remove(0)
    }
}

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
}

impl Peer {
    /// The head of the request.
    pub(crate) fn request(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).expect("a whole request");
            head.push(byte[0]);
        }
        String::from_utf8(head).expect("a request in UTF-8")
    }

    /// Writes, as long as the client takes it.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    pub(crate) fn upgrade(&mut self) -> String {
        self.upgrade_with("")
    }

    /// Upgrades properly, with more headers.
    pub(crate) fn upgrade_with(&mut self, headers: &str) -> String {
        let request = self.request();
        self.write(accepting(&request, headers));
        request
    }

    /// Leaves with a reset instead of the end of the stream.
    pub(crate) fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Sends a whole message or control frame.
    pub(crate) fn frame(&mut self, opcode: u8, payload: &[u8]) -> bool {
        self.write(frame(0x80 | opcode, payload))
    }

    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend(reason.as_bytes());
        self.frame(CLOSE, &payload);
    }

    /// The next frame of the client; `None` at the end of the connection. It must be masked.
    pub(crate) fn read_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).ok()?;
        assert_eq!(head[1] & 0x80, 0x80, "a client's frames are masked");
        let mut length = usize::from(head[1] & 0x7f);
        if length == 126 {
            let mut long = [0; 2];
            self.stream.read_exact(&mut long).ok()?;
            length = usize::from(u16::from_be_bytes(long));
        }
        let mut mask = [0; 4];
        self.stream.read_exact(&mut mask).ok()?;
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).ok()?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        Some((head[0] & 0xf, payload))
    }

    /// All frames until the connection ends.
    pub(crate) fn read_frames(&mut self) -> Vec<(u8, Vec<u8>)> {
        std::iter::from_fn(|| self.read_frame()).collect()
    }

    /// The codes of all Close frames until the connection ends; 1005 for one without.
    pub(crate) fn read_closes(&mut self) -> Vec<u16> {
        let frames = self.read_frames().into_iter().filter(|(opcode, _)| *opcode == CLOSE);
        frames.map(|(_, payload)| close_code(&payload)).collect()
    }

    /// Reads and forgets until the client has left.
    pub(crate) fn drain(&mut self) {
        let mut buffer = [0; 4_096];
        while let Ok(1..) = self.stream.read(&mut buffer) {}
    }
}

/// The answer that accepts this request, with more headers.
pub(crate) fn accepting(request: &str, headers: &str) -> String {
    let key = header(request, "sec-websocket-key").expect("a key");
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
    )
}

/// A frame with this first byte: the final bit, three reserved ones, the opcode.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..126), _) => bytes.push(short),
        (_, Ok(medium)) => {
            bytes.push(126);
            bytes.extend(medium.to_be_bytes());
        }
        _ => {
            bytes.push(127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

pub(crate) fn close_code(payload: &[u8]) -> u16 {
    payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
}

/// The value of a header in the head of a request.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
