//! Which HTTP proxy to go through.

use std::{fmt, str::FromStr};

use futures::{AsyncRead, AsyncWrite};
use http::HeaderValue;

use super::{HeaderError, Url, UrlError, header::basic, tunnel};
use crate::client::DialError;

/// An HTTP proxy that a [`Dialer`](super::Dialer) goes through.
///
/// The proxy is asked over plain TCP to make a tunnel to the host and port of the URL, for `ws` as
/// for `wss`; TLS, if there is any, is between the client and the server, inside the tunnel. The
/// name of the server is resolved by the proxy. What the proxy answers is limited to a head of 64 KiB
/// and 128 headers.
///
/// | the proxy's answer | the dial |
/// |---|---|
/// | 2xx | goes on through the tunnel |
/// | 407 | fails with [`FailureKind::Http`](crate::FailureKind::Http) of 407: fresh credentials are asked for once |
/// | any other status | fails with `FailureKind::Http` of it: 502, 503 and 504 are tried again, 403 is final |
/// | not HTTP, too long, or more than was asked for | fails with [`FailureKind::Handshake`](crate::FailureKind::Handshake) |
///
/// No environment variable is read: to obey `HTTPS_PROXY` and `NO_PROXY` is for the application.
///
/// ```
/// use steadfast::transport::{Dialer, Proxy, ProxyError};
///
/// let proxy = Proxy::new("http://proxy.example.org:3128")?.with_basic_auth("user", "secret")?;
/// assert!(!format!("{proxy:?} {proxy}").contains("secret"));
/// let dialer = Dialer::new("ws://example.org/feed")?.with_proxy(proxy);
///
/// assert_eq!(Proxy::new("https://example.org").unwrap_err(), ProxyError::TlsUnavailable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    address: Url,
    authorization: Option<HeaderValue>,
}

/// Why a URL cannot be that of a proxy. The URL itself is not in it: it may hold secrets.
///
/// ```
/// use steadfast::transport::{Proxy, ProxyError};
///
/// assert_eq!(Proxy::new("socks5://proxy:1080").unwrap_err(), ProxyError::UnsupportedScheme);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// It is not a URL.
    #[error("the proxy's URL is not valid")]
    Invalid,
    /// Its scheme is not `http`, such as that of a SOCKS proxy.
    #[error("the scheme of the proxy's URL must be http")]
    UnsupportedScheme,
    /// Its scheme is `https`: this transport speaks to proxies over plain TCP only.
    #[error("proxies that are spoken to over TLS (https) are not supported")]
    TlsUnavailable,
    /// It names no host.
    #[error("the proxy's URL has no host")]
    NoHost,
    /// Its port is not a number between 1 and 65535.
    #[error("the port of the proxy's URL must be between 1 and 65535")]
    InvalidPort,
    /// It has a user name or password, which would end up in logs: use
    /// [`with_basic_auth`](Proxy::with_basic_auth) instead.
    #[error("the proxy's URL must not hold a user name or password; use Proxy::with_basic_auth")]
    UserInfo,
    /// It has a path, a query or a fragment: a proxy has only a host and a port.
    #[error("the proxy's URL must not have a path, a query or a fragment")]
    NotAnOrigin,
}

impl Proxy {
    /// The proxy at this URL, such as `http://proxy.example.org:3128`. Without a port, it is 80.
    ///
    /// # Errors
    ///
    /// If the URL cannot be that of a proxy.
    pub fn new(url: &str) -> Result<Self, ProxyError> {
        url.parse()
    }

    /// With this user and password, as RFC 7617 has it, in UTF-8. They are sent to the proxy alone,
    /// at once and unencrypted, and are never shown.
    ///
    /// # Errors
    ///
    /// If the user name has a colon, or either a control character.
    pub fn with_basic_auth(mut self, user: &str, password: &str) -> Result<Self, HeaderError> {
        self.authorization = Some(basic(user, password)?);
        Ok(self)
    }

    /// The host: a name or an address, IPv6 without its brackets.
    pub fn host(&self) -> &str {
        self.address.host()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What to say when something fails on the way to `url`.
    pub(super) fn on_the_way_to(&self, url: &Url) -> String {
        format!("{url} through proxy {self}")
    }

    /// Asks the proxy at the other end of `stream` for a tunnel to the host of `url`. From then on
    /// `stream` is as if it led there.
    pub(super) async fn tunnel<S>(&self, url: &Url, stream: &mut S) -> Result<(), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let authorization = self.authorization.as_ref().map(HeaderValue::as_bytes);
        let asked = tunnel::ask(stream, &authority(url), authorization).await;
        asked.map_err(|error| {
            let failure = error.failure();
            DialError::new(failure, self.on_the_way_to(url)).with_source(error)
        })
    }
}

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let Some((scheme, rest)) = text.split_once("://") else { return Err(ProxyError::Invalid) };
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => return Err(ProxyError::TlsUnavailable),
            _ => return Err(ProxyError::UnsupportedScheme),
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let is_origin = !rest.contains(['/', '?', '#']);
        // Host and port are written as in a WebSocket URL, and 80 stands for none there, too.
        let address = format!("ws://{rest}").parse().map_err(|error| match error {
            UrlError::NoHost => ProxyError::NoHost,
            UrlError::InvalidPort => ProxyError::InvalidPort,
            UrlError::UserInfo => ProxyError::UserInfo,
            UrlError::Fragment => ProxyError::NotAnOrigin,
            _ => ProxyError::Invalid,
        })?;
        if is_origin {
            Ok(Self { address, authorization: None })
        } else {
            Err(ProxyError::NotAnOrigin)
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", authority(&self.address))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Host and port as CONNECT wants them: the port always there, IPv6 in brackets.
fn authority(url: &Url) -> String {
    let (host, port) = (url.host(), url.port());
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        for (url, host, port, shown) in [
            ("http://proxy:3128", "proxy", 3128, "http://proxy:3128"),
            ("HTTP://proxy/", "proxy", 80, "http://proxy:80"),
            ("http://[::1]:8080/", "::1", 8080, "http://[::1]:8080"),
            ("http://127.0.0.1", "127.0.0.1", 80, "http://127.0.0.1:80"),
        ] {
            let proxy = Proxy::new(url).unwrap();
            assert_eq!((proxy.host(), proxy.port()), (host, port), "{url}");
            assert_eq!(proxy.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_proxy_says_why() {
        for (url, error) in [
            ("", ProxyError::Invalid),
            ("proxy:3128", ProxyError::Invalid),
            ("http://pro xy", ProxyError::Invalid),
            ("http://proxy\r\nX-Evil: 1", ProxyError::Invalid),
            ("https://proxy", ProxyError::TlsUnavailable),
            ("socks5://proxy", ProxyError::UnsupportedScheme),
            ("ws://proxy", ProxyError::UnsupportedScheme),
            ("http://", ProxyError::NoHost),
            ("http://:3128", ProxyError::NoHost),
            ("http://proxy:0", ProxyError::InvalidPort),
            ("http://user:c4n4ry@proxy", ProxyError::UserInfo),
            ("http://user@proxy/", ProxyError::UserInfo),
            ("http://proxy/path", ProxyError::NotAnOrigin),
            ("http://proxy//", ProxyError::NotAnOrigin),
            ("http://proxy?query", ProxyError::NotAnOrigin),
            ("http://proxy#fragment", ProxyError::NotAnOrigin),
        ] {
            assert_eq!(Proxy::new(url).unwrap_err(), error, "{url:?}");
            assert!(!format!("{error} {error:?}").contains("c4n4ry"));
        }
    }
}
