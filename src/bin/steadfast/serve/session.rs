//! One open connection: it answers with what it gets, and goes wrong when it is time for that.

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use async_io::Timer;
use futures::{
    AsyncRead, AsyncWrite, FutureExt, SinkExt, StreamExt,
    channel::oneshot,
    future::{self, Shared},
    ready,
};
use steadfast::{
    CloseCode, FailureKind,
    client::{CloseFrame, Frame, Message, TransportError},
    transport::{Conn, Metered},
};

use super::{
    chaos::Trouble,
    dice::Troubles,
    log::{Event, Log},
};

/// Nothing is read while so many answers, or bytes of them, wait.
const MOST_ANSWERS: usize = 64;
const MOST_BYTES: usize = 256 << 10;

/// A peer that always has something to say must not keep the others waiting.
const FRAMES_PER_POLL: usize = 64;

/// How long the peer has to take what is still to be said, and to answer a Close.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Ready when the server stops.
pub(crate) type Stop = Shared<oneshot::Receiver<()>>;

/// How a connection ends.
pub(crate) enum End {
    /// The peer has sent a Close, and has been answered.
    Closed(Option<Box<CloseFrame>>),
    /// The peer has left without one, or the wire has failed.
    Lost,
    /// The peer has broken the protocol, and has been told with this code.
    Violation(CloseCode),
    /// The server has sent a Close.
    Closing(CloseCode),
    /// The server leaves without one.
    Drop,
    Reset,
}

pub(crate) struct Session<'a, S> {
    pub(crate) number: u64,
    conn: Conn<Metered<S>>,
    troubles: Troubles,
    stop: Stop,
    log: &'a Log,
    opened: Instant,
    alarm: Timer,
    alarm_at: Option<Instant>,
    answers: VecDeque<Message>,
    /// Until when, since the opening, answers wait, and until when nothing is read or written.
    stalled: Duration,
    muted: Duration,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    pub(crate) fn new(
        number: u64,
        conn: Conn<Metered<S>>,
        troubles: Troubles,
        stop: Stop,
        log: &'a Log,
    ) -> Self {
        Self {
            number,
            conn,
            troubles,
            stop,
            log,
            opened: Instant::now(),
            alarm: Timer::never(),
            alarm_at: None,
            answers: VecDeque::new(),
            stalled: Duration::ZERO,
            muted: Duration::ZERO,
        }
    }

    pub(crate) async fn run(mut self) -> End {
        let end = std::future::poll_fn(|cx| self.poll(cx)).await;
        future::select(pin!(self.part(&end)), Timer::after(LAST_WORDS)).await;
        end
    }

    /// What is still to be said. A fault at one message takes nothing from those before it.
    async fn part(&mut self, end: &End) {
        match end {
            End::Lost => {}
            End::Drop | End::Reset => drop(self.conn.flush().await),
            End::Closed(_) => self.read_out().await,
            End::Violation(code) | End::Closing(code) => {
                let close = Frame::from(CloseFrame::new(*code, ""));
                if self.conn.send(close).await.is_ok() {
                    self.read_out().await;
                }
            }
        }
    }

    /// Until the closing handshake is over.
    async fn read_out(&mut self) {
        while let Some(Ok(_)) = self.conn.next().await {}
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..FRAMES_PER_POLL {
            if self.stop.poll_unpin(cx).is_ready() {
                return Poll::Ready(End::Closing(CloseCode::GOING_AWAY));
            }
            let now = self.opened.elapsed();
            if now < self.muted {
                ready!(self.poll_alarm(cx, Some(self.muted)));
                continue;
            }
            let troubles = self.troubles.due(now);
            if let Some(end) = self.meet(now, troubles) {
                return Poll::Ready(end);
            }
            if now < self.muted {
                continue;
            }
            match self.poll_wire(cx, now) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(end)) => return Poll::Ready(end),
                Poll::Pending => {
                    let stall = (now < self.stalled).then_some(self.stalled);
                    let next = [self.troubles.next(), stall].into_iter().flatten().min();
                    ready!(self.poll_alarm(cx, next));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ready when one frame has been read. All that can be has been written then.
    fn poll_wire(&mut self, cx: &mut Context<'_>, now: Duration) -> Poll<Result<(), End>> {
        let lost = |_| End::Lost;
        // Before the next frame is read: no answer may follow the answer to a Close.
        while now >= self.stalled && !self.answers.is_empty() {
            if self.conn.poll_ready_unpin(cx).map_err(lost)?.is_pending() {
                break;
            }
            if let Some(answer) = self.answers.pop_front() {
                self.conn.start_send_unpin(Frame::Message(answer)).map_err(lost)?;
            }
        }
        let is_full = self.answers.len() >= MOST_ANSWERS
            || self.answers.iter().map(Message::len).sum::<usize>() >= MOST_BYTES;
        let frame = match is_full {
            true => Poll::Pending,
            false => self.conn.poll_next_unpin(cx),
        };
        match frame {
            Poll::Ready(Some(Ok(Frame::Message(message)))) => {
                self.log.message(self.number, &message);
                let troubles = self.troubles.at_message();
                let end = self.meet(now, troubles);
                self.answers.push_back(message);
                Poll::Ready(end.map_or(Ok(()), Err))
            }
            Poll::Ready(Some(Ok(Frame::Close(close)))) => Poll::Ready(Err(End::Closed(close))),
            Poll::Ready(Some(Ok(_))) => Poll::Ready(Ok(())),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(match error.failure().kind() {
                FailureKind::Violation(code) => End::Violation(code),
                _ => End::Lost,
            })),
            Poll::Ready(None) => Poll::Ready(Err(End::Lost)),
            Poll::Pending => {
                let _ = self.conn.poll_flush_unpin(cx).map_err(lost)?;
                Poll::Pending
            }
        }
    }

    /// Carries out what does not end the connection, and says what does.
    fn meet(&mut self, now: Duration, troubles: Vec<Trouble>) -> Option<End> {
        for trouble in troubles {
            self.log.tell(&Event::Fault { connection: self.number, fault: trouble.into() });
            match trouble {
                Trouble::Drop => return Some(End::Drop),
                Trouble::Reset => return Some(End::Reset),
                Trouble::Close(code) => return Some(End::Closing(code)),
                Trouble::Stall(span) => self.stalled = self.stalled.max(now + span.get()),
                Trouble::Mute(span) => self.muted = self.muted.max(now + span.get()),
            }
        }
        None
    }

    /// Ready at this time since the opening.
    fn poll_alarm(&mut self, cx: &mut Context<'_>, at: Option<Duration>) -> Poll<()> {
        let Some(at) = at.and_then(|at| self.opened.checked_add(at)) else { return Poll::Pending };
        if self.alarm_at != Some(at) {
            self.alarm.set_at(at);
            self.alarm_at = Some(at);
        }
        let rung = Pin::new(&mut self.alarm).poll(cx);
        if rung.is_ready() {
            self.alarm_at = None;
        }
        rung.map(|_| ())
    }
}
