//! The upgrade from HTTP to WebSocket (RFC 6455 §4).
//!
//! It is not tungstenite's, for three reasons. That one writes the request with all its secrets
//! into a log that listens to everything. It does not tell the status of a refusal in HTTP/1.0,
//! which is how some load balancers refuse while their servers restart. And it does not take
//! `Connection: keep-alive, Upgrade`.

use async_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};
use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri, Version,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
    },
};

use super::head::{self, HeadError};
use crate::{Failure, FailureKind};

/// What is asked for.
pub(super) struct Request<'a> {
    /// Its path and its query are asked for.
    pub(super) uri: Uri,
    pub(super) host: &'a str,
    pub(super) headers: HeaderMap,
    /// Offered in this order.
    pub(super) subprotocols: &'a [String],
}

/// What came of it.
pub(super) enum Answer<S> {
    Accepted {
        stream: WebSocketStream<S>,
        /// The one that was selected.
        subprotocol: Option<Box<str>>,
        /// Whether anything has come in behind the answer.
        is_followed: bool,
    },
    Refused(Response<()>),
}

/// Why there is neither a WebSocket nor a refusal.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpgradeError {
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error("the answer to the upgrade is not HTTP/1.1")]
    WrongVersion,
    #[error("the answer to the upgrade has no single \"Upgrade: websocket\"")]
    NoUpgrade,
    #[error("the answer to the upgrade has no \"Connection: Upgrade\"")]
    NoConnectionUpgrade,
    #[error("the server has not understood the key: its \"Sec-WebSocket-Accept\" is wrong")]
    WrongAccept,
    #[error("the server uses an extension that was not offered")]
    UnofferedExtension,
    #[error("the server uses a subprotocol that was not offered")]
    UnofferedSubprotocol,
    #[error("the server uses none of the subprotocols that were offered")]
    NoSubprotocol,
}

impl UpgradeError {
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Head(error) => error.failure(),
            Self::UnofferedSubprotocol | Self::NoSubprotocol => FailureKind::Subprotocol.into(),
            _ => FailureKind::Handshake.into(),
        }
    }
}

/// Asks for an upgrade of `stream`.
pub(super) async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    request: &Request<'_>,
    config: WebSocketConfig,
) -> Result<Answer<S>, UpgradeError> {
    let key = generate_key();
    stream.write_all(&request.head(&key)).await.map_err(HeadError::from)?;
    stream.flush().await.map_err(HeadError::from)?;
    let (response, behind) = head::read(&mut stream).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Answer::Refused(response));
    }
    let subprotocol = request.check(&key, &response)?.map(Into::into);
    let is_followed = !behind.is_empty();
    let opened = WebSocketStream::from_partially_read(stream, behind, Role::Client, Some(config));
    Ok(Answer::Accepted { stream: opened.await, subprotocol, is_followed })
}

impl Request<'_> {
    fn head(&self, key: &str) -> Vec<u8> {
        let target = self.uri.path_and_query().map_or("/", |target| target.as_str());
        let mut head = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n",
            self.host
        )
        .into_bytes();
        if !self.subprotocols.is_empty() {
            let offered = self.subprotocols.join(", ");
            head.extend(format!("Sec-WebSocket-Protocol: {offered}\r\n").into_bytes());
        }
        for (name, value) in &self.headers {
            head.extend(as_browsers_write(name).into_bytes());
            head.extend(b": ");
            head.extend(value.as_bytes());
            head.extend(b"\r\n");
        }
        head.extend(b"\r\n");
        head
    }

    /// Whether an answer with 101 is one that may be gone on with (RFC 6455 §4.1), and the
    /// subprotocol that it selects.
    fn check(&self, key: &str, response: &Response<()>) -> Result<Option<&str>, UpgradeError> {
        let headers = response.headers();
        if response.version() < Version::HTTP_11 {
            return Err(UpgradeError::WrongVersion);
        }
        if !single(headers, &UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
        {
            return Err(UpgradeError::NoUpgrade);
        }
        let connection = headers.get_all(CONNECTION).iter();
        let mut tokens = connection.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        if !tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"upgrade")) {
            return Err(UpgradeError::NoConnectionUpgrade);
        }
        let accept = derive_accept_key(key.as_bytes());
        if single(headers, &SEC_WEBSOCKET_ACCEPT) != Some(accept.as_bytes()) {
            return Err(UpgradeError::WrongAccept);
        }
        // None is ever offered.
        if !headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().all(HeaderValue::is_empty) {
            return Err(UpgradeError::UnofferedExtension);
        }
        let Some(selected) = single(headers, &SEC_WEBSOCKET_PROTOCOL) else {
            return match self.subprotocols {
                _ if headers.contains_key(SEC_WEBSOCKET_PROTOCOL) => {
                    Err(UpgradeError::UnofferedSubprotocol)
                }
                [] => Ok(None),
                _ => Err(UpgradeError::NoSubprotocol),
            };
        };
        let offered = self.subprotocols.iter().find(|own| own.as_bytes() == selected);
        offered.map(|own| Some(own.as_str())).ok_or(UpgradeError::UnofferedSubprotocol)
    }
}

