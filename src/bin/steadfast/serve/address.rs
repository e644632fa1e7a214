//! Where to listen. Beyond this machine only if an address says so.

use std::{
    fmt, io,
    net::{IpAddr, TcpListener},
    str::FromStr,
};

const LOOPBACK: &str = "127.0.0.1";
const PORT: u16 = 9001;

/// `9001`, `:0`, `localhost`, `[::1]:9001`, `0.0.0.0:9001`: what is missing is that of
/// `127.0.0.1:9001`, and with port 0 the system chooses one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("{0:?} is not a port from 0 to 65535; an address is PORT, HOST, or HOST:PORT")]
    Port(String),
    // What it holds may be secret.
    #[error("an address is no URL, but PORT, HOST, or HOST:PORT")]
    Url,
}

impl Address {
    pub(crate) fn bind(&self) -> io::Result<TcpListener> {
        TcpListener::bind((self.host.as_str(), self.port))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.contains("://") {
            return Err(AddressError::Url);
        }
        let port = |port: &str| port.parse().map_err(|_| AddressError::Port(port.to_owned()));
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let (host, port) = if is_number {
            (LOOPBACK, port(text)?)
        } else if bare.parse::<IpAddr>().is_ok() {
            (bare, PORT)
        } else {
            match text.rsplit_once(':') {
                Some((host, digits)) => (host, port(digits)?),
                None => (text, PORT),
            }
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let host = if host.is_empty() { LOOPBACK } else { host };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_loopback_and_the_usual_port() {
        for (text, address) in [
            ("", "127.0.0.1:9001"),
            ("80", "127.0.0.1:80"),
            (":0", "127.0.0.1:0"),
            ("localhost", "localhost:9001"),
            ("localhost:1", "localhost:1"),
            ("::1", "[::1]:9001"),
            ("[::1]", "[::1]:9001"),
            ("[::1]:1", "[::1]:1"),
            ("0.0.0.0", "0.0.0.0:9001"),
            ("0.0.0.0:1", "0.0.0.0:1"),
        ] {
            let read = text.parse::<Address>().unwrap();
            assert_eq!(read.to_string(), address, "{text:?}");
            assert_eq!(address.parse(), Ok(read));
        }
    }

    #[test]
    fn what_is_not_a_port_is_named() {
        for (text, port) in [("65536", "65536"), ("a:1/", "1/"), ("localhost:", "")] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Port(port.to_owned())), "{text}");
        }
        assert_eq!("ws://a:1/".parse::<Address>(), Err(AddressError::Url));
    }
}
