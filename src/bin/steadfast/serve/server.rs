//! All connections: who is let in, and how they are let go.

use std::{
    cell::{Cell, RefCell},
    io,
    net::{TcpListener, TcpStream},
    num::NonZeroUsize,
    pin::pin,
    time::{Duration, Instant},
};

use async_io::{Async, Timer};
use futures::{
    FutureExt, StreamExt,
    channel::oneshot,
    future::{self, Either},
    stream::FuturesUnordered,
};
use steadfast::CloseCode;

use super::{
    dice::{Dice, Fate},
    log::{Event, Fault, Log, Side},
    session::{End, Session, Stop},
    upgrade::{NotUpgraded, upgrade},
};
use crate::{exit::Exit, wire};

/// How long all clients together have to leave when the server stops.
const FAREWELL: Duration = Duration::from_secs(3);

/// Where one client makes room for the next, all of them would be told of it.
const FULL_EVERY: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connections: NonZeroUsize,
    /// In bytes.
    pub(crate) message: usize,
}

pub(crate) struct Server {
    listener: Async<TcpListener>,
    limits: Limits,
    dice: RefCell<Dice>,
    log: Log,
    /// How many connections there have been, and how many there are.
    met: Cell<u64>,
    present: Cell<usize>,
    /// When it was last said that there is no room.
    told_full: Cell<Option<Instant>>,
}

impl Server {
    pub(crate) fn new(
        listener: TcpListener,
        limits: Limits,
        dice: Dice,
        log: Log,
    ) -> io::Result<Self> {
        let listener = Async::new(listener)?;
        let dice = RefCell::new(dice);
        Ok(Self {
            listener,
            limits,
            dice,
            log,
            met: Cell::default(),
            present: Cell::default(),
            told_full: Cell::default(),
        })
    }

    pub(crate) fn into_log(self) -> Log {
        self.log
    }

    /// Serves until `interrupted`, and then lets all clients go.
    pub(crate) async fn run(&self, interrupted: impl Future<Output = Exit>) {
        let (stop, stopped) = oneshot::channel();
        let stopped = stopped.shared();
        let mut peers = FuturesUnordered::new();
        let limit = self.limits.connections.get();
        let serving = wire::meet_each(&self.listener, limit, &mut peers, |socket| {
            self.meet(socket, stopped.clone())
        });
        match future::select(pin!(serving), pin!(interrupted)).await {
            Either::Left((never, _)) => match never {},
            Either::Right(_) => {}
        }
        let _ = stop.send(());
        let gone = peers.for_each(|()| future::ready(()));
        future::select(gone, Timer::after(FAREWELL)).await;
    }

    /// One connection. Its number and its fate are fixed when it arrives, not when it first has
    /// something to say.
    fn meet(&self, socket: Async<TcpStream>, stop: Stop) -> impl Future<Output = ()> {
        let connection = self.met.get() + 1;
        self.met.set(connection);
        let fate = self.dice.borrow_mut().dial();
        self.present.set(self.present.get() + 1);
        let connections = self.present.get();
        if connections == self.limits.connections.get() {
            self.tell_full(connections);
        }
        async move {
            self.serve(connection, socket, fate, stop).await;
            self.present.set(self.present.get() - 1);
        }
    }

    fn tell_full(&self, connections: usize) {
        let now = Instant::now();
        if self.told_full.get().is_none_or(|told| now.duration_since(told) >= FULL_EVERY) {
            self.told_full.set(Some(now));
            self.log.tell(&Event::Full { connections });
        }
    }

    async fn serve(&self, connection: u64, socket: Async<TcpStream>, fate: Fate, stop: Stop) {
        let (refusal, troubles) = match fate {
            Fate::Refused(refusal) => (Some(refusal), None),
            Fate::Accepted(troubles) => (None, Some(troubles)),
        };
        let upgrading = upgrade(&socket, refusal.as_ref(), self.limits.message, stop.clone());
        let end = match (upgrading.await, refusal, troubles) {
            (Ok(upgraded), _, Some(troubles)) => {
                if let Ok(peer) = socket.get_ref().peer_addr() {
                    self.log.tell(&Event::Up { connection, peer, path: &upgraded.path });
                }
                Session::new(connection, upgraded.conn, troubles, stop, &self.log).run().await
            }
            (Err(NotUpgraded::Refused), Some(refusal), _) => {
                let fault = Fault::Refuse { http_status: refusal.status.as_u16() };
                self.log.tell(&Event::Fault { connection, fault });
                return wire::hang_up(socket).await;
            }
            (Err(NotUpgraded::Failed(error)), ..) => {
                self.log.tell(&Event::Failed { connection, cause: error.to_string() });
                return wire::hang_up(socket).await;
            }
            (Err(NotUpgraded::TooSlow), ..) => {
                let cause = "the request took too long".to_owned();
                return self.log.tell(&Event::Failed { connection, cause });
            }
            // A refused dial is never upgraded, nor an accepted one refused.
            _ => return,
        };
        self.tell_end(connection, &end);
        match end {
            End::Lost => {}
            End::Reset => wire::reset(socket),
            End::Closed(_) | End::Violation(_) | End::Closing(_) | End::Drop => {
                wire::hang_up(socket).await;
            }
        }
    }

    fn tell_end(&self, connection: u64, end: &End) {
        let frame = match end {
            End::Closed(frame) => frame.clone(),
            _ => None,
        };
        let (by, code) = match end {
            End::Closed(Some(frame)) => (Side::Client, frame.code),
            End::Closed(None) => (Side::Client, CloseCode::NO_STATUS),
            End::Lost => (Side::Client, CloseCode::ABNORMAL),
            End::Violation(code) | End::Closing(code) => (Side::Server, *code),
            End::Drop | End::Reset => (Side::Server, CloseCode::ABNORMAL),
        };
        let reason = frame.map_or(String::new(), |frame| frame.reason.as_str().into());
        self.log.tell(&Event::Closed { connection, by, code: code.get(), reason: &reason });
    }
}
