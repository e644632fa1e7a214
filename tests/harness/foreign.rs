//! A driver as a user would write it, over the seams alone.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Sink, Stream, StreamExt, future::poll_fn};
use steadfast::{
    Action, CloseCode, Command, Epoch, Event, Failure, FailureKind, Nonce, PeerClose, Signal,
    StateMachine, Wake,
    client::{Clock, CloseFrame, Conn, Dial, DialContext, Frame, TransportError},
    testing::harness::{Stage, check_driver},
};

use crate::seeds;

/// What is there of a connection.
enum Link<D: Dial> {
    None,
    Dialing(Epoch, Pin<Box<D::Future>>),
    Open(Epoch, D::Conn),
}

pub(crate) struct Loop<M, D: Dial, K> {
    machine: M,
    dialer: D,
    clock: K,
    link: Link<D>,
    unsent: VecDeque<Frame>,
}

impl<M: StateMachine, D: Dial, K: Clock> Loop<M, D, K> {
    pub(crate) fn new(machine: M, dialer: D, clock: K) -> Self {
        Self { machine, dialer, clock, link: Link::None, unsent: VecDeque::new() }
    }

    /// Drives the machine until the commands end.
    pub(crate) async fn run(mut self, mut commands: impl Stream<Item = Command> + Unpin) {
        poll_fn(|cx| {
            loop {
                // What comes in first, then what is wanted, then time.
                if let Poll::Ready(event) = self.poll_link(cx) {
                    self.tell(event);
                } else if let Poll::Ready(command) = commands.poll_next_unpin(cx) {
                    match command {
                        Some(command) => self.tell(command.into()),
                        None => return Poll::Ready(()),
                    }
                } else if self.poll_wake(cx).is_ready() {
                    self.tell(Event::Tick);
                } else {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }

    fn tell(&mut self, event: Event) {
        for action in self.machine.handle(self.clock.now(), event).actions {
            match action {
                Action::Dial { epoch, attempt, credentials } => {
                    let context = DialContext::new(epoch, attempt, credentials);
                    self.unsent.clear();
                    self.link = Link::Dialing(epoch, Box::pin(self.dialer.dial(context)));
                }
                Action::Ping { nonce, .. } => {
                    self.unsent.push_back(Frame::Ping(Bytes::copy_from_slice(&nonce.to_bytes())));
                }
                Action::Close { code, .. } => {
                    let close = code.map(|code| Box::new(CloseFrame::new(code, "")));
                    self.unsent.push_back(Frame::Close(close));
                }
                Action::Abort { .. } => self.link = Link::None,
                Action::Notify(_) => {}
            }
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.machine.wake() {
            Wake::At(due, _) => Pin::new(&mut self.clock).poll_until(cx, due),
            Wake::Idle => Poll::Pending,
        }
    }

    fn poll_link(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let (epoch, polled) = match &mut self.link {
            Link::None => return Poll::Pending,
            Link::Dialing(epoch, dial) => (*epoch, ready!(dial.as_mut().poll(cx)).map(Some)),
            Link::Open(epoch, conn) => {
                let epoch = *epoch;
                let signal = match Self::poll_conn(conn, &mut self.unsent, cx) {
                    Poll::Ready(Ok(frame)) => signal(&frame),
                    Poll::Ready(Err(failure)) => {
                        self.link = Link::None;
                        Signal::Lost(failure)
                    }
                    Poll::Pending => return Poll::Pending,
                };
                return Poll::Ready(Event::Transport(epoch, signal));
            }
        };
        let signal = match polled {
            Ok(conn) => {
                self.link = conn.map_or(Link::None, |conn| Link::Open(epoch, conn));
                Signal::Opened
            }
            Err(error) => {
                self.link = Link::None;
                Signal::Lost(error.failure())
            }
        };
        Poll::Ready(Event::Transport(epoch, signal))
    }

    /// The next frame, or how it ended. Writes, too.
    fn poll_conn(
        conn: &mut D::Conn,
        unsent: &mut VecDeque<Frame>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Frame, Failure>> {
        let mut conn = Pin::new(conn);
        match conn.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(frame))) => return Poll::Ready(Ok(frame.into())),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error.failure())),
            Poll::Ready(None) => {
                return Poll::Ready(Err(FailureKind::Closed(CloseCode::ABNORMAL).into()));
            }
            Poll::Pending => {}
        }
        match Self::poll_write(conn, unsent, cx) {
            Poll::Ready(Err(failure)) => Poll::Ready(Err(failure)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }

    fn poll_write(
        mut conn: Pin<&mut D::Conn>,
        unsent: &mut VecDeque<Frame>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        let failure = |error: <D::Conn as Conn>::Error| error.failure();
        while !unsent.is_empty() {
            ready!(conn.as_mut().poll_ready(cx)).map_err(failure)?;
            if let Some(frame) = unsent.pop_front() {
                conn.as_mut().start_send(frame.into()).map_err(failure)?;
            }
        }
        conn.poll_flush(cx).map_err(failure)
    }
}

fn signal(frame: &Frame) -> Signal {
    match frame {
        Frame::Message(_) | Frame::Ping(_) | Frame::Part => Signal::Received,
        Frame::Pong(payload) => Nonce::from_payload(payload).map_or(Signal::Received, Signal::Pong),
        Frame::Close(close) => {
            let code = close.as_ref().map_or(CloseCode::NO_STATUS, |close| close.code);
            Signal::CloseReceived(PeerClose::from(code))
        }
    }
}

#[test]
fn a_loop_that_a_user_wrote_does_what_the_machine_says() {
    let report = check_driver(seeds(2_000_000), |stage: Stage| async {
        let Stage { machine, dialer, clock, commands, .. } = stage;
        Loop::new(machine, dialer, clock).run(commands).await;
    });
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.runs >= 300 && report.opens > 3 * report.runs, "{report:?}");
}
