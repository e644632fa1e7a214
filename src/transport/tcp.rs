use std::{
    io,
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
};

use async_io::Async;

use super::Url;
use crate::{
    FailureKind,
    client::{DialError, TransportError},
};

/// A TCP connection to the host of `url`, without Nagle's delay: its addresses in turn, each attempt
/// beginning with the next, for one that does not answer at all uses up the time of its attempt.
pub(super) async fn connect(url: &Url, attempt: u32) -> Result<Async<TcpStream>, DialError> {
    let mut failed = None;
    let mut addresses = resolve(url).await?;
    let first = (attempt as usize).checked_rem(addresses.len()).unwrap_or(0);
    addresses.rotate_left(first);
    for address in addresses {
        match Async::<TcpStream>::connect(address).await {
            Ok(stream) => {
                stream.get_ref().set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failed = Some(error),
        }
    }
    Err(match failed {
        Some(error) => DialError::new(error.failure(), url.to_string()).with_source(error),
        None => DialError::new(FailureKind::NameResolution, format!("{url}: no address")),
    })
}

async fn resolve(url: &Url) -> Result<Vec<SocketAddr>, DialError> {
    let port = url.port();
    if let Ok(address) = url.host().parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let host = url.host().to_owned();
    // The system's resolver blocks, so it is asked on a thread that may.
    let resolved: io::Result<Vec<_>> =
        blocking::unblock(move || Ok((host.as_str(), port).to_socket_addrs()?.collect())).await;
    resolved.map_err(|error| {
        DialError::new(FailureKind::NameResolution, url.to_string()).with_source(error)
    })
}