/// The value of a header that is there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.as_bytes())
}

/// Each word with a capital: some servers tell upper from lower case where HTTP does not.
fn as_browsers_write(name: &HeaderName) -> String {
    let mut after_hyphen = true;
    let letter = |letter: char| {
        let capital = std::mem::replace(&mut after_hyphen, letter == '-');
        if capital { letter.to_ascii_uppercase() } else { letter }
    };
    name.as_str().chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::Url, *};
    use crate::{Seed, rng::SplitMix64};

    /// What a URL is made of, and what somebody may hope to smuggle into a request.
    const PIECES: [&str; 40] = [
        "ws://",
        "ws:",
        "//",
        "/",
        "?",
        "#",
        "@",
        ":",
        ":80",
        ":0",
        ":65536",
        "[",
        "]",
        "[::1]",
        "127.0.0.1",
        "example.org",
        "user",
        "%0d%0a",
        "%",
        "\r\n",
        "\n",
        "\r",
        "\0",
        " ",
        "\t",
        "X-Evil: 1",
        "\\",
        "..",
        "ü",
        "\u{a0}",
        "\u{2028}",
        "\u{7f}",
        "\u{85}",
        "&",
        "=",
        "{}",
        "\"",
        "<>",
        "|",
        "^`",
    ];

    #[test]
    fn a_url_of_any_pieces_is_refused_or_asked_for_in_one_line() {
        let mut rng = SplitMix64::new(Seed::new(7));
        let mut below = |limit: usize| usize::try_from(rng.next() % limit as u64).unwrap();
        let mut asked = 0;
        for _ in 0..if cfg!(miri) { 100 } else { 100_000 } {
            let count = below(6);
            let start = ["", "ws://", "ws://a", "ws://[::1]", "WS://a:9/"][below(5)].to_owned();
            let text = (0..count).fold(start, |text, _| text + PIECES[below(PIECES.len())]);
            let Ok(url) = text.parse::<Url>() else { continue };
            let request = Request {
                uri: url.uri().clone(),
                host: url.authority(),
                headers: HeaderMap::new(),
                subprotocols: &[],
            };
            let head = String::from_utf8(request.head("key")).unwrap();
            let lines: Vec<_> = head.split("\r\n").collect();
            assert_eq!(lines.len(), 8, "{text:?}: {head}");
            let visible = |byte: u8| (0x21..=0x7e).contains(&byte);
            let words: Vec<_> = lines[0].split(' ').collect();
            assert!(
                matches!(words[..], ["GET", target, "HTTP/1.1"]
                if target.starts_with('/') && target.bytes().all(visible)),
                "{text:?}: {head}"
            );
            let host = lines[1].strip_prefix("Host: ").unwrap();
            assert!(host.starts_with(url.host()) || host.starts_with('['), "{text:?}: {head}");
            assert!(!host.contains(['@', '/', '?', '#', '\\']) && host.bytes().all(visible));
            asked += 1;
        }
        assert!(asked > 0, "all are refused");
    }

    #[test]
    fn names_are_written_as_browsers_do() {
        for (name, written) in
            [("authorization", "Authorization"), ("x-api-key", "X-Api-Key"), ("x--y", "X--Y")]
        {
            assert_eq!(as_browsers_write(&HeaderName::from_static(name)), written);
        }
    }
}
