//! The embedded server: it counts what it receives, and misbehaves by the script.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    rc::Rc,
    time::Duration,
};

use async_io::{Async, Timer};
use async_tungstenite::{
    WebSocketStream, accept_async,
    tungstenite::{Error, Message, protocol::CloseFrame},
};
use futures::{
    AsyncReadExt, StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};
use http::{StatusCode, header::RETRY_AFTER};

use super::{
    script::{Act, Ending, Script, Welcome},
    timeline::Timeline,
};
use crate::wire;

type Socket = Async<TcpStream>;

/// What the server has received.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ledger {
    /// The highest number up to which nothing is missing.
    pub(crate) last: u64,
    pub(crate) duplicates: u64,
    /// Numbers that came before one that is lower.
    pub(crate) out_of_order: u64,
}

/// An act that was played, and when, since the start.
#[derive(Clone, Debug)]
pub(crate) struct Played {
    pub(crate) name: &'static str,
    pub(crate) ending: Ending,
    pub(crate) at: Duration,
}

pub(crate) struct Server {
    listener: Async<TcpListener>,
    address: SocketAddr,
    timeline: Rc<Timeline>,
    script: RefCell<Script>,
    ledger: Cell<Ledger>,
    played: RefCell<Vec<Played>>,
    /// Which connection the client has spoken on last: an older one is a stale twin.
    newest: Cell<u64>,
}

impl Server {
    pub(crate) fn bind(script: Script, timeline: Rc<Timeline>) -> io::Result<Self> {
        let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0))?;
        let address = listener.get_ref().local_addr()?;
        Ok(Self {
            listener,
            address,
            timeline,
            script: RefCell::new(script),
            ledger: Cell::default(),
            played: RefCell::default(),
            newest: Cell::default(),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger.get()
    }

    pub(crate) fn played(&self) -> Vec<Played> {
        self.played.borrow().clone()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.script.borrow().is_over()
    }

    /// Serves for ever.
    pub(crate) async fn serve(&self) -> Infallible {
        let mut peers = FuturesUnordered::new();
        wire::meet_each(&self.listener, usize::MAX, &mut peers, |socket| self.meet(socket)).await
    }

    /// One connection, from its request to its end. Its errors are its client's.
    async fn meet(&self, mut socket: Socket) {
        let welcome = self.script.borrow_mut().welcome();
        match welcome {
            None => {
                if let Ok(stream) = accept_async(socket).await {
                    let _ = self.session(stream).await;
                }
            }
            Some(Welcome::Refuse { retry_after }) => {
                self.timeline.server("refuses the upgrade: 503, Retry-After");
                let headers = [(RETRY_AFTER, retry_after.into())];
                let refusal = wire::refusal(StatusCode::SERVICE_UNAVAILABLE, headers);
                wire::refuse(socket, refusal).await;
            }
            Some(Welcome::AcceptThenDrop) => {
                if let Ok(stream) = accept_async(socket).await {
                    self.timeline.server("accepts the upgrade and drops the connection");
                    wire::reset(stream.into_inner());
                }
            }
            Some(Welcome::Stall) => {
                self.timeline.server("takes the request and does not answer");
                let mut request = [0; 4096];
                // Ends when the client has had enough.
                while socket.read(&mut request).await.is_ok_and(|read| read > 0) {}
            }
        }
    }

    async fn session(&self, mut stream: WebSocketStream<Socket>) -> Result<(), Error> {
        let me = self.newest.get() + 1;
        self.newest.set(me);
        let peace = self.script.borrow().next_act().map(|act| act.after);
        let mut trouble = peace.map_or_else(Timer::never, Timer::after);
        loop {
            match select(stream.next(), &mut trouble).await {
                Either::Left((Some(message), _)) => self.answer(&mut stream, message?).await?,
                Either::Left((None, _)) => return Ok(()),
                Either::Right(_) => break,
            }
        }
        let Some(act) = self.script.borrow_mut().begin() else { return Ok(()) };
        self.note(&act);
        match act.ending {
            Ending::Reset => wire::reset(stream.into_inner()),
            Ending::Close(code, reason) => {
                let frame = CloseFrame { code: code.into(), reason: reason.into() };
                stream.close(Some(frame)).await?;
                while let Some(message) = stream.next().await {
                    self.answer(&mut stream, message?).await?;
                }
            }
            Ending::Mute => {
                while self.newest.get() == me {
                    Timer::after(Duration::from_millis(10)).await;
                }
            }
        }
        Ok(())
    }

    async fn answer(
        &self,
        stream: &mut WebSocketStream<Socket>,
        message: Message,
    ) -> Result<(), Error> {
        let Message::Text(text) = message else { return Ok(()) };
        if text.as_str() == "last?" {
            let last = self.ledger.get().last;
            return stream.send(Message::text(format!("last {last}"))).await;
        }
        if let Some(number) = text.strip_prefix("seq ").and_then(|number| number.parse().ok()) {
            self.ledger.set(self.ledger.get().with(number));
        }
        Ok(())
    }

    fn note(&self, act: &Act) {
        self.timeline.act(act);
        let at = self.timeline.elapsed();
        self.played.borrow_mut().push(Played { name: act.name, ending: act.ending, at });
    }
}

impl Ledger {
    fn with(mut self, number: u64) -> Self {
        if number <= self.last {
            self.duplicates += 1;
        } else if number == self.last + 1 {
            self.last = number;
        } else {
            self.out_of_order += 1;
        }
        self
    }
}
