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
        if head.len() >= 2 * looked_at {
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
