//! The head of an answer in HTTP/1 (RFC 9112 §2), be it a server's or a proxy's.

use std::io;

use futures::{AsyncRead, AsyncReadExt};
use http::{HeaderName, HeaderValue, Response, StatusCode, Version};

use super::error::io_failure;
use crate::{CloseCode, Failure, FailureKind};

/// The longest head, in bytes, with all interim ones before it.
pub(super) const LONGEST: usize = 64 << 10;

/// The most headers in it.
pub(super) const MOST_HEADERS: usize = 128;

/// How much is read at once, in bytes: more than most heads, and little of what follows.
const STEP: usize = 1_024;

/// Why there is no head.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeadError {
    #[error("the answer is not HTTP/1")]
    NotHttp,
    #[error("the head of the answer is longer than 64 KiB, or has more than 128 headers")]
    TooLong,
    #[error("the connection ended before the answer was complete")]
    HungUp,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl HeadError {
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::NotHttp | Self::TooLong => FailureKind::Handshake.into(),
            // It may just have been stopped; an answer that is wrong has said something.
            Self::HungUp => FailureKind::Closed(CloseCode::ABNORMAL).into(),
            Self::Io(error) => io_failure(error),
        }
    }
}

/// Reads the head of an answer, and what has come in behind it. Interim answers are passed over
/// (RFC 9110 §15.2), but not 101, which is the last in HTTP.
pub(super) async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
) -> Result<(Response<()>, Vec<u8>), HeadError> {
    let (mut bytes, mut start) = (Vec::new(), 0);
    loop {
        let length = read_one(stream, &mut bytes, start).await?;
        let response = parse(&bytes[start..start + length])?.ok_or(HeadError::NotHttp)?;
        start += length;
        if !matches!(response.status().as_u16(), 100 | 102..=199) {
            return Ok((response, bytes.split_off(start)));
        }
    }
}

/// Reads up to the end of the head that begins at `start`, and tells how long it is.
async fn read_one<S: AsyncRead + Unpin>(
    stream: &mut S,
    bytes: &mut Vec<u8>,
    start: usize,
) -> Result<usize, HeadError> {
    let (mut searched, mut looked_at) = (0, 0);
    loop {
        let head = &bytes[start..];
        if let Some(length) = head_length(head, searched) {
            return Ok(length);
        }
        // What is not HTTP may never end. To look at twice as much each time costs little.
        if head.len() > 2 * looked_at {
            parse(head)?;
            looked_at = head.len();
        }
        // The end of a head is three bytes long at most, and may have come in part.
        searched = head.len().saturating_sub(2);
        let filled = bytes.len();
        if filled >= LONGEST {
            return Err(HeadError::TooLong);
        }
        bytes.resize(filled + STEP.min(LONGEST - filled), 0);
        let read = stream.read(&mut bytes[filled..]).await?;
        bytes.truncate(filled + read);
        if read == 0 {
            return Err(HeadError::HungUp);
        }
    }
}

/// How long the head is whose end is not before `from`: up to and with an empty line.
fn head_length(bytes: &[u8], from: usize) -> Option<usize> {
    let newlines = bytes.iter().enumerate().skip(from).filter(|(_, byte)| **byte == b'\n');
    newlines.into_iter().find_map(|(at, _)| match &bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// The head, or `None` if it is only the beginning of one.
fn parse(head: &[u8]) -> Result<Option<Response<()>>, HeadError> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let status = parsed.parse(head).map_err(|error| match error {
        httparse::Error::TooManyHeaders => HeadError::TooLong,
        _ => HeadError::NotHttp,
    })?;
    let (true, Some(code)) = (status.is_complete(), parsed.code) else { return Ok(None) };
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(code).map_err(|_| HeadError::NotHttp)?;
    *response.version_mut() =
        if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    for header in parsed.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let value = HeaderValue::from_bytes(header.value);
        let (Ok(name), Ok(value)) = (name, value) else { return Err(HeadError::NotHttp) };
        response.headers_mut().append(name, value);
    }
    Ok(Some(response))
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::{Seed, rng::SplitMix64};

    fn read_all(bytes: &[u8]) -> Result<(Response<()>, Vec<u8>), HeadError> {
        block_on(read(&mut &*bytes))
    }

    #[test]
    fn what_comes_behind_the_head_is_kept() {
        for behind in ["", "x", "\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
            let text =
                format!("HTTP/1.1 103 \r\n\r\nHTTP/1.0 404 No\r\nA: b\r\nA: c\r\n\r\n{behind}");
            let (response, rest) = read_all(text.as_bytes()).unwrap();
            assert_eq!((response.status().as_u16(), response.version()), (404, Version::HTTP_10));
            assert_eq!(response.headers().get_all("a").iter().count(), 2);
            assert_eq!(rest, behind.as_bytes());
        }
    }

    #[test]
    fn as_many_headers_as_are_allowed_are_read() {
        for (count, is_read) in [(MOST_HEADERS, true), (MOST_HEADERS + 1, false)] {
            let text = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(count));
            assert_eq!(read_all(text.as_bytes()).is_ok(), is_read, "{count}");
        }
    }

    #[test]
    fn any_change_to_a_head_is_read_or_refused() {
        let head =
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        let mut rng = SplitMix64::new(Seed::new(11));
        let mut below = |limit: usize| usize::try_from(rng.next() % limit as u64).unwrap();
        let (mut refused, count) = (0, if cfg!(miri) { 100 } else { 50_000 });
        for _ in 0..count {
            let mut bytes = head.to_vec();
            for _ in 0..=below(4) {
                let at = below(bytes.len());
                match below(3) {
                    0 => bytes[at] = b"\r\n\0 :\t\xffA9"[below(9)],
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b"\r\n\0 :\t\xffA9"[below(9)]),
                }
            }
            match read_all(&bytes) {
                Ok((response, _)) => assert!(response.headers().len() <= MOST_HEADERS),
                Err(HeadError::NotHttp | HeadError::HungUp) => refused += 1,
                Err(error) => panic!("{error:?} for {:?}", String::from_utf8_lossy(&bytes)),
            }
        }
        assert!(refused > count / 10 && refused < count, "{refused} of {count}");
    }
}
