//! A connection of which the tests hold every thread: what comes in, how much room there is, when
//! a flush completes, when writing fails.

use std::{
    cell::{RefCell, RefMut},
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::{Sink, Stream};
use steadfast::{
    FailureKind,
    client::{Frame, Message},
    testing::MemoryError,
};

use crate::rig::{Rig, show};

#[derive(Default)]
pub(crate) struct State {
    pub(crate) incoming: VecDeque<Frame>,
    /// Comes in again and again, when nothing else does.
    pub(crate) flood: Option<Frame>,
    pub(crate) ended: bool,
    pub(crate) reads: usize,
    /// How many frames can be given before there is no more room.
    pub(crate) room: usize,
    /// There is room only when this is asked for the second time.
    pub(crate) hesitates: bool,
    pub(crate) flush_hangs: bool,
    pub(crate) broken: Option<FailureKind>,
    given: Vec<Frame>,
    written: Vec<Frame>,
    pub(crate) flushes: usize,
    /// The flush after which they hang.
    pub(crate) last_flush: usize,
    wakers: Vec<Waker>,
}

/// The test's end.
#[derive(Clone)]
pub(crate) struct Wire(Rc<RefCell<State>>);

/// The client's end.
pub(crate) struct WireConn(Wire);

impl Wire {
    pub(crate) fn new() -> Self {
        Self(Rc::new(RefCell::new(State { room: usize::MAX, ..State::default() })))
    }

    /// An open connection over a wire.
    pub(crate) fn open() -> (Rig<crate::rig::Client<WireConn>, WireConn>, Self) {
        let (mut rig, wire) = (Rig::new(), Self::new());
        rig.accept(wire.conn());
        assert_eq!(rig.told(), ["dialing 0", "up"]);
        (rig, wire)
    }

    pub(crate) fn conn(&self) -> WireConn {
        WireConn(self.clone())
    }

    /// Changes something and wakes the client.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        let wakers = {
            let mut state = self.state();
            change(&mut state);
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn say(&self, frame: Frame) {
        self.change(|state| state.incoming.push_back(frame));
    }

    pub(crate) fn text(&self, text: &str) {
        self.say(Frame::Message(Message::text(text)));
    }

    /// What has been flushed since this was last asked, in words.
    pub(crate) fn written(&self) -> Vec<String> {
        self.state().written.drain(..).map(|frame| show(&frame)).collect()
    }

    pub(crate) fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }
}

impl State {
    fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        if !self.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    fn check(&self) -> Result<(), MemoryError> {
        self.broken.map_or(Ok(()), |kind| Err(MemoryError(kind.into())))
    }
}

impl Stream for WireConn {
    type Item = Result<Frame, MemoryError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.state();
        let frame = state.incoming.pop_front().or_else(|| state.flood.clone());
        match frame {
            Some(frame) => {
                state.reads += 1;
                Poll::Ready(Some(Ok(frame)))
            }
            None if state.ended => Poll::Ready(None),
            None => state.wait(cx),
        }
    }
}

impl Sink<Frame> for WireConn {
    type Error = MemoryError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        let mut state = self.0.state();
        state.check()?;
        if std::mem::take(&mut state.hesitates) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if state.room == 0 { state.wait(cx) } else { Poll::Ready(Ok(())) }
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), MemoryError> {
        let mut state = self.0.state();
        state.check()?;
        assert!(state.room > 0, "given a frame without asking for room");
        state.room -= 1;
        state.given.push(frame);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        let mut state = self.0.state();
        state.check()?;
        if state.flush_hangs {
            return state.wait(cx);
        }
        state.flushes += 1;
        state.flush_hangs = state.flushes == state.last_flush;
        let given = std::mem::take(&mut state.given);
        state.written.extend(given);
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        self.poll_flush(cx)
    }
}
