//! One dial and the connection it becomes, as the server and the harness see it: what the driver
//! was given, what it owes a report of, and what it was told to do.

use std::{collections::VecDeque, task::Waker};

use super::{
    super::model::{
        Promise::{
            EvidenceBeatsTheClock, LastErrorSurvives, NoStall, OneConnection, OnlyInboundIsLife,
        },
        Violation,
    },
    server::Nature,
};
use crate::{
    CloseCode, Epoch, Failure, Instant, Nonce, PeerClose, Signal,
    client::{DialContext, Frame},
};

#[derive(Debug)]
pub(super) struct Link {
    pub(super) epoch: Epoch,
    pub(super) nature: Nature,
    /// What the dial should have been told; taken when it begins.
    pub(super) ordered: Option<DialContext>,
    /// The driver has it: the dial under way, or the connection.
    pub(super) held: bool,
    /// What becomes of the dial, once that is known.
    pub(super) outcome: Option<Result<(), Failure>>,
    pub(super) connected: bool,
    /// What is on its way to the driver, and how it ends after that.
    pub(super) inbox: VecDeque<Frame>,
    pub(super) end: Option<Option<Failure>>,
    pub(super) reader: Option<Waker>,
    /// What the driver has given, and not flushed yet.
    pub(super) outbox: VecDeque<Frame>,
    pub(super) has_room: bool,
    pub(super) writer: Option<Waker>,
    /// Nothing comes from the server any more, and nothing reaches it.
    pub(super) silent: bool,
    pub(super) server_closed: bool,
    /// What the driver was given and owes a report of.
    pub(super) owed: VecDeque<Signal>,
    /// How often it may still say at this instant that something came in: one report of that is
    /// enough for all frames of an instant, and one for each is not wrong.
    repeats: (Instant, usize),
    /// Each end that the driver was told of.
    pub(super) ends: Vec<Option<Failure>>,
    /// What the driver was told to send and has not.
    pub(super) pings: VecDeque<Nonce>,
    pub(super) close: Option<Option<CloseCode>>,
    close_sent: bool,
    /// The driver has said that it does not read.
    pub(super) paused: bool,
    /// The machine has done with it, because it has ended or because it wants it dropped.
    pub(super) over: bool,
    pub(super) aborted: bool,
}

impl Link {
    pub(super) fn new(context: DialContext, nature: Nature) -> Self {
        Self {
            epoch: context.epoch,
            nature,
            ordered: Some(context),
            held: false,
            outcome: None,
            connected: false,
            inbox: VecDeque::new(),
            end: None,
            reader: None,
            outbox: VecDeque::new(),
            has_room: true,
            writer: None,
            silent: false,
            server_closed: false,
            owed: VecDeque::new(),
            repeats: (Instant::ORIGIN, 0),
            ends: Vec::new(),
            pings: VecDeque::new(),
            close: None,
            close_sent: false,
            paused: false,
            over: false,
            aborted: false,
        }
    }

    /// Whether there is something that the driver could look at now.
    pub(super) fn is_readable(&self) -> bool {
        if !self.held || !self.ends.is_empty() {
            return false;
        }
        match self.connected {
            false => self.outcome.is_some(),
            true => !self.inbox.is_empty() || self.end.is_some(),
        }
    }

    /// Whether what the server sends now reaches the driver.
    pub(super) fn can_hear(&self) -> bool {
        self.connected && !self.silent && !self.server_closed && self.end.is_none()
    }

    /// What the driver must make of a frame that it has read.
    pub(super) fn owe(&mut self, frame: &Frame) {
        let signal = match frame {
            Frame::Message(_) | Frame::Ping(_) | Frame::Part => Signal::Received,
            Frame::Pong(payload) => {
                Nonce::from_payload(payload).map_or(Signal::Received, Signal::Pong)
            }
            Frame::Close(close) => {
                let code = close.as_ref().map_or(CloseCode::NO_STATUS, |close| close.code);
                Signal::CloseReceived(PeerClose::from(code))
            }
        };
        self.owed.push_back(signal);
    }

    /// Whether a report of this is what it owes next.
    pub(super) fn owes(&self, signal: Signal) -> bool {
        match signal {
            Signal::Lost(_) => !self.over && self.owed.is_empty() && !self.ends.is_empty(),
            _ => self.owed.front() == Some(&signal),
        }
    }

    /// Takes a report that something came in. Answers whether that is so.
    fn hear(&mut self, now: Instant) -> bool {
        let received = self.owed.iter().take_while(|owed| **owed == Signal::Received).count();
        self.owed.drain(..received);
        let (at, repeats) = self.repeats;
        let repeats = if at == now { repeats } else { 0 } + received;
        self.repeats = (now, repeats.saturating_sub(1));
        repeats > 0
    }

