//! The cheap side: send, close, ask and look from anywhere.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    CloseFrame, Message, SendError, SendErrorReason,
    mailbox::{Mailbox, Request, wake},
};
use crate::{ClosedReason, Command, Network, State, Stats};

/// A handle on a connection that a [`Driver`](super::Driver) drives. Clone it freely.
///
/// What it shows is what the driver last knew; what it asks is done when the driver is polled
/// next. All of it answers at once, or by a future that loses nothing when it is dropped.
#[derive(Clone)]
pub struct Handle {
    mailbox: Arc<Mailbox>,
}

impl Handle {
    pub(super) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox }
    }

    /// Sends a message; waits for room in the queue. It is *accepted* when the future is ready:
    /// [`flush`](Self::flush) tells when it has been written.
    ///
    /// # Errors
    ///
    /// With the message, if the connection is not open.
    pub fn send(&self, message: impl Into<Message>) -> Sending<'_> {
        Sending { handle: self, message: Some(message.into()) }
    }

    /// Sends a message if there is room for it.
    ///
    /// # Errors
    ///
    /// With the message, if the connection is not open or the queue is full.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        let message = message.into();
        let accepted = self.mailbox.lock().accept(message);
        let driver = accepted.map_err(|(message, reason)| SendError::of(message, reason))?;
        wake(driver);
        Ok(())
    }

    /// Waits until all messages accepted so far have been written to the socket.
    ///
    /// # Errors
    ///
    /// If the connection ended before that. The [`Down`](super::Event::Down) event tells which
    /// messages were never given to the transport.
    pub fn flush(&self) -> Flush<'_> {
        let inner = self.mailbox.lock();
        Flush { handle: self, target: inner.accepted, losses: inner.losses }
    }

    /// Connects, after [`stop`](Self::stop) or after it has given up. The stream of a driver that
    /// has ended must be polled again.
    pub fn start(&self) {
        self.command(Command::Start);
    }

    /// Closes the connection with code 1000 and dials no more.
    pub fn stop(&self) {
        self.command(Command::Stop);
    }

    /// Closes the connection with this code and reason, and dials no more.
    pub fn stop_with(&self, farewell: CloseFrame) {
        self.mailbox.request(Request::StopWith(farewell));
    }

    /// Waits until it is over: stopped, given up, or no longer driven (`None`). The driver may still
    /// have events to deliver: go on polling it to its end.
    pub fn closed(&self) -> Closed<'_> {
        Closed { handle: self }
    }

    /// Ends the wait before the next dial, as far as the policy's floor and a server's
    /// `Retry-After` allow.
    pub fn retry_now(&self) {
        self.command(Command::RetryNow);
    }

    /// Asks the peer for a sign of life now.
    pub fn probe(&self) {
        self.command(Command::Probe);
    }

    /// Tells what the platform believes about the network.
    pub fn set_network(&self, network: Network) {
        self.command(Command::Network(network));
    }

    /// The state when the driver was last polled.
    pub fn state(&self) -> State {
        self.mailbox.lock().snapshot.state
    }

    /// Whether a message would be accepted if there were room.
    pub fn is_open(&self) -> bool {
        let inner = self.mailbox.lock();
        inner.snapshot.open && !inner.gone
    }

    /// What has been counted.
    pub fn stats(&self) -> Stats {
        self.mailbox.lock().snapshot.stats
    }

    /// How many accepted messages wait for the driver to take them.
    pub fn queued(&self) -> usize {
        self.mailbox.lock().queue.len()
    }

    fn command(&self, command: Command) {
        self.mailbox.request(Request::Command(command));
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// The future of [`Handle::send`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Sending<'a> {
    handle: &'a Handle,
    message: Option<Message>,
}

impl Future for Sending<'_> {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(message) = self.message.take() else { return Poll::Ready(Ok(())) };
        let mut inner = self.handle.mailbox.lock();
        match inner.accept(message) {
            Ok(driver) => {
                drop(inner);
                wake(driver);
                Poll::Ready(Ok(()))
            }
            Err((message, SendErrorReason::Full)) => {
                inner.wait(cx);
                drop(inner);
                self.message = Some(message);
                Poll::Pending
            }
            Err((message, reason)) => Poll::Ready(Err(SendError::of(message, reason))),
        }
    }
}

/// The future of [`Handle::flush`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Flush<'a> {
    handle: &'a Handle,
    target: u64,
    losses: u64,
}

impl Future for Flush<'_> {
    type Output = Result<(), SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.handle.mailbox.lock();
        let failed = |reason| Poll::Ready(Err(SendError { message: None, reason }));
        if inner.losses == self.losses && inner.settled >= self.target {
            return Poll::Ready(Ok(()));
        }
        if inner.gone {
            return failed(SendErrorReason::Gone);
        }
        if inner.losses == self.losses + 1 && inner.written_before_loss >= self.target {
            return Poll::Ready(Ok(()));
        }
        if inner.losses != self.losses {
            return failed(SendErrorReason::NotOpen);
        }
        inner.wait(cx);
        Poll::Pending
    }
}

/// The future of [`Handle::closed`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Closed<'a> {
    handle: &'a Handle,
}

impl Future for Closed<'_> {
    type Output = Option<ClosedReason>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.handle.mailbox.lock();
        match inner.snapshot.state {
            State::Closed(reason) if !inner.restarting => Poll::Ready(Some(reason)),
            _ if inner.gone => Poll::Ready(None),
            _ => {
                inner.wait(cx);
                Poll::Pending
            }
        }
    }
}
