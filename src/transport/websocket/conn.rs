use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use async_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message as Wire},
};
use futures::{AsyncRead, AsyncWrite, Sink, Stream, ready};
use pin_project::pin_project;

use super::{meter::Meter, wire};
use crate::client::{Frame, Message, Text};

/// How much one poll reads, in bytes. tungstenite does not return from a message before its end,
/// and a peer may send fragments faster than they are read.
const READ_PER_POLL: u64 = 16 << 10;

/// How many Pongs may wait to be written. tungstenite keeps them all, so a peer that pings and does
/// not read is itself not read any further.
const MOST_PONGS: u16 = 256;

/// An open WebSocket of async-tungstenite, over any byte stream.
///
/// What it adds to the [`WebSocketStream`] is the [meter](Self::with_meter). Without one, the
/// stream itself will do, and so will that of tokio-tungstenite: both carry tungstenite's messages,
/// which convert to and from [`Frame`].
///
/// While a peer has not taken the answers to some hundred of its Pings, nothing more is read from
/// it: the heartbeat then decides whether it lives.
///
/// ```no_run
/// use async_io::Async;
/// use steadfast::{client::{DialContext, DialError}, transport::{AsyncIoClock, Conn}};
///
/// // A transport of one's own: the upgrade over a Unix-domain socket.
/// # #[cfg(unix)] {
/// let dialer = |_context: DialContext| async {
///     let socket = Async::<std::os::unix::net::UnixStream>::connect("/run/feed").await?;
///     let (stream, _response) =
///         async_tungstenite::client_async("ws://localhost/feed", socket).await?;
///     Ok::<_, DialError>(Conn::from(stream))
/// };
/// let connection = steadfast::client::Builder::new(dialer, AsyncIoClock::new()).build();
/// # }
/// ```
#[pin_project]
pub struct Conn<S> {
    #[pin]
    stream: WebSocketStream<S>,
    /// How much one poll has read; nothing, if that is not counted.
    meter: Meter,
    /// How many Pongs have been owed since all was last written.
    pongs: u16,
    subprotocol: Option<Box<str>>,
}

impl<S> Conn<S> {
    /// A connection whose byte stream is [`Metered`](super::Metered) with this meter: while a
    /// message that is long, or slow, comes in, it tells of [`Frame::Part`], so that it is neither
    /// taken for silence nor keeps others from running.
    pub fn with_meter(mut self, meter: Meter) -> Self {
        // Part of a frame may have come in behind the answer to the upgrade.
        meter.allow(READ_PER_POLL - u64::from(meter.has_read()));
        self.meter = meter;
        self
    }

    pub(super) fn with_subprotocol(mut self, subprotocol: Option<Box<str>>) -> Self {
        self.subprotocol = subprotocol;
        self
    }

    /// The subprotocol that the server has selected of those that a [`Dialer`](super::Dialer)
    /// offered. A dialer of one's own around that one can look at it before it passes the
    /// connection on.
    ///
    /// ```
    /// use steadfast::{client::{Dial, DialContext, DialError}, transport::Dialer};
    ///
    /// let dialer = Dialer::new("ws://127.0.0.1:9001/")?;
    /// let mut dialer = dialer.with_subprotocol("feed.v2")?.with_subprotocol("feed.v1")?;
    /// let dialer = move |context: DialContext| {
    ///     let dial = dialer.dial(context);
    ///     async {
    ///         let conn = dial.await?;
    ///         println!("{:?}", conn.subprotocol());
    ///         Ok::<_, DialError>(conn)
    ///     }
    /// };
    /// # let _ = steadfast::client::Builder::new(dialer, steadfast::transport::AsyncIoClock::new());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }
}

