//! A WebSocket none of whose calls takes longer than it may.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant as StdInstant},
};

use steadfast::transport::tungstenite::{self, HandshakeError, WebSocket};

const TO_WRITE: Duration = Duration::from_millis(100);

/// A socket that waits for bytes until a deadline and not longer, and counts them.
pub(crate) struct Bounded {
    socket: TcpStream,
    pub(crate) deadline: StdInstant,
    pub(crate) count: usize,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.deadline)))?;
        let read = self.socket.read(buffer)?;
        self.count += read;
        Ok(read)
    }
}

impl Write for Bounded {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.socket.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// A timeout of zero would be none, and what is there already is read even when the time is up.
pub(crate) fn left(deadline: StdInstant) -> Duration {
    deadline.saturating_duration_since(StdInstant::now()).max(Duration::from_millis(1))
}

pub(crate) fn connect(
    address: SocketAddr,
    by: StdInstant,
) -> tungstenite::Result<WebSocket<Bounded>> {
    let socket = TcpStream::connect_timeout(&address, left(by))?;
    socket.set_nodelay(true)?;
    socket.set_write_timeout(Some(TO_WRITE))?;
    match tungstenite::client(
        format!("ws://{address}/"),
        Bounded { socket, deadline: by, count: 0 },
    ) {
        Ok((websocket, _response)) => Ok(websocket),
        Err(HandshakeError::Failure(error)) => Err(error),
        Err(HandshakeError::Interrupted(_)) => Err(io::Error::from(ErrorKind::TimedOut).into()),
    }
}
