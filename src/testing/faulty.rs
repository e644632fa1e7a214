use std::{
    collections::VecDeque,
    fmt,
    ops::RangeInclusive,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{Sink, Stream};

use super::{Fault, FaultError, Faults, ManualClock, When};
use crate::{
    Failure, Instant,
    client::{Clock, Conn, Frame},
    rng::{SplitMix64, spread},
    time::Nanos,
};

/// How many frames are on their way in one direction before the sender has to wait.
const IN_FLIGHT: usize = 64;

/// A connection with injected faults: any [`Conn`], in memory or over TCP, with [`Faults`] between it
/// and its user. It is a `Conn` itself.
///
/// It has no task of its own: delayed frames move on when it is polled, for which its clock wakes the
/// task. Those still on their way when it is dropped are lost.
///
/// ```
/// # use futures::{SinkExt, StreamExt};
/// use std::time::Duration;
/// use steadfast::{client::{Clock, Frame}, testing::{Faults, Faulty, VirtualTime, pair}};
///
/// let mut time = VirtualTime::new();
/// let clock = time.clock();
/// let (conn, mut peer) = pair(16);
/// let second = Duration::from_secs(1);
/// let faults = Faults::none().with_latency_in(second..=second);
/// let mut conn = Faulty::new(conn, time.clock(), faults);
/// time.run(async {
///     peer.send_message("from far away").await;
///     assert_eq!(conn.next().await, Some(Ok(Frame::Message("from far away".into()))));
///     assert_eq!(clock.now().as_nanos(), 1_000_000_000);
/// })?;
/// # Ok::<(), steadfast::testing::RunError>(())
/// ```
///
/// To put faults on the connections of any dialer, wrap what it dials:
///
/// ```
/// # #[cfg(feature = "tungstenite")] {
/// use steadfast::{client::Dial, testing::{Faults, Faulty}, transport::AsyncIoClock};
///
/// # fn build() -> Result<(), steadfast::transport::UrlError> {
/// let connection = steadfast::connect("ws://127.0.0.1:9001/feed")?
///     .map_dialer(|mut dialer| move |context| {
///         let dial = dialer.dial(context);
///         let faults = Faults::none().with_spurious_percent(30);
///         async { dial.await.map(|conn| Faulty::new(conn, AsyncIoClock::new(), faults)) }
///     })
///     .build();
/// # Ok(()) }
/// # }
/// ```
pub struct Faulty<C: Conn, K = ManualClock> {
    conn: C,
    clock: K,
    rng: SplitMix64,
    faults: Faults,
    opened: Instant,
    /// Frames read or given.
    passed: u64,
    /// First come, first served: one that is due waits for those before it.
    incoming: VecDeque<(Instant, Item<C>)>,
    /// The inner connection has ended; its end may still be on its way.
    ended: bool,
    outgoing: VecDeque<(Instant, Frame)>,
    /// Something was given to the inner connection since its last complete flush.
    dirty: bool,
    stalled: bool,
    reads_from: Instant,
    writes_from: Instant,
    truncates_close: bool,
    read_failure: Option<Failure>,
    write_failure: Option<Failure>,
    /// What came to light while reading, for the next write to tell.
    write_error: Option<ErrorOf<C>>,
}

type ErrorOf<C> = FaultError<<C as Conn>::Error>;

/// `None` is the end.
type Item<C> = Option<Result<Frame, ErrorOf<C>>>;

type Polled<C> = Poll<Result<(), ErrorOf<C>>>;

impl<C: Conn, K: Clock> Faulty<C, K> {
    /// A connection that has just been opened.
    pub fn new(conn: C, clock: K, faults: Faults) -> Self {
        let opened = clock.now();
        Self {
            conn,
            clock,
            rng: SplitMix64::new(faults.seed),
            faults,
            opened,
            passed: 0,
            incoming: VecDeque::new(),
            ended: false,
            outgoing: VecDeque::new(),
            dirty: false,
            stalled: false,
            reads_from: opened,
            writes_from: opened,
            truncates_close: false,
            read_failure: None,
            write_failure: None,
            write_error: None,
        }
    }

    /// Lets the faults begin that are due. Pending if this poll is to be in vain.
    fn begin(&mut self, cx: &Context<'_>) -> Poll<Instant> {
        let now = self.clock.now();
        let (age, passed) = (now.saturating_duration_since(self.opened), self.passed);
        let is_due = |(when, _): &(When, Fault)| match *when {
            When::AfterFrames(frames) => passed >= frames,
            When::After(after) => age >= after,
        };
        while let Some(index) = self.faults.faults.iter().position(is_due) {
            let (when, fault) = self.faults.faults.remove(index);
            // It may have been due long before this poll.
            let began = match when {
                When::After(after) => self.opened.saturating_add(after),
                When::AfterFrames(_) => now,
            };
            match fault {
                Fault::Stall => self.stalled = true,
                Fault::Fail(failure) => self.fail(failure, now),
                Fault::FailWrites(failure) => self.write_failure = Some(failure),
                Fault::BlockWrites(span) => {
                    self.writes_from = self.writes_from.max(began.saturating_add(span));
                }
                Fault::PauseReads(span) => {
                    self.reads_from = self.reads_from.max(began.saturating_add(span));
                }
                Fault::TruncateClose => self.truncates_close = true,
            }
        }
        let percent = u64::from(self.faults.spurious_percent);
        if percent > 0 && spread(0, 99, self.rng.next()) < percent {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(now)
    }

    fn fail(&mut self, failure: Failure, now: Instant) {
        if !self.has_told_end() {
            self.read_failure = Some(failure);
        }
        self.write_failure = Some(failure);
        // After it, the end, and no other fault.
        self.incoming.clear();
        self.outgoing.clear();
        self.faults.faults.clear();
        self.ended = true;
        self.stalled = false;
        self.reads_from = now;
    }

    fn has_told_end(&self) -> bool {
        self.ended && self.incoming.is_empty()
    }

    /// Sees to being polled when the next thing happens by itself.
    fn arm(&mut self, cx: &mut Context<'_>, now: Instant) {
        let faults = self.faults.faults.iter().filter_map(|(when, _)| match *when {
            When::After(after) => Some(self.opened.saturating_add(after)),
            When::AfterFrames(_) => None,
        });
        let arrivals = self.incoming.front().map(|(due, _)| *due);
        let departures = self.outgoing.front().map(|(due, _)| *due);
        let instants = faults.chain(arrivals).chain(departures);
        let next = instants.chain([self.reads_from, self.writes_from]).filter(|at| *at > now).min();
        if next.is_some_and(|next| Pin::new(&mut self.clock).poll_until(cx, next).is_ready()) {
            cx.waker().wake_by_ref();
        }
    }

    /// Takes what has come in, and says when it will be here.
    fn take_in(&mut self, cx: &mut Context<'_>, now: Instant) {
        let room = if is_zero(&self.faults.latency_in) { 1 } else { IN_FLIGHT };
        while !self.ended && self.incoming.len() < room {
            let Poll::Ready(item) = Pin::new(&mut self.conn).poll_next(cx) else { return };
            let item = item.map(|item| item.map(Into::into).map_err(FaultError::Inner));
            self.ended = item.is_none();
            let due = now.after(draw(&self.faults.latency_in, &mut self.rng));
            self.incoming.push_back((due, item));
        }
    }

    /// Gives what has arrived at the other end to the inner connection, and flushes that.
    fn give_out(&mut self, cx: &mut Context<'_>, now: Instant) -> Polled<C> {
        if self.stalled {
            return Poll::Pending;
        }
        while self.outgoing.front().is_some_and(|(due, _)| *due <= now) {
            ready!(Pin::new(&mut self.conn).poll_ready(cx)).map_err(FaultError::Inner)?;
            if let Some((_, frame)) = self.outgoing.pop_front() {
                self.dirty = true;
                Pin::new(&mut self.conn).start_send(frame.into()).map_err(FaultError::Inner)?;
            }
        }
        if self.dirty {
            ready!(Pin::new(&mut self.conn).poll_flush(cx)).map_err(FaultError::Inner)?;
            self.dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Whether frames that are given stay here for a while, or for ever.
    fn keeps_frames(&self) -> bool {
        self.stalled || !is_zero(&self.faults.latency_out)
    }

    /// Ready unless writing is blocked.
    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<Result<Instant, ErrorOf<C>>> {
        let now = ready!(self.begin(cx));
        if let Some(failure) = self.write_failure {
            return Poll::Ready(Err(FaultError::Injected(failure)));
        }
        if let Some(error) = self.write_error.take() {
            return Poll::Ready(Err(error));
        }
        if now < self.writes_from {
            self.arm(cx, now);
            return Poll::Pending;
        }
        Poll::Ready(Ok(now))
    }
}

impl<C: Conn, K: Clock> Stream for Faulty<C, K> {
    type Item = Result<Frame, ErrorOf<C>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let now = ready!(this.begin(cx));
        if let Some(failure) = this.read_failure.take() {
            return Poll::Ready(Some(Err(FaultError::Injected(failure))));
        }
        if this.write_error.is_none() {
            // The next write tells. What can still be read may tell more.
            this.write_error = match this.give_out(cx, now) {
                Poll::Ready(Err(error)) => Some(error),
                _ => None,
            };
        }
        if !this.stalled && now >= this.reads_from {
            this.take_in(cx, now);
            if this.incoming.front().is_some_and(|(due, _)| *due <= now) {
                this.passed += 1;
                let item = this.incoming.pop_front().and_then(|(_, item)| item);
                if this.truncates_close && matches!(item, Some(Ok(Frame::Close(_)))) {
                    this.incoming.clear();
                    this.ended = true;
                    return Poll::Ready(None);
                }
                return Poll::Ready(item);
            }
            if this.has_told_end() {
                return Poll::Ready(None);
            }
        }
        this.arm(cx, now);
        Poll::Pending
    }
}

impl<C: Conn, K: Clock> Sink<Frame> for Faulty<C, K> {
    type Error = ErrorOf<C>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled<C> {
        let this = self.get_mut();
        let now = ready!(this.poll_writable(cx))?;
        let polled = match this.keeps_frames() {
            true => {
                let _ = this.give_out(cx, now)?;
                if this.outgoing.len() < IN_FLIGHT { Poll::Ready(Ok(())) } else { Poll::Pending }
            }
            false => Pin::new(&mut this.conn).poll_ready(cx).map_err(FaultError::Inner),
        };
        this.arm(cx, now);
        polled
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), Self::Error> {
        let this = self.get_mut();
        this.passed += 1;
        if this.keeps_frames() {
            let due = this.clock.now().after(draw(&this.faults.latency_out, &mut this.rng));
            this.outgoing.push_back((due, frame));
            return Ok(());
        }
        Pin::new(&mut this.conn).start_send(frame.into()).map_err(FaultError::Inner)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled<C> {
        let this = self.get_mut();
        let now = ready!(this.poll_writable(cx))?;
        let polled = match this.keeps_frames() {
            // What the network has taken is written, wherever it is.
            true => {
                let _ = this.give_out(cx, now)?;
                Poll::Ready(Ok(()))
            }
            false => Pin::new(&mut this.conn).poll_flush(cx).map_err(FaultError::Inner),
        };
        this.arm(cx, now);
        polled
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled<C> {
        let this = self.get_mut();
        let now = ready!(this.poll_writable(cx))?;
        let _ = this.give_out(cx, now)?;
        this.arm(cx, now);
        match (this.stalled, this.outgoing.is_empty()) {
            (true, _) => Poll::Ready(Ok(())),
            (false, true) => Pin::new(&mut this.conn).poll_close(cx).map_err(FaultError::Inner),
            (false, false) => Poll::Pending,
        }
    }
}

impl<C: Conn, K> Unpin for Faulty<C, K> {}

impl<C: Conn, K> fmt::Debug for Faulty<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("faults", &self.faults).finish_non_exhaustive()
    }
}

fn is_zero(latency: &RangeInclusive<Duration>) -> bool {
    latency.end().is_zero() && latency.start().is_zero()
}

fn draw(latency: &RangeInclusive<Duration>, rng: &mut SplitMix64) -> Nanos {
    if is_zero(latency) {
        return Nanos(0);
    }
    let [low, high] = [latency.start(), latency.end()].map(|end| Nanos::saturating_from(*end).0);
    Nanos(spread(low, high, rng.next()))
}