impl<S> From<WebSocketStream<S>> for Conn<S> {
    fn from(stream: WebSocketStream<S>) -> Self {
        let meter = Meter::default();
        meter.allow(READ_PER_POLL);
        // Without a metered stream nobody would tell, so the stream itself is asked each time.
        meter.block(true);
        Self { stream, meter, pongs: 0, subprotocol: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Ready unless too many Pongs wait. An error is left for the next read or write to tell: what
    /// can still be read may say why.
    #[inline]
    fn poll_pongs(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if *this.pongs >= MOST_PONGS {
            let _ = ready!(Sink::poll_flush(this.stream, cx));
            *this.pongs = 0;
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Conn<S> {
    type Item = Result<Frame, tungstenite::Error>;

    #[inline(always)]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.as_mut().poll_pongs(cx));
        let this = self.project();
        let meter = this.meter;
        let read = |frame| {
            meter.allow(READ_PER_POLL);
            Poll::Ready(Some(Ok(frame)))
        };
        // Each kind by itself: a message that is moved as a whole takes with it what only a Close has.
        match Stream::poll_next(this.stream, cx) {
            Poll::Ready(Some(Ok(Wire::Text(text)))) => {
                read(Frame::Message(Message::Text(Text::from_checked(text))))
            }
            Poll::Ready(Some(Ok(Wire::Binary(bytes)))) => {
                read(Frame::Message(Message::Binary(bytes)))
            }
            Poll::Ready(Some(Ok(Wire::Ping(payload)))) => {
                *this.pongs += 1;
                rarely(meter);
                read(Frame::Ping(payload))
            }
            Poll::Ready(Some(Ok(Wire::Pong(payload)))) => {
                rarely(meter);
                read(Frame::Pong(payload))
            }
            Poll::Ready(Some(Ok(Wire::Close(close)))) => {
                read(Frame::Close(wire::read_close(close)))
            }
            Poll::Ready(Some(Ok(Wire::Frame(frame)))) => read(wire::read_raw(frame)),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if meter.left() < READ_PER_POLL => read(Frame::Part),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Keeps the compiler from treating messages like the control frames that come by here.
#[cold]
#[inline(never)]
fn rarely(meter: &Meter) {
    meter.allow(READ_PER_POLL);
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Frame> for Conn<S> {
    type Error = tungstenite::Error;

    #[inline(always)]
    fn poll_ready(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), tungstenite::Error>> {
        // Messages must not push in before the Pongs for ever.
        ready!(self.as_mut().poll_pongs(cx));
        // The stream waits only if its bytes have had to.
        match self.meter.has_blocked() {
            true => Sink::poll_ready(self.project().stream, cx),
            false => Poll::Ready(Ok(())),
        }
    }

    #[inline(always)]
    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), tungstenite::Error> {
        match frame {
            Frame::Part => Ok(()),
            frame => Sink::start_send(self.project().stream, frame.into()),
        }
    }

    #[inline(always)]
    fn poll_flush(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), tungstenite::Error>> {
        let this = self.project();
        ready!(Sink::poll_flush(this.stream, cx))?;
        *this.pongs = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_close(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), tungstenite::Error>> {
        Sink::poll_close(self.project().stream, cx)
    }
}

impl<S> fmt::Debug for Conn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        io,
        sync::atomic::{AtomicBool, Ordering},
    };

    use async_tungstenite::tungstenite::protocol::Role;
    use futures::{FutureExt, SinkExt, StreamExt, executor::block_on};

    use super::*;

    /// A peer that has sent all of this, and takes what is written while told to.
    struct Peer<'a> {
        sent: &'a [u8],
        takes: &'a AtomicBool,
    }

    impl AsyncRead for Peer<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            match io::Read::read(&mut self.sent, buffer)? {
                0 => Poll::Pending,
                read => Poll::Ready(Ok(read)),
            }
        }
    }

    impl AsyncWrite for Peer<'_> {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            match self.takes.load(Ordering::Relaxed) {
                true => Poll::Ready(Ok(bytes.len())),
                false => Poll::Pending,
            }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn is_read(conn: &mut Conn<Peer<'_>>) -> bool {
        matches!(conn.next().now_or_never(), Some(Some(Ok(Frame::Ping(_)))))
    }

    #[test]
    fn pongs_that_a_peer_has_taken_do_not_count_against_it_when_it_stalls() {
        let pings = [0x89, 0x00].repeat(2 * usize::from(MOST_PONGS));
        let takes = AtomicBool::new(true);
        let peer = Peer { sent: &pings, takes: &takes };
        let stream = block_on(WebSocketStream::from_raw_socket(peer, Role::Client, None));
        let mut conn = Conn::from(stream);
        for _ in 1..MOST_PONGS {
            assert!(is_read(&mut conn));
        }
        assert!(matches!(conn.flush().now_or_never(), Some(Ok(()))));
        takes.store(false, Ordering::Relaxed);
        for count in 0..MOST_PONGS {
            assert!(is_read(&mut conn), "only {count} wait");
        }
        assert!(conn.next().now_or_never().is_none(), "too many Pongs wait");
    }

    #[test]
    fn a_peer_that_takes_no_pongs_is_read_again_as_soon_as_it_does_whatever_is_sent_then() {
        let (pings, takes) =
            ([0x89, 0x00].repeat(2 * usize::from(MOST_PONGS)), AtomicBool::new(false));
        let peer = Peer { sent: &pings, takes: &takes };
        let stream = block_on(WebSocketStream::from_raw_socket(peer, Role::Client, None));
        let mut conn = Conn::from(stream);
        for _ in 0..MOST_PONGS {
            assert!(is_read(&mut conn));
        }
        assert!(conn.next().now_or_never().is_none(), "too many Pongs wait");
        takes.store(true, Ordering::Relaxed);
        let message = Frame::Message(Message::binary(vec![0; 1 << 20]));
        assert!(matches!(conn.feed(message).now_or_never(), Some(Ok(()))));
        takes.store(false, Ordering::Relaxed);
        let last = Frame::Message(Message::binary(vec![0; 1 << 20]));
        assert!(matches!(conn.feed(last).now_or_never(), Some(Ok(()))));
        for _ in 0..MOST_PONGS {
            assert!(is_read(&mut conn));
        }
        assert!(conn.next().now_or_never().is_none(), "nothing is left");
    }

    /// Feeds what a peer does not take, and then takes.
    fn stall<S: AsyncRead + AsyncWrite + Unpin>(mut conn: Conn<S>, takes: &AtomicBool) {
        let large = || Frame::Message(Message::binary(vec![0; 1 << 20]));
        for _ in 0..3 {
            assert!(matches!(conn.feed(large()).now_or_never(), Some(Ok(()))));
            assert!(conn.feed(large()).now_or_never().is_none(), "nobody has taken the first");
            assert!(conn.flush().now_or_never().is_none(), "nobody takes anything");
            assert!(conn.feed(large()).now_or_never().is_none(), "nobody has taken the first");
            takes.store(true, Ordering::Relaxed);
            assert!(matches!(conn.feed(large()).now_or_never(), Some(Ok(()))));
            assert!(matches!(conn.flush().now_or_never(), Some(Ok(()))));
            takes.store(false, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_peer_that_takes_nothing_is_given_no_more_with_a_meter_and_without() {
        let takes = AtomicBool::new(false);
        let peer = || Peer { sent: &[], takes: &takes };
        let stream = block_on(WebSocketStream::from_raw_socket(peer(), Role::Client, None));
        stall(Conn::from(stream), &takes);
        let meter = Meter::default();
        let peer = crate::transport::Metered::new(peer(), meter.clone());
        let stream = block_on(WebSocketStream::from_raw_socket(peer, Role::Client, None));
        stall(Conn::from(stream).with_meter(meter), &takes);
    }

    fn is_ready(conn: &mut Conn<Peer<'_>>) -> bool {
        poll_fn(|cx| conn.poll_ready_unpin(cx)).now_or_never().is_some()
    }

    #[test]
    fn after_all_was_written_a_peer_that_takes_no_pongs_keeps_messages_waiting() {
        let pings = [0x89, 0x00].repeat(usize::from(MOST_PONGS));
        let takes = AtomicBool::new(true);
        let peer = Peer { sent: &pings, takes: &takes };
        let stream = block_on(WebSocketStream::from_raw_socket(peer, Role::Client, None));
        let mut conn = Conn::from(stream);
        assert!(matches!(conn.flush().now_or_never(), Some(Ok(()))));
        takes.store(false, Ordering::Relaxed);
        for _ in 0..MOST_PONGS {
            assert!(is_ready(&mut conn));
            assert!(is_read(&mut conn));
        }
        assert!(!is_ready(&mut conn), "a message would push in");
    }
}
