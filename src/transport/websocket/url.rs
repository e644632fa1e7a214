use std::{
    fmt::{self, Write},
    net::Ipv6Addr,
    str::FromStr,
};

#[cfg(feature = "tls")]
use futures_rustls::pki_types::ServerName;
use http::Uri;

/// A WebSocket URL (RFC 6455 §3) that can be dialed.
///
/// `Display` and `Debug` leave out the query, where tokens like to live.
///
/// ```
/// use steadfast::transport::{Url, UrlError};
///
/// let url: Url = "ws://example.org/feed?token=secret".parse()?;
/// assert_eq!(url.to_string(), "ws://example.org/feed?…");
/// assert_eq!((url.host(), url.port()), ("example.org", 80));
/// assert_eq!("http://example.org".parse::<Url>(), Err(UrlError::UnsupportedScheme));
/// # Ok::<(), UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    uri: Uri,
    host: String,
    /// What the server's certificate must be for, if the URL asks for TLS.
    #[cfg(feature = "tls")]
    server_name: Option<ServerName<'static>>,
    port: u16,
}

/// Why a URL cannot be dialed. The URL itself is not in it: it may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is not a URL.
    #[error("not a valid URL")]
    Invalid,
    /// Its scheme is neither `ws` nor `wss`.
    #[error("the URL's scheme must be ws or wss")]
    UnsupportedScheme,
    /// It names no host.
    #[error("the URL has no host")]
    NoHost,
    /// It asks for TLS, and its host is neither an address nor a name that a certificate can be for.
    #[error("the URL's host cannot be named by a certificate")]
    InvalidHost,
    /// Its port is not a number between 1 and 65535.
    #[error("the URL's port must be between 1 and 65535")]
    InvalidPort,
    /// It has a fragment, which a WebSocket URL must not have (RFC 6455 §3).
    #[error("a WebSocket URL must not have a fragment")]
    Fragment,
    /// It has a user name or password, which would end up in logs: use
    /// [`with_basic_auth`](super::Dialer::with_basic_auth) instead.
    #[error("the URL must not hold a user name or password; use Dialer::with_basic_auth")]
    UserInfo,
    /// It asks for TLS, and the feature `tls` is off.
    #[error("wss needs the feature tls, or a dialer of your own")]
    TlsUnavailable,
}

impl Url {
    /// The host: a name or an address, IPv6 without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it asks for TLS: whether its scheme is `wss`.
    pub fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("wss")
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    #[cfg(feature = "tls")]
    pub(super) fn server_name(&self) -> Option<&ServerName<'static>> {
        self.server_name.as_ref()
    }

    /// What `Host` says of it: the host, IPv6 in brackets, and the port if it is not the default.
    pub(super) fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        // Such as a line break, behind which would be a header.
        if text.contains(|character: char| character.is_ascii_control() || character == ' ') {
            return Err(UrlError::Invalid);
        }
        // `Uri` drops a fragment without a word.
        if text.contains('#') {
            return Err(UrlError::Fragment);
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Err(UrlError::Invalid) };
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "ws" => ("ws", 80),
            "wss" if cfg!(feature = "tls") => ("wss", 443),
            "wss" => return Err(UrlError::TlsUnavailable),
            _ => return Err(UrlError::UnsupportedScheme),
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Err(UrlError::NoHost);
        }
        let (host, after_host) = split_host(authority)?;
        // An empty port means the default (RFC 3986 §3.2.3).
        let port = match after_host.strip_prefix(':') {
            Some("") => default_port,
            Some(digits) => port(digits).ok_or(UrlError::InvalidPort)?,
            None if after_host.is_empty() => default_port,
            None => return Err(UrlError::Invalid),
        };
        // `Host` names no port that goes without saying (RFC 6455 §4.1).
        let colon_port = if port == default_port { String::new() } else { format!(":{port}") };
        let target = &rest[authority.len()..];
        // A request target begins with a slash (RFC 9112 §3.2.1).
        let slash = if target.starts_with('?') { "/" } else { "" };
        let uri: Uri = format!("{scheme}://{host}{colon_port}{slash}{}", in_ascii(target))
            .parse()
            .map_err(|_| UrlError::Invalid)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        #[cfg(feature = "tls")]
        let server_name = match scheme {
            "wss" => Some(host.clone().try_into().map_err(|_| UrlError::InvalidHost)?),
            _ => None,
        };
        Ok(Self {
            uri,
            host,
            #[cfg(feature = "tls")]
            server_name,
            port,
        })
    }
}

/// The host, IPv6 in its brackets, and what follows it.
fn split_host(authority: &str) -> Result<(&str, &str), UrlError> {
    let end = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (address, _) = bracketed.split_once(']').ok_or(UrlError::Invalid)?;
            address.parse::<Ipv6Addr>().map_err(|_| UrlError::Invalid)?;
            address.len() + "[]".len()
        }
        None => authority.find(':').unwrap_or(authority.len()),
    };
    Ok(authority.split_at(end))
}

fn port(digits: &str) -> Option<u16> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| is_number && *port != 0)
}

