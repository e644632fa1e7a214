//! The cheap side: send, close, ask and look from anywhere.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
};

use super::{
    CloseFrame, Closed, Flush, Message, SendError, Sending, SendingAll, Snapshot, mailbox::Mailbox,
    requests::Request,
};
use crate::{Command, Epoch, Network, State, Stats};

/// A handle on a connection that a [`Driver`](super::Driver) drives. Clone it freely.
///
/// It shows the state as of the driver's last poll, and its commands are carried out at the next
/// one. No method blocks, and dropping one of its futures loses nothing.
///
/// ```
/// use steadfast::client::{Handle, SendError};
///
/// async fn publish(handle: Handle) -> Result<(), SendError> {
///     handle.send("first").await?; // waits for room
///     handle.try_send("second")?; // does not
///     handle.flush().await // until both have been written
/// }
/// ```
pub struct Handle {
    mailbox: Arc<Mailbox>,
    /// How many losses of messages its flushes have told of, or came before it was made.
    told: Mutex<u64>,
}

impl Handle {
    pub(super) fn new(mailbox: Arc<Mailbox>) -> Self {
        let told = Mutex::new(mailbox.lock().flushes.losses());
        Self { mailbox, told }
    }

    /// Sends a message; waits for room in the queue, unless an [`Outbox`](super::Outbox) says
    /// otherwise. When the future is ready, the message is *accepted*; to wait until it has been
    /// written, [`flush`](Self::flush). To send many, [`send_all`](Self::send_all).
    ///
    /// # Errors
    ///
    /// If the message is not accepted, it is in the error: without an outbox, because the connection
    /// is not open.
    pub fn send(&self, message: impl Into<Message>) -> Sending<'_> {
        Sending::new(&self.mailbox, message.into())
    }

    /// Sends a batch of messages, in order, each as [`send`](Self::send) would, but with one look at
    /// the queue for as many as there is room for: for a burst, such as hundreds of subscriptions.
    ///
    /// A message is taken out of `messages` when it is accepted, so what is left there was not. A batch
    /// may be larger than the queue; it then waits for room, which only the driver makes. Messages of
    /// other handles may come in between.
    ///
    /// # Errors
    ///
    /// If the first of those that are left is not accepted: it and all after it are still in
    /// `messages`, and there they stay, too, if the future is dropped before it is ready.
    ///
    /// ```
    /// use std::collections::VecDeque;
    /// use steadfast::client::{Handle, Message, SendError};
    ///
    /// async fn subscribe(handle: &Handle, topics: &[String]) -> Result<(), SendError> {
    ///     let subscriptions = topics.iter().map(|topic| format!("subscribe {topic}"));
    ///     let mut messages: VecDeque<Message> = subscriptions.map(Message::from).collect();
    ///     handle.send_all(&mut messages).await
    /// }
    /// ```
    pub fn send_all<'a>(&'a self, messages: &'a mut VecDeque<Message>) -> SendingAll<'a> {
        SendingAll::new(&self.mailbox, messages)
    }

    /// Sends a message if there is room for it.
    ///
    /// # Errors
    ///
    /// If the message is not accepted, it is in the error: because the queue is full or, without an
    /// outbox, because the connection is not open.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        // Whoever makes the message may look at the handle.
        let mut message = Some(message.into());
        let accepted = self.mailbox.lock().accept(&mut message);
        let woken = accepted.map_err(|reason| SendError { message, reason })?;
        woken.wake();
        Ok(())
    }

    /// Sends a message ahead of all that wait, such as a request to resynchronise. There is separate
    /// room for such messages, as much as for the others.
    ///
    /// # Errors
    ///
    /// If the connection is not open, or that room is full; the message is in the error.
    pub fn send_ahead(&self, message: impl Into<Message>) -> Result<(), SendError> {
        // Whoever makes the message may look at the handle.
        let message = message.into();
        let accepted = self.mailbox.lock().accept_ahead(message);
        let woken = accepted.map_err(|(message, reason)| SendError::of(message, reason))?;
        woken.wake();
        Ok(())
    }

    /// Says that the application has resynchronised on the connection with this
    /// [epoch](super::Up::epoch): the messages in an outbox with
    /// [`Release::OnResync`](super::Release::OnResync) are sent now. If that connection has ended,
    /// nothing happens, and the next one needs a call of its own.
    pub fn resynchronised(&self, epoch: Epoch) {
        self.mailbox.resynchronised(epoch);
    }

    /// Waits until all messages accepted so far have been written to the socket.
    ///
    /// # Errors
    ///
    /// If one of them was lost: the connection ended before it was flushed, or it was
    /// [given up](super::Event::Unsent). Each handle reports each loss since it was made once, also
    /// one from before the flush began.
    pub fn flush(&self) -> Flush<'_> {
        Flush::new(&self.mailbox, &self.told)
    }

    /// Connects, after [`stop`](Self::stop) or after it has given up. The stream of a driver that
    /// has ended must be polled again.
    pub fn start(&self) {
        self.command(Command::Start);
    }

    /// Closes the connection with code 1000 and stops dialing.
    pub fn stop(&self) {
        self.command(Command::Stop);
    }

    /// Closes the connection with this code and reason, and stops dialing.
    pub fn stop_with(&self, farewell: CloseFrame) {
        self.mailbox.request(Request::StopWith(farewell));
    }

    /// Waits until it is over: stopped, given up, or no longer driven (`None`). The driver may still
    /// have events to deliver: go on polling it to its end.
    pub fn closed(&self) -> Closed<'_> {
        Closed::new(&self.mailbox)
    }

    /// Ends the wait before the next dial, as far as the policy's floor and a server's
    /// `Retry-After` allow.
    pub fn retry_now(&self) {
        self.command(Command::RetryNow);
    }

    /// Pings the peer now, for example after the computer woke up.
    pub fn probe(&self) {
        self.command(Command::Probe);
    }

    /// Reports whether the platform believes that there is a network.
    pub fn set_network(&self, network: Network) {
        self.command(Command::Network(network));
    }

    /// The state when the driver was last polled.
    pub fn state(&self) -> State {
        self.mailbox.lock().snapshot.state
    }

    /// Whether a message would be accepted if there were room.
    pub fn is_open(&self) -> bool {
        self.mailbox.lock().is_open()
    }

    /// Counters and measurements.
    pub fn stats(&self) -> Stats {
        self.mailbox.lock().snapshot.stats
    }

    /// The client's state and counters, as of the driver's last poll.
    pub fn snapshot(&self) -> Snapshot {
        self.mailbox.lock().snapshot()
    }

    /// How many accepted messages wait to be given to the transport.
    pub fn queued(&self) -> usize {
        self.mailbox.lock().queue.backlog().messages
    }

    fn command(&self, command: Command) {
        self.mailbox.request(Request::Command(command));
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Self::new(self.mailbox.clone())
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("state", &self.state()).finish_non_exhaustive()
    }
}
