//! A dialer and its connections, which read from one script of bytes what to do at each call.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::{Sink, Stream};
use steadfast::{
    CloseCode, Failure, FailureKind,
    client::{CloseFrame, Dial, DialContext, Frame, Message},
    testing::MemoryError,
};

/// What all dials and connections of a life share.
#[derive(Clone)]
pub(super) struct Wires(Rc<RefCell<Shared>>);

struct Shared {
    script: VecDeque<u8>,
    waiting: Vec<Waker>,
    dials: u32,
    alive: u32,
    /// Numbers of the messages that came in and have not been delivered.
    incoming: VecDeque<u32>,
    next_incoming: u32,
    /// What the newest connection was given and has not flushed.
    unflushed: u64,
    last_ping: Vec<u8>,
}

impl Wires {
    pub(super) fn new(data: &[u8]) -> Self {
        Self(Rc::new(RefCell::new(Shared {
            script: data.iter().copied().collect(),
            waiting: Vec::new(),
            dials: 0,
            alive: 0,
            incoming: VecDeque::new(),
            next_incoming: 0,
            unflushed: 0,
            last_ping: Vec::new(),
        })))
    }

    pub(super) fn dialer(&self) -> Dialer {
        Dialer(self.clone())
    }

    pub(super) fn byte(&self) -> Option<u8> {
        self.0.borrow_mut().script.pop_front()
    }

    /// Wakes all that wait: something may have changed.
    pub(super) fn wake(&self) {
        let waiting = std::mem::take(&mut self.0.borrow_mut().waiting);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(super) fn dials(&self) -> u32 {
        self.0.borrow().dials
    }

    /// How many dials and connections there are now.
    pub(super) fn alive(&self) -> u32 {
        self.0.borrow().alive
    }

    /// The application was given this message: the oldest that it has not been given.
    pub(super) fn delivered(&self, message: Message) {
        let number = self.0.borrow_mut().incoming.pop_front().expect("a message from nowhere");
        assert_eq!(message.as_bytes(), number.to_be_bytes(), "out of order, lost or doubled");
    }

    /// The application was told that the newest connection has ended.
    pub(super) fn ended(&self, unflushed: u64) {
        let mut shared = self.0.borrow_mut();
        assert_eq!(std::mem::take(&mut shared.unflushed), unflushed, "accepted and not written");
        assert!(shared.incoming.is_empty(), "what came in is told before the end");
    }

    /// Pending, until something may have changed.
    fn wait<T>(&self, cx: &Context<'_>) -> Poll<T> {
        self.0.borrow_mut().waiting.push(cx.waker().clone());
        Poll::Pending
    }

    fn failure(&self) -> Failure {
        let code = |shift: u16| CloseCode::new(990 + shift);
        let kind = match self.byte().unwrap_or(0) {
            byte @ 0..=99 => FailureKind::Http(400 + u16::from(byte) * 2),
            byte @ 100..=139 => FailureKind::Closed(code(u16::from(byte) - 100)),
            140..=159 => FailureKind::Certificate,
            byte @ 160..=169 => {
                let told = Failure::from(FailureKind::Http(503));
                return told.with_retry_after(std::time::Duration::from_secs(byte.into()));
            }
            170..=179 => FailureKind::Violation(CloseCode::PROTOCOL_ERROR),
            _ => FailureKind::Reset,
        };
        kind.into()
    }
}

pub(super) struct Dialer(Wires);

impl Dial for Dialer {
    type Conn = Wire;
    type Error = MemoryError;
    type Future = Dialing;

    fn dial(&mut self, _: DialContext) -> Dialing {
        self.0.0.borrow_mut().dials += 1;
        Dialing(Some(Wire::new(self.0.clone())))
    }
}

/// A dial under way, and the connection it may become.
pub(super) struct Dialing(Option<Wire>);

impl Future for Dialing {
    type Output = Result<Wire, MemoryError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let wire = self.0.take().expect("polled after it was ready");
        match wire.0.byte() {
            Some(0..=159) => Poll::Ready(Ok(wire)),
            Some(160..=219) => Poll::Ready(Err(MemoryError(wire.0.failure()))),
            _ => {
                let pending = wire.0.wait(cx);
                self.0 = Some(wire);
                pending
            }
        }
    }
}

pub(super) struct Wire(Wires);

impl Wire {
    fn new(wires: Wires) -> Self {
        wires.0.borrow_mut().alive += 1;
        Self(wires)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.0.borrow_mut().alive -= 1;
    }
}

impl Stream for Wire {
    type Item = Result<Frame, MemoryError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let wires = &self.0;
        let frame = match wires.byte() {
            Some(0..=99) => {
                let mut shared = wires.0.borrow_mut();
                let number = shared.next_incoming;
                shared.next_incoming += 1;
                shared.incoming.push_back(number);
                Frame::Message(number.to_be_bytes().to_vec().into())
            }
            Some(100..=119) => Frame::Part,
            Some(120..=129) => Frame::Ping(Default::default()),
            Some(130..=149) => Frame::Pong(wires.0.borrow().last_ping.clone().into()),
            Some(150..=154) => Frame::Pong(vec![0, 0, 0, wires.byte().unwrap_or(0)].into()),
            Some(155..=159) => Frame::Close(None),
            Some(byte @ 160..=169) => {
                let code = CloseCode::new(1_000 + u16::from(byte) - 155);
                CloseFrame::new(code, "retry-after=3").into()
            }
            Some(170..=179) => return Poll::Ready(Some(Err(MemoryError(wires.failure())))),
            Some(180..=184) => return Poll::Ready(None),
            _ => return wires.wait(cx),
        };
        Poll::Ready(Some(Ok(frame)))
    }
}

impl Wire {
    fn poll_write(&self, cx: &Context<'_>) -> Poll<Result<(), MemoryError>> {
        match self.0.byte() {
            Some(0..=199) | None => Poll::Ready(Ok(())),
            Some(200..=244) => self.0.wait(cx),
            Some(_) => Poll::Ready(Err(MemoryError(self.0.failure()))),
        }
    }
}

impl Sink<Frame> for Wire {
    type Error = MemoryError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        self.poll_write(cx)
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), MemoryError> {
        let mut shared = self.0.0.borrow_mut();
        match frame {
            Frame::Message(_) => shared.unflushed += 1,
            Frame::Ping(payload) => shared.last_ping = payload.to_vec(),
            _ => {}
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        let flushed = self.poll_write(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.0.0.borrow_mut().unflushed = 0;
        }
        flushed
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        self.poll_flush(cx)
    }
}
