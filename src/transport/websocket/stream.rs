use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};
#[cfg(feature = "tls")]
use futures_rustls::client::TlsStream;

use super::{Metered, socket::Socket};

/// What is read from TCP is counted below TLS: a record that comes in slowly is a sign of life
/// before any of it can be read.
pub(super) type Plain = Metered<Socket>;

/// The bytes of a WebSocket connection: TCP, or TLS over it.
///
/// ```
/// use steadfast::transport::ByteStream;
///
/// fn padlock(stream: &ByteStream) -> &'static str {
///     if stream.is_secure() { "closed" } else { "open" }
/// }
/// ```
pub struct ByteStream(Inner);

enum Inner {
    Plain(Plain),
    #[cfg(feature = "tls")]
    Tls(Box<Secure>),
}

#[cfg(feature = "tls")]
struct Secure(TlsStream<Plain>);

#[cfg(feature = "tls")]
impl Drop for Secure {
    /// Announces the end to the peer (RFC 8446 §6.1), as far as the socket takes it at once.
    fn drop(&mut self) {
        let (plain, session) = self.0.get_mut();
        let mut socket = plain.stream().get_ref();
        session.send_close_notify();
        while session.wants_write() && matches!(session.write_tls(&mut socket), Ok(1..)) {}
    }
}

impl ByteStream {
    pub(super) fn plain(stream: Plain) -> Self {
        Self(Inner::Plain(stream))
    }

    #[cfg(feature = "tls")]
    pub(super) fn secure(stream: TlsStream<Plain>) -> Self {
        Self(Inner::Tls(Box::new(Secure(stream))))
    }

    /// Whether TLS protects it.
    pub fn is_secure(&self) -> bool {
        match self.0 {
            Inner::Plain(_) => false,
            #[cfg(feature = "tls")]
            Inner::Tls(_) => true,
        }
    }
}

/// Does the same with either.
macro_rules! forward {
    ($stream:expr, $method:ident($($argument:expr),*)) => {
        match &mut $stream.get_mut().0 {
            Inner::Plain(stream) => Pin::new(stream).$method($($argument),*),
            #[cfg(feature = "tls")]
            Inner::Tls(stream) => Pin::new(&mut stream.0).$method($($argument),*),
        }
    };
}

// Apart from what calls them: tungstenite looks here for each message, and mostly has nothing to write.
impl AsyncRead for ByteStream {
    #[inline(never)]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match forward!(self, poll_read(cx, buffer)) {
            // An end that TLS has not announced. A WebSocket has its own way to announce it, and
            // its frames tell if something is missing; many servers leave it at that.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Poll::Ready(Ok(0))
            }
            read => read,
        }
    }
}

impl AsyncWrite for ByteStream {
    #[inline(never)]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        forward!(self, poll_write(cx, buffer))
    }

    #[inline(never)]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_close(cx))
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").field("is_secure", &self.is_secure()).finish_non_exhaustive()
    }
}
