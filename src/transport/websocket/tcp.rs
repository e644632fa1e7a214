use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

use async_io::{Async, Timer};
use socket2::{SockRef, TcpKeepalive};

use super::happy_eyeballs::{order, race};
use crate::{
    FailureKind,
    client::{DialError, TransportError},
};

/// How TCP connects, and what keeps a connection alive below the heartbeat. Nagle's delay is always
/// off.
///
/// ```
/// use std::time::Duration;
/// use steadfast::transport::{Dialer, TcpOptions};
///
/// let mut options = TcpOptions::default();
/// assert_eq!(options.attempt_delay, Duration::from_millis(250));
/// options.keepalive = None;
/// let dialer = Dialer::new("ws://127.0.0.1:9001/feed")?.with_tcp(options);
/// # Ok::<(), steadfast::transport::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpOptions {
    /// How long an attempt at one of the host's addresses may go on before the next address is
    /// tried as well; one that fails is followed at once, and the first that connects wins. Default
    /// 250 ms, the Connection Attempt Delay that RFC 8305 §8 recommends; it asks for 100 ms or more
    /// where the network may be slow, and for 2 s at most. One dial tries 16 addresses at most, and
    /// the next one others.
    pub attempt_delay: Duration,
    /// After how long without traffic the system itself asks whether the peer is there, and how
    /// often while it does not answer. `None`: never. Default 30 s; taken as between 1 s and 9 h.
    ///
    /// A mere backstop: it ends connections that nobody polls, or whose heartbeat is off. Unlike
    /// the heartbeat it proves nothing about the server's WebSocket, only about its kernel or, with
    /// a proxy between, the proxy's.
    pub keepalive: Option<Duration>,
}

impl Default for TcpOptions {
    fn default() -> Self {
        let (attempt_delay, keepalive) = (Duration::from_millis(250), Duration::from_secs(30));
        Self { attempt_delay, keepalive: Some(keepalive) }
    }
}

impl TcpOptions {
    /// A TCP connection to `host`, a name or an address. The `attempt`-th retry begins with
    /// another address than the one before: the one that connects first may be the very one behind
    /// which TLS or the upgrade fails. Errors tell people that this was `about`.
    pub(super) async fn connect(
        &self,
        host: &str,
        port: u16,
        attempt: u32,
        about: &(impl fmt::Display + Sync),
    ) -> Result<Async<TcpStream>, DialError> {
        let resolved = resolve(host, port).await.map_err(|error| {
            DialError::new(FailureKind::NameResolution, about.to_string()).with_source(error)
        })?;
        let connect = |address| self.connect_address(address);
        let wait = || Timer::after(self.attempt_delay);
        race(order(resolved, attempt), connect, wait).await.map_err(|failed| match failed {
            Some(error) => DialError::new(error.failure(), about.to_string()).with_source(error),
            None => DialError::new(FailureKind::NameResolution, format!("{about}: no address")),
        })
    }

    async fn connect_address(&self, address: SocketAddr) -> io::Result<Async<TcpStream>> {
        let stream = Async::<TcpStream>::connect(address).await?;
        stream.get_ref().set_nodelay(true)?;
        if let Some(idle) = self.keepalive {
            // A system that knows no such setting does without: the heartbeat is what counts.
            let _ = SockRef::from(stream.get_ref()).set_tcp_keepalive(&keepalive(idle));
        }
        Ok(stream)
    }
}

fn keepalive(idle: Duration) -> TcpKeepalive {
    // Linux refuses more seconds than fit in 15 bits, and any system none.
    let idle = idle.clamp(Duration::from_secs(1), Duration::from_secs(9 * 60 * 60));
    let keepalive = TcpKeepalive::new().with_time(idle);
    // Without one the system's own interval holds: 75 s on most.
    #[cfg(any(windows, target_os = "linux", target_os = "android", target_vendor = "apple"))]
    let keepalive = keepalive.with_interval(idle);
    keepalive
}

async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = host.to_owned();
    // The system's resolver blocks, so it is asked on a thread that may.
    blocking::unblock(move || Ok((host.as_str(), port).to_socket_addrs()?.collect())).await
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpListener};

    use futures::{executor::block_on, future::ready};

    use super::*;

    /// A connection, and the peer that keeps it open.
    fn connected(options: &TcpOptions) -> (Async<TcpStream>, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (block_on(options.connect("127.0.0.1", port, 0, &"test")).unwrap(), listener)
    }

    #[test]
    fn nothing_waits_to_be_sent_and_the_system_keeps_the_connection_alive() {
        let (stream, _peer) = connected(&TcpOptions::default());
        assert!(stream.get_ref().nodelay().unwrap());
        assert!(SockRef::from(stream.get_ref()).keepalive().unwrap());
    }

    /// How long the system waits before it asks, as its own table of connections has it.
    #[cfg(target_os = "linux")]
    fn asks_in(stream: &Async<TcpStream>) -> Option<Duration> {
        let port = |address: io::Result<SocketAddr>| format!(":{:04X}", address.unwrap().port());
        let ports = (port(stream.get_ref().local_addr()), port(stream.get_ref().peer_addr()));
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let timer = table.lines().find_map(|line| {
            let columns: Vec<_> = line.split_whitespace().collect();
            let is_it = columns[1].ends_with(&ports.0) && columns[2].ends_with(&ports.1);
            is_it.then(|| columns[5].to_owned())
        });
        let timer = timer.unwrap();
        let ticks = timer.strip_prefix("02:")?;
        Some(Duration::from_millis(10) * u32::from_str_radix(ticks, 16).unwrap())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_asks_after_as_long_as_it_was_told_to() {
        let (stream, _peer) = connected(&TcpOptions::default());
        let asks = asks_in(&stream).expect("keepalive");
        assert!(asks <= Duration::from_secs(30) && asks > Duration::from_secs(25), "{asks:?}");
        let never = TcpOptions { keepalive: None, ..TcpOptions::default() };
        let (stream, _peer) = connected(&never);
        assert_eq!(asks_in(&stream), None);
    }

    #[test]
    fn keepalive_can_be_off_and_no_duration_is_refused() {
        let mut options = TcpOptions { keepalive: None, ..TcpOptions::default() };
        assert!(!SockRef::from(connected(&options).0.get_ref()).keepalive().unwrap());
        for idle in [Duration::ZERO, Duration::MAX] {
            options.keepalive = Some(idle);
            assert!(
                SockRef::from(connected(&options).0.get_ref()).keepalive().unwrap(),
                "{idle:?}"
            );
        }
    }

    #[test]
    fn of_several_addresses_that_connect_one_stays_connected() {
        let listeners = [(); 8].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let options = TcpOptions::default();
        // All are tried at once.
        let raced = race(addresses, |address| options.connect_address(address), || ready(()));
        let stream = block_on(raced).unwrap();
        let to = stream.get_ref().peer_addr().unwrap();
        for listener in listeners {
            let address = listener.local_addr().unwrap();
            listener.set_nonblocking(true).unwrap();
            for mut accepted in listener.incoming().map_while(Result::ok) {
                accepted.set_nonblocking(address == to).unwrap();
                let read = accepted.read(&mut [0]).map_err(|error| error.kind());
                let is_open = read == Err(io::ErrorKind::WouldBlock);
                assert!(is_open == (address == to), "{address}: {read:?}");
            }
        }
    }
}
