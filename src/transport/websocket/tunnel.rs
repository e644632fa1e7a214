//! A tunnel through an HTTP proxy: the method CONNECT (RFC 9110 §9.3.6), over any byte stream.

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::{
    head::{self, HeadError},
    refusal,
};
use crate::{Failure, FailureKind};

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub(super) enum TunnelError {
    #[error("the proxy refused with HTTP {status}")]
    Refused { status: u16, failure: Failure },
    #[error("the proxy sent something after its answer, before it was asked to")]
    Unasked,
    #[error(transparent)]
    Head(#[from] HeadError),
}

impl TunnelError {
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Refused { failure, .. } => *failure,
            Self::Unasked => FailureKind::Handshake.into(),
            Self::Head(error) => error.failure(),
        }
    }
}

/// Asks for a tunnel to `authority`, a host and a port, and reads the answer. No byte after it is
/// read that belongs to the tunnel.
pub(super) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    authority: &str,
    authorization: Option<&[u8]>,
) -> Result<(), TunnelError> {
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
    if let Some(value) = authorization {
        request.extend(b"Proxy-Authorization: ");
        request.extend(value);
        request.extend(b"\r\n");
    }
    request.extend(b"\r\n");
    stream.write_all(&request).await.map_err(HeadError::from)?;
    stream.flush().await.map_err(HeadError::from)?;
    let (response, behind) = head::read(stream).await?;
    if !response.status().is_success() {
        let failure = refusal::failure(response.status(), response.headers());
        return Err(TunnelError::Refused { status: response.status().as_u16(), failure });
    }
    // Both WebSocket and TLS wait for the client to begin.
    if behind.is_empty() { Ok(()) } else { Err(TunnelError::Unasked) }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        io,
        pin::Pin,
        task::{Context, Poll},
        time::Duration,
    };

    use futures::executor::block_on;

    use super::{
        head::{LONGEST, MOST_HEADERS},
        *,
    };
    use crate::CloseCode;

    /// A proxy that says these bytes, some at a time, and hangs up.
    struct Proxy {
        says: VecDeque<u8>,
        at_a_time: usize,
        waits: bool,
        heard: Vec<u8>,
        flushed: bool,
        read: usize,
    }

    impl Proxy {
        fn saying(text: impl AsRef<[u8]>, at_a_time: usize) -> Self {
            let says = text.as_ref().iter().copied().collect();
            Self { says, at_a_time, waits: false, heard: Vec::new(), flushed: false, read: 0 }
        }

        fn ask(&mut self) -> Result<(), FailureKind> {
            let asked = block_on(ask(self, "example.org:443", None));
            asked.map_err(|error| error.failure().kind())
        }
    }

    impl AsyncRead for Proxy {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            assert!(self.flushed, "the request may be on its way still");
            self.waits = !self.waits;
            if self.waits {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let count = buffer.len().min(self.at_a_time).min(self.says.len());
            for place in &mut buffer[..count] {
                *place = self.says.pop_front().unwrap();
            }
            self.read += count;
            Poll::Ready(Ok(count))
        }
    }

    impl AsyncWrite for Proxy {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &[u8],
        ) -> Poll<io::Result<usize>> {
            let count = buffer.len().min(self.at_a_time);
            self.heard.extend(&buffer[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushed = true;
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// What comes of an answer, however it is cut into pieces.
    #[track_caller]
    fn answered(text: impl AsRef<[u8]>) -> Result<(), FailureKind> {
        let whole = Proxy::saying(&text, usize::MAX).ask();
        for at_a_time in 1..=5 {
            assert_eq!(Proxy::saying(&text, at_a_time).ask(), whole, "{at_a_time} at a time");
        }
        whole
    }

    #[test]
    fn the_request_names_the_server_and_proves_who_asks() {
        let answer = "HTTP/1.1 200 OK\r\n\r\n";
        for at_a_time in [1, usize::MAX] {
            let mut proxy = Proxy::saying(answer, at_a_time);
            block_on(ask(&mut proxy, "[::1]:9", Some(b"Basic eDp5"))).unwrap();
            assert_eq!(
                String::from_utf8(proxy.heard).unwrap(),
                "CONNECT [::1]:9 HTTP/1.1\r\nHost: [::1]:9\r\n\
                 Proxy-Authorization: Basic eDp5\r\n\r\n"
            );
        }
    }

    #[test]
    fn any_2xx_makes_a_tunnel() {
        for answer in [
            "HTTP/1.1 200 Connection established\r\n\r\n",
            "HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n",
            "HTTP/1.1 200\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 299 \r\n\r\n",
            "HTTP/1.1 200 OK\nVia: x\n\n",
        ] {
            assert_eq!(answered(answer), Ok(()), "{answer:?}");
        }
    }

    #[test]
    fn an_interim_answer_is_passed_over() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
        assert_eq!(answered(format!("{interim}HTTP/1.1 200 OK\r\n\r\n")), Ok(()));
        let refused = format!("{interim}HTTP/1.1 403 Forbidden\r\n\r\n");
        assert_eq!(answered(refused), Err(FailureKind::Http(403)));
        let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(4_000);
        assert_eq!(Proxy::saying(endless, 1_000).ask(), Err(FailureKind::Handshake));
    }

    #[test]
    fn a_refusal_is_told_by_its_status_and_its_body_is_not_read() {
        for status in [101, 301, 400, 401, 403, 404, 405, 407, 429, 500, 502, 503, 504] {
            let head = format!("HTTP/1.1 {status} No\r\nContent-Length: 99999999\r\n\r\n");
            assert_eq!(answered(&head), Err(FailureKind::Http(status)));
            let mut proxy = Proxy::saying(head + &"x".repeat(100_000), usize::MAX);
            assert_eq!(proxy.ask(), Err(FailureKind::Http(status)));
            assert!(proxy.read <= 1_024, "{}", proxy.read);
        }
    }

    #[test]
    fn a_retry_after_of_the_proxy_is_passed_on() {
        let answer = "HTTP/1.1 503 Busy\r\nretry-after: 7\r\n\r\n";
        let error = block_on(ask(&mut Proxy::saying(answer, 1), "x:1", None)).unwrap_err();
        assert_eq!(error.failure().retry_after(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn what_is_not_http_fails_the_handshake() {
        for answer in [
            "220 smtp.example.org ESMTP\r\n\r\n",
            "\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 20\r\n\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "\0\u{1}\u{2}\n\n",
        ] {
            assert_eq!(answered(answer), Err(FailureKind::Handshake), "{answer:?}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(MOST_HEADERS + 1));
        assert_eq!(Proxy::saying(many, 1_000).ask(), Err(FailureKind::Handshake));
    }

    #[test]
    fn what_comes_in_before_the_client_has_begun_fails_the_handshake() {
        let answer = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n";
        assert_eq!(Proxy::saying(answer, usize::MAX).ask(), Err(FailureKind::Handshake));
    }

    #[test]
    fn nothing_of_the_tunnel_is_read() {
        let answer = "HTTP/1.1 200 OK\r\n\r\n";
        let mut proxy = Proxy::saying(format!("{answer}tunnel"), 1);
        assert_eq!(proxy.ask(), Ok(()));
        assert_eq!(proxy.read, answer.len());
    }

    #[test]
    fn a_head_without_end_is_cut_off() {
        for endless in ["HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nX: y\r\n"] {
            let padding = format!("X-Pad: {}\r\n", "y".repeat(1_000));
            let text = format!("{endless}{}", padding.repeat(300));
            for at_a_time in [1, usize::MAX] {
                let mut proxy = Proxy::saying(&text, at_a_time);
                assert_eq!(proxy.ask(), Err(FailureKind::Handshake));
                assert_eq!(proxy.read, LONGEST);
            }
        }
    }

    #[test]
    fn what_is_not_http_is_not_waited_for() {
        for (text, within) in [("x", 1), ("HTTP/2", 8), ("SSH-2.0-x\r\n", 1)] {
            let mut proxy = Proxy::saying(text.repeat(30_000), 1);
            assert_eq!(proxy.ask(), Err(FailureKind::Handshake));
            assert!(proxy.read <= within, "{text:?}: {}", proxy.read);
        }
    }

    #[test]
    fn a_head_as_long_as_is_allowed_is_read() {
        let (start, end) = ("HTTP/1.1 200 OK\r\nX: ", "\r\n\r\n");
        let longest = LONGEST - start.len() - end.len();
        for (length, expected) in [(longest, Ok(())), (longest + 1, Err(FailureKind::Handshake))] {
            let text = format!("{start}{}{end}", "x".repeat(length));
            assert_eq!(Proxy::saying(text, 1_000).ask(), expected);
        }
    }

    #[test]
    fn a_proxy_that_hangs_up_has_ended_the_connection() {
        let answer = "HTTP/1.1 200 OK\r\nVia: x\r\n\r\n";
        for length in 0..answer.len() {
            let gone = Err(FailureKind::Closed(CloseCode::ABNORMAL));
            assert_eq!(answered(&answer[..length]), gone, "{length}");
        }
    }
}
