use std::{
    fmt, io,
    net::TcpStream,
    pin::Pin,
    task::{Context, Poll},
};

use async_io::Async;
use futures::{AsyncRead, AsyncWrite};

use super::Metered;

/// What is read from TCP is counted below TLS: a record that comes in slowly is a sign of life
/// before any of it can be read.
pub(super) type Plain = Metered<Async<TcpStream>>;

/// The bytes of a WebSocket connection: TCP, or TLS over it.
pub struct ByteStream(Inner);

enum Inner {
    Plain(Plain),
    #[cfg(feature = "tls")]
    Tls(Box<futures_rustls::client::TlsStream<Plain>>),
}

impl ByteStream {
    /// Whether TLS protects it.
    pub fn is_secure(&self) -> bool {
        match self.0 {
            Inner::Plain(_) => false,
            #[cfg(feature = "tls")]
            Inner::Tls(_) => true,
        }
    }

    fn bytes(self: Pin<&mut Self>) -> Pin<&mut dyn Bytes> {
        match &mut self.get_mut().0 {
            Inner::Plain(stream) => Pin::new(stream),
            #[cfg(feature = "tls")]
            Inner::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }
}

impl From<Plain> for ByteStream {
    fn from(stream: Plain) -> Self {
        Self(Inner::Plain(stream))
    }
}

#[cfg(feature = "tls")]
impl From<futures_rustls::client::TlsStream<Plain>> for ByteStream {
    fn from(stream: futures_rustls::client::TlsStream<Plain>) -> Self {
        Self(Inner::Tls(Box::new(stream)))
    }
}

trait Bytes: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Bytes for S {}

impl AsyncRead for ByteStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.bytes().poll_read(cx, buffer) {
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
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.bytes().poll_write(cx, buffer)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.bytes().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.bytes().poll_close(cx)
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").field("is_secure", &self.is_secure()).finish_non_exhaustive()
    }
}
