use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite, ready};
use pin_project::pin_project;

/// Counts what is read from a byte stream, and can hold it back. Clones share one count.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    read: AtomicU64,
    /// At this count nothing more is read.
    limit: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { read: AtomicU64::new(0), limit: AtomicU64::new(u64::MAX) }
    }
}

impl Meter {
    /// How many bytes have been read.
    pub(super) fn read(&self) -> u64 {
        self.0.read.load(Ordering::Relaxed)
    }

    /// Lets about this many more bytes be read.
    pub(super) fn allow(&self, bytes: u64) {
        self.0.limit.store(self.read().saturating_add(bytes), Ordering::Relaxed);
    }

    fn is_exhausted(&self) -> bool {
        self.read() >= self.0.limit.load(Ordering::Relaxed)
    }
}

/// A byte stream whose reads a [`Meter`] counts.
#[pin_project]
#[derive(Debug)]
pub struct Metered<S> {
    #[pin]
    stream: S,
    meter: Meter,
}

impl<S> Metered<S> {
    /// Counts what is read from `stream`.
    pub fn new(stream: S, meter: Meter) -> Self {
        Self { stream, meter }
    }

    #[cfg(feature = "tls")]
    pub(super) fn stream(&self) -> &S {
        &self.stream
    }
}

impl<S: AsyncRead> AsyncRead for Metered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        if this.meter.is_exhausted() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = ready!(this.stream.poll_read(cx, buffer))?;
        this.meter.0.read.fetch_add(read as u64, Ordering::Relaxed);
        Poll::Ready(Ok(read))
    }
}

impl<S: AsyncWrite> AsyncWrite for Metered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write(cx, buffer)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_close(cx)
    }
}