    /// Holds what the driver says of it against what it was given.
    pub(super) fn report(&mut self, now: Instant, signal: Signal) -> Result<(), Violation> {
        let epoch = self.epoch;
        match signal {
            Signal::ReadPaused => self.paused = true,
            Signal::ReadResumed => self.paused = false,
            Signal::Lost(failure) => {
                let owed = self.owed.front();
                EvidenceBeatsTheClock.requires(owed.is_none(), || {
                    format!("the end of {epoch} was reported before {owed:?}")
                })?;
                OneConnection.requires(!self.ends.is_empty(), || {
                    format!("{epoch} was reported as lost, and had not ended")
                })?;
                // The end of a stream has no failure of its own.
                let known = self.ends.contains(&None) || self.ends.contains(&Some(failure));
                LastErrorSurvives.requires(known, || {
                    format!("{epoch} ended with {:?}, reported as {failure}", self.ends)
                })?;
                self.is_over();
            }
            Signal::Received if self.hear(now) => {}
            _ => match self.owed.pop_front() {
                Some(owed) => EvidenceBeatsTheClock.requires(owed == signal, || {
                    format!("{owed:?} from {epoch} was reported as {signal:?}")
                })?,
                None => {
                    return Err(OnlyInboundIsLife.broken(format!(
                        "{signal:?} was reported, and nothing came from {epoch}"
                    )));
                }
            },
        }
        Ok(())
    }

    /// Nothing that comes from it matters any more.
    pub(super) fn is_over(&mut self) {
        self.over = true;
        self.owed.clear();
        self.pings.clear();
        self.close = None;
    }

    /// Holds a frame that the driver sends against what it was told to send.
    pub(super) fn send(&mut self, frame: &Frame) -> Result<(), Violation> {
        let epoch = self.epoch;
        OneConnection.requires(!self.close_sent, || {
            format!("{frame:?} was sent to {epoch} after the Close")
        })?;
        match frame {
            Frame::Ping(payload) => {
                let nonce = Nonce::from_payload(payload);
                let wanted = self.pings.iter().position(|wanted| Some(*wanted) == nonce);
                let Some(at) = wanted else {
                    let what = format!("a ping with {nonce:?} was sent to {epoch}, unasked");
                    return Err(OnlyInboundIsLife.broken(what));
                };
                // One that had to wait until the next is not worth sending.
                self.pings.drain(..=at);
            }
            Frame::Close(close) => {
                let code = close.as_ref().map(|close| close.code);
                let wanted = self.close.take();
                OneConnection.requires(wanted == Some(code), || {
                    format!("a Close with {code:?} was sent to {epoch}, and {wanted:?} was wanted")
                })?;
                self.close_sent = true;
                self.pings.clear();
            }
            Frame::Message(_) | Frame::Pong(_) | Frame::Part => {}
        }
        Ok(())
    }

    /// What the driver has left undone, now that it waits.
    pub(super) fn check_waiting(&self) -> Result<(), Violation> {
        let epoch = self.epoch;
        if self.over {
            return OneConnection.requires(!(self.held && self.aborted), || {
                format!("{epoch} was to be dropped, and is not")
            });
        }
        let owed = self.owed.front();
        EvidenceBeatsTheClock
            .requires(owed.is_none(), || format!("{owed:?} from {epoch} was not reported"))?;
        EvidenceBeatsTheClock
            .requires(self.ends.is_empty(), || format!("the end of {epoch} was not reported"))?;
        EvidenceBeatsTheClock.requires(self.paused || !self.is_readable(), || {
            format!("{epoch} has something to read, and is not read")
        })?;
        if self.ordered.is_some() {
            return Err(NoStall.broken(format!("the dial {epoch} was not begun")));
        }
        OneConnection
            .requires(self.held, || format!("{epoch} was dropped, which was not asked for"))?;
        if !self.connected || !self.has_room || self.end.is_some() {
            return Ok(());
        }
        let unsent = |control: fn(&Frame) -> bool| self.outbox.iter().any(control);
        let ping = !self.pings.is_empty() || unsent(|frame| matches!(frame, Frame::Ping(_)));
        OnlyInboundIsLife.requires(!ping, || format!("a ping to {epoch} was not sent"))?;
        let close = self.close.is_some() || unsent(|frame| matches!(frame, Frame::Close(_)));
        OneConnection.requires(!close, || format!("the Close to {epoch} was not sent"))
    }
}
