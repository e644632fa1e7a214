//! What the application asks of a connection, and when that is done.

use std::collections::VecDeque;

use super::{Clock, CloseFrame, Connection, Dial, link::Link};
use crate::{Command, Instant, State, StateMachine, event::Event as Input};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Request {
    Command(Command),
    StopWith(CloseFrame),
}

impl Request {
    pub(super) fn stops(&self) -> bool {
        matches!(self, Self::Command(Command::Stop) | Self::StopWith(_))
    }

    pub(super) fn starts(&self) -> bool {
        *self == Self::Command(Command::Start)
    }

    fn is_network(&self) -> bool {
        matches!(self, Self::Command(Command::Network(_)))
    }
}

/// Requests that wait, in their order. There are only ever a few, however many are made.
#[derive(Default)]
pub(super) struct Requests(VecDeque<Request>);

impl Requests {
    /// Adds a request, and drops those that it makes pointless.
    pub(super) fn add(&mut self, request: Request) {
        let stops = request.stops();
        self.0.retain(|earlier| {
            let overruled = (stops && earlier.starts())
                || (request.is_network() && earlier.is_network())
                || *earlier == request && !stops;
            !overruled
        });
        // The first stop is the one that ends the connection, with its own farewell.
        if !(stops && self.has_stop()) {
            self.0.push_back(request);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn next(&self) -> Option<&Request> {
        self.0.front()
    }

    pub(super) fn pop(&mut self) -> Option<Request> {
        self.0.pop_front()
    }

    /// Whether one of them stops the connection.
    pub(super) fn has_stop(&self) -> bool {
        self.0.iter().any(Request::stops)
    }

    /// Whether one of them starts it.
    pub(super) fn has_start(&self) -> bool {
        self.0.iter().any(Request::starts)
    }
}

impl<D, K, M> Connection<D, K, M>
where
    D: Dial,
    K: Clock,
    M: StateMachine,
{
    /// Does what is asked, now or, if time has passed against which something unread may speak, once
    /// that is read.
    pub(super) fn request(&mut self, request: Request) {
        let now = self.clock.now();
        if !self.is_overdue(now) || self.is_end_of_dial(&request) {
            self.obey_requests(now);
            return self.obey_request(now, request);
        }
        let late = self.late.get_or_insert_default();
        let stopped = late.has_stop();
        late.add(request);
        self.barriers += u32::from(!stopped && late.has_stop());
        // The next frame is not one of many: it is what is waited for.
        if let Some(up) = self.link.up() {
            up.credit = 0;
        }
    }

    /// Whether a deadline of the transport has passed, and nobody has looked at that since.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        let has_passed = self.machine.wake().instant().is_some_and(|wake| wake <= now);
        let reads = match &self.link {
            Link::Up(up) => !up.unreported,
            Link::Dialing(_) => true,
            Link::None => false,
        };
        has_passed && reads
    }

    /// Whether it ends a dial, of which then nobody wants to know whether it has succeeded.
    pub(super) fn is_end_of_dial(&self, request: &Request) -> bool {
        request.stops() && matches!(self.link, Link::Dialing(_))
    }

    /// Whether a stop is among what waits.
    pub(super) fn is_to_stop(&self) -> bool {
        self.late.as_ref().is_some_and(|late| late.has_stop())
    }

    /// Whether it is over and the application has not been told so.
    pub(super) fn has_untold_end(&self) -> bool {
        matches!(self.machine.state(), State::Closed(_)) && !self.events.is_empty()
    }

    pub(super) fn obey_request(&mut self, now: Instant, request: Request) {
        let command = match request {
            Request::Command(command) => command,
            Request::StopWith(CloseFrame { code, reason }) => {
                let sendable = code.is_sendable();
                self.farewell = sendable.then(|| Box::new(CloseFrame::new(code, &reason)));
                Command::Stop
            }
        };
        self.handle(now, Input::Command(command));
        // What this stop could not say is not for another one to say.
        self.farewell = None;
    }

    /// Does what was asked before what came in was read.
    #[cold]
    pub(super) fn obey_requests(&mut self, now: Instant) {
        let Some(mut requests) = self.late.take() else { return };
        self.barriers -= u32::from(requests.has_stop());
        while let Some(request) = requests.pop() {
            self.obey_request(now, request);
        }
    }
}
