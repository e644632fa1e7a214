use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite, ready};
use pin_project::pin_project;

/// Counts what is read from a byte stream, and can hold it back; tells whether writing to it has had to
/// wait. Clones share one count.
///
/// ```
/// use steadfast::transport::{Meter, Metered};
///
/// let (stream, meter) = (futures::io::Cursor::new([0_u8; 4]), Meter::default());
/// let counted = Metered::new(stream, meter.clone());
/// ```
#[derive(Clone, Debug)]
pub struct Meter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    left: AtomicU64,
    blocked: AtomicBool,
}

/// How much may be read until it is first said how much may be.
const UNCOUNTED: u64 = u64::MAX;

impl Default for Meter {
    fn default() -> Self {
        let (left, blocked) = (AtomicU64::new(UNCOUNTED), AtomicBool::new(false));
        Self(Arc::new(Shared { left, blocked }))
    }
}

impl Meter {
    /// Lets about this many more bytes be read.
    #[inline]
    pub(super) fn allow(&self, bytes: u64) {
        self.0.left.store(bytes, Ordering::Relaxed);
    }

    /// How much of that has not been read.
    #[inline]
    pub(super) fn left(&self) -> u64 {
        self.0.left.load(Ordering::Relaxed)
    }

    /// Whether anything has been read before it was first said how much may be.
    pub(super) fn has_read(&self) -> bool {
        self.left() < UNCOUNTED
    }

    /// Takes what has been read for nothing, until it is first said how much may be.
    pub(super) fn forget(&self) {
        self.allow(UNCOUNTED);
    }

    /// Whether the last write has had to wait.
    #[inline]
    pub(super) fn has_blocked(&self) -> bool {
        self.0.blocked.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn block(&self, blocked: bool) {
        self.0.blocked.store(blocked, Ordering::Relaxed);
    }

    #[inline]
    fn take(&self, read: usize) {
        self.allow(self.left().saturating_sub(read as u64));
    }
}

/// A byte stream whose reads a [`Meter`] counts.
///
/// ```
/// use steadfast::transport::{Meter, Metered};
///
/// fn counted<S>(stream: S, meter: &Meter) -> Metered<S> {
///     Metered::new(stream, meter.clone())
/// }
/// ```
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
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        if this.meter.left() == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = ready!(this.stream.poll_read(cx, buffer))?;
        this.meter.take(read);
        Poll::Ready(Ok(read))
    }
}

impl<S: AsyncWrite> AsyncWrite for Metered<S> {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let written = this.stream.poll_write(cx, buffer);
        this.meter.block(written.is_pending());
        written
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let flushed = this.stream.poll_flush(cx);
        if flushed.is_pending() {
            this.meter.block(true);
        }
        flushed
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_close(cx)
    }
}
