//! A machine and the socket that obeys it.

use std::{io::ErrorKind, net::SocketAddr, thread, time::Instant as StdInstant};

use steadfast::{
    Action, Backoff, CloseCode, Config, Epoch, Event, Instant, Machine, Nonce, PeerClose, Signal,
    client::{CloseFrame, Frame, TransportError, random_seed},
    transport::tungstenite::{self, WebSocket},
};

use super::socket::{Bounded, connect, left};

pub(crate) struct Client {
    address: SocketAddr,
    origin: StdInstant,
    machine: Machine,
    /// To be dialed once all the actions of a step have been carried out.
    to_dial: Option<Epoch>,
    websocket: Option<WebSocket<Bounded>>,
    peer_close: Option<PeerClose>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, config: Config, policy: Backoff) -> Self {
        let machine = Machine::new(config, policy, random_seed(), Instant::ORIGIN);
        Self {
            address,
            origin: StdInstant::now(),
            machine,
            to_dial: None,
            websocket: None,
            peer_close: None,
        }
    }

    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(crate) fn wake(&self) -> Option<StdInstant> {
        let at = self.machine.wake().instant()?;
        self.origin.checked_add(at.saturating_duration_since(Instant::ORIGIN))
    }

    pub(crate) fn tell(&mut self, event: Event) {
        let now = Instant::ORIGIN.saturating_add(self.origin.elapsed());
        for action in self.machine.handle(now, event).actions {
            match action {
                Action::Dial { epoch, .. } => self.to_dial = Some(epoch),
                Action::Ping { nonce, .. } => {
                    self.send(Frame::Ping(nonce.to_bytes().to_vec().into()));
                }
                Action::Close { code, .. } => {
                    self.send(Frame::Close(code.map(|code| Box::new(CloseFrame::new(code, "")))));
                }
                Action::Abort { .. } => self.websocket = None,
                Action::Notify(notice) => println!("{notice:?}"),
            }
        }
    }

    fn signal(&mut self, signal: Signal) {
        self.tell(Event::Transport(self.machine.epoch(), signal));
    }

    fn dial(&mut self) {
        let by = self.wake().unwrap_or_else(StdInstant::now);
        self.peer_close = None;
        match connect(self.address, by) {
            Ok(websocket) => {
                self.websocket = Some(websocket);
                self.signal(Signal::Opened);
            }
            // The machine knows best what it means that its time is up.
            Err(_) if StdInstant::now() >= by => self.tell(Event::Tick),
            Err(error) => self.signal(Signal::Lost(error.failure())),
        }
    }

    /// What there is no room for now goes with the next flush. A socket that is broken tells so
    /// when it is read, after what it may still have to say.
    pub(crate) fn send(&mut self, frame: Frame) {
        let _ = self.websocket.as_mut().map(|websocket| websocket.send(frame.into()));
    }

    /// Dials if it has to. Otherwise waits for a frame, or until `by`.
    pub(crate) fn receive(&mut self, by: StdInstant) {
        if self.to_dial.take().is_some() {
            return self.dial();
        }
        let Some(websocket) = &mut self.websocket else {
            thread::sleep(left(by));
            return self.tell(Event::Tick);
        };
        let _ = websocket.flush();
        websocket.get_mut().deadline = by;
        let count = websocket.get_ref().count;
        match websocket.read().map(Frame::from) {
            Ok(Frame::Pong(payload)) => {
                self.signal(Nonce::from_payload(&payload).map_or(Signal::Received, Signal::Pong));
            }
            Ok(Frame::Close(frame)) => {
                let close = frame.map_or(CloseCode::NO_STATUS, |frame| frame.code).into();
                self.peer_close = Some(close);
                self.signal(Signal::CloseReceived(close));
            }
            Ok(frame) => {
                println!("{frame:?}");
                self.signal(Signal::Received);
            }
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                // Part of a frame is a sign of life, too.
                let came_in = websocket.get_ref().count > count;
                if came_in { self.signal(Signal::Received) } else { self.tell(Event::Tick) }
            }
            Err(error) => {
                self.websocket = None;
                let failure = self.peer_close.map_or(error.failure(), Into::into);
                self.signal(Signal::Lost(failure));
            }
        }
    }
}