/// What is not ASCII in a path or a query, percent-encoded in UTF-8 (RFC 3986 §2.5).
fn in_ascii(target: &str) -> String {
    let mut encoded = String::with_capacity(target.len());
    for character in target.chars() {
        if character.is_ascii() {
            encoded.push(character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure() { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.uri.path())?;
        if self.uri.query().is_some() { f.write_str("?…") } else { Ok(()) }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Url, UrlError> {
        text.parse()
    }

    #[test]
    fn a_url_that_can_be_dialed_is_taken_apart() {
        for (text, host, port) in [
            ("ws://example.org", "example.org", 80),
            ("WS://example.org/", "example.org", 80),
            ("ws://example.org:8080/a/b?c=d", "example.org", 8080),
            ("ws://example.org?c=d", "example.org", 80),
            ("ws://127.0.0.1:1", "127.0.0.1", 1),
            ("ws://[::1]:9001/x", "::1", 9001),
            ("ws://[::1]", "::1", 80),
            ("ws://[::1]:", "::1", 80),
            ("ws://example.org:/x", "example.org", 80),
            ("ws://example.org:00081/x", "example.org", 81),
            ("ws://ExAmPlE.oRg/", "ExAmPlE.oRg", 80),
            ("ws://xn--bcher-kva.example/", "xn--bcher-kva.example", 80),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.host(), url.port()), (host, port), "{text}");
            assert!(url.uri().path().starts_with('/'), "{text}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_url_that_asks_for_tls_is_secure_and_has_its_own_default_port() {
        for (text, secure, port) in [
            ("wss://example.org", true, 443),
            ("WSS://example.org:80/feed", true, 80),
            ("ws://example.org:443/feed", false, 443),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.is_secure(), url.port()), (secure, port), "{text}");
        }
        let shown = parse("wss://example.org/feed?token=canary").unwrap().to_string();
        assert_eq!(shown, "wss://example.org/feed?…");
    }

    #[test]
    fn a_url_that_cannot_be_dialed_says_why() {
        for (text, error) in [
            ("", UrlError::Invalid),
            ("example.org", UrlError::Invalid),
            ("ws:example.org", UrlError::Invalid),
            ("ws://exa mple.org", UrlError::Invalid),
            ("ws://example.org/\r\nHost: evil", UrlError::Invalid),
            ("http://example.org", UrlError::UnsupportedScheme),
            #[cfg(not(feature = "tls"))]
            ("wss://example.org", UrlError::TlsUnavailable),
            ("ws://", UrlError::NoHost),
            ("ws:///path", UrlError::NoHost),
            ("ws://:80/path", UrlError::NoHost),
            ("ws://example.org:0", UrlError::InvalidPort),
            ("ws://example.org:+80", UrlError::InvalidPort),
            ("ws://example.org/#top", UrlError::Fragment),
            ("ws://user:pass@example.org", UrlError::UserInfo),
            ("ws://user@example.org", UrlError::UserInfo),
            ("ws://example.org\\@evil.example/", UrlError::UserInfo),
            ("ws://example.org%2f@evil.example/", UrlError::UserInfo),
            ("ws://fe80::1/", UrlError::InvalidPort),
            // Brackets are for addresses, and without a zone: no host can be named by one.
            ("ws://[example.org]/", UrlError::Invalid),
            ("ws://[127.0.0.1]/", UrlError::Invalid),
            ("ws://[fe80::1%25eth0]/", UrlError::Invalid),
            ("ws://[[::1]]/", UrlError::Invalid),
            ("ws://[::1]evil.example/", UrlError::Invalid),
            ("ws://[::1/", UrlError::Invalid),
            ("ws://[]/", UrlError::Invalid),
            ("ws://::1]/", UrlError::NoHost),
            ("ws://a]/", UrlError::Invalid),
            ("ws://example%2eorg/", UrlError::Invalid),
            ("ws://bücher.example/", UrlError::Invalid),
            ("ws://example.org\\evil.example/", UrlError::Invalid),
        ] {
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
        for text in ["ws://example.org:65536", "ws://example.org:http"] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, UrlError::Invalid | UrlError::InvalidPort), "{text}: {error}");
        }
    }

    #[test]
    fn the_host_is_named_without_the_port_that_goes_without_saying() {
        for (text, named) in [
            ("ws://example.org:80/", "example.org"),
            ("ws://example.org:", "example.org"),
            ("ws://example.org:443", "example.org:443"),
            ("ws://[::1]:80", "[::1]"),
            ("ws://[::1]:081", "[::1]:81"),
            #[cfg(feature = "tls")]
            ("wss://example.org:443", "example.org"),
            #[cfg(feature = "tls")]
            ("wss://example.org:80", "example.org:80"),
        ] {
            assert_eq!(parse(text).unwrap().authority(), named, "{text}");
        }
    }

    #[test]
    fn what_is_not_ascii_is_percent_encoded_and_nothing_else_is() {
        let asked = |text| parse(text).unwrap().uri().path_and_query().unwrap().to_string();
        assert_eq!(asked("ws://a/grüß/€?x=ü"), "/gr%C3%BC%C3%9F/%E2%82%AC?x=%C3%BC");
        assert_eq!(asked("ws://a/%c3%bc?x=%00&y={z}"), "/%c3%bc?x=%00&y={z}");
    }

    #[test]
    fn a_url_of_any_length_is_taken_or_refused() {
        let long = |length| format!("ws://example.org/{}", "a".repeat(length));
        assert!(parse(&long(60_000)).is_ok());
        assert_eq!(parse(&long(70_000)), Err(UrlError::Invalid));
    }

    #[test]
    fn a_query_is_never_shown() {
        let url = parse("ws://example.org/feed?token=canary").unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "ws://example.org/feed?… Url(ws://example.org/feed?…)"
        );
    }
}
