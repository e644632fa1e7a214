//! The server: it acknowledges what it reads, and now and then kills a connection.

use std::{
    cell::{Cell, RefCell},
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    rc::Rc,
    time::Duration,
};

use async_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        Error, Message,
        handshake::server::{ErrorResponse, Request, Response},
        protocol::{CloseFrame, WebSocketConfig},
    },
};
use fastrand::Rng;
use futures::{
    StreamExt,
    channel::oneshot,
    future::{Either, select},
};
use smol::{Async, LocalExecutor, Timer};
use socket2::{Domain, SockRef, Socket, Type};

use crate::{
    book::SharedBook,
    client::SESSION_HEADER,
    kill::{Kill, Welcome},
    letter::Letter,
    settings::{Again, Habits, Phase, SharedPhase},
};

type Stream = WebSocketStream<Async<TcpStream>>;

/// How long the server waits for a client to leave.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) kills: u64,
    pub(crate) refusals: u64,
    pub(crate) evictions: u64,
    pub(crate) sockets: usize,
    pub(crate) most_sockets: usize,
}

/// The newest connection of a session, which ends when this is dropped.
struct Newest {
    epoch: u64,
    _evict: oneshot::Sender<()>,
}

pub(crate) struct Server {
    listener: Async<TcpListener>,
    books: Vec<SharedBook>,
    newest: RefCell<Vec<Option<Newest>>>,
    rng: RefCell<Rng>,
    phase: SharedPhase,
    count: Cell<Count>,
}

/// An accepted socket, counted.
struct Counted<'a>(&'a Server);

impl<'a> Counted<'a> {
    fn new(server: &'a Server) -> Self {
        server.note(|count| {
            count.sockets += 1;
            count.most_sockets = count.most_sockets.max(count.sockets);
        });
        Self(server)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.note(|count| count.sockets -= 1);
    }
}

/// With small segments and buffers, as on a real network: over loopback a sender would otherwise
/// hand megabytes to the system before it had to wait.
fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.set_recv_buffer_size(8 << 10)?;
    #[cfg(unix)]
    socket.set_tcp_mss(1_400)?;
    socket.listen(1_024)?;
    Ok(socket.into())
}

impl Server {
    pub(crate) fn bind(books: Vec<SharedBook>, phase: SharedPhase) -> io::Result<Self> {
        let newest = books.iter().map(|_| None).collect();
        Ok(Self {
            listener: Async::new(listen()?)?,
            books,
            newest: RefCell::new(newest),
            rng: RefCell::new(Rng::with_seed(7)),
            phase,
            count: Cell::default(),
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/", self.listener.get_ref().local_addr().expect("an address"))
    }

    pub(crate) fn count(&self) -> Count {
        self.count.get()
    }

    fn is_stormy(&self) -> bool {
        self.phase.get() == Phase::Storm
    }

    fn note(&self, change: impl FnOnce(&mut Count)) {
        let mut count = self.count.get();
        change(&mut count);
        self.count.set(count);
    }

    /// Serves for ever.
    pub(crate) async fn serve(self: Rc<Self>, executor: Rc<LocalExecutor<'static>>) {
        loop {
            let (socket, _) = self.listener.accept().await.expect("a client");
            let server = self.clone();
            let meeting = async move {
                let _counted = Counted::new(&server);
                // Its errors are its client's.
                let _ = server.meet(socket).await;
            };
            executor.spawn(meeting).detach();
        }
    }

    async fn meet(&self, socket: Async<TcpStream>) -> Result<(), Error> {
        let welcome = Welcome::draw(&mut self.rng.borrow_mut(), self.is_stormy());
        match welcome {
            Welcome::Accept => {}
            Welcome::Refuse => self.note(|count| count.refusals += 1),
            Welcome::Reset => {
                self.note(|count| count.refusals += 1);
                return reset(&socket);
            }
            Welcome::Stall => {
                self.note(|count| count.refusals += 1);
                Timer::after(PATIENCE).await;
                return Ok(());
            }
        }
        let mut session = None;
        #[allow(clippy::result_large_err, reason = "tungstenite has it so")]
        let callback = |request: &Request, response: Response| {
            session = request.headers().get(SESSION_HEADER).cloned();
            match welcome {
                Welcome::Refuse => {
                    let mut refusal = ErrorResponse::new(None);
                    *refusal.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
                    Err(refusal)
                }
                _ => Ok(response),
            }
        };
        let config = WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(0);
        let stream = accept_hdr_async_with_config(socket, callback, Some(config)).await?;
        let session = session.expect("a session").to_str().expect("text").to_owned();
        let (client, epoch) = session.split_once('.').expect("who and which");
        let client = usize::from_str_radix(client, 16).expect("a client");
        self.session(stream, client, epoch.parse().expect("a dial")).await
    }

    /// One connection that was upgraded. An older one of the same client is let go of.
    async fn session(&self, mut stream: Stream, client: usize, epoch: u64) -> Result<(), Error> {
        let (evict, mut evicted) = oneshot::channel();
        {
            let newest = &mut self.newest.borrow_mut()[client];
            if newest.as_ref().is_some_and(|newest| newest.epoch > epoch) {
                return Ok(());
            }
            *newest = Some(Newest { epoch, _evict: evict });
        }
        loop {
            let lifetime = lifetime(&mut self.rng.borrow_mut());
            let living = self.live(&mut stream, client, epoch, lifetime);
            match select(Box::pin(living), &mut evicted).await {
                Either::Left((goes_on, _)) => {
                    if !goes_on? {
                        return Ok(());
                    }
                }
                Either::Right(_) => {
                    self.note(|count| count.evictions += 1);
                    return Ok(());
                }
            }
        }
    }

    /// Serves for this long and plays a trick then. Answers whether the connection goes on.
    async fn live(
        &self,
        stream: &mut Stream,
        client: usize,
        epoch: u64,
        lifetime: Duration,
    ) -> Result<bool, Error> {
        let mut end = Timer::after(lifetime);
        while let Either::Left((message, _)) = select(stream.next(), &mut end).await {
            let Some(message) = message else { return Ok(false) };
            if let Some(letter) = self.take(message?, client, epoch) {
                stream.send(Message::binary(letter.payload(0))).await?;
            }
        }
        let kill = Kill::draw(&mut self.rng.borrow_mut(), self.is_stormy());
        let Some(kill) = kill else { return Ok(true) };
        self.note(|count| count.kills += 1);
        match kill {
            Kill::Reset => return reset(stream.get_ref()).map(|()| false),
            Kill::Mute(duration) => {
                Timer::after(duration).await;
                return Ok(true);
            }
            Kill::MuteAndReset(duration) => {
                Timer::after(duration).await;
                return reset(stream.get_ref()).map(|()| false);
            }
            Kill::HalfOpen => {
                while self.is_stormy() {
                    Timer::after(Duration::from_millis(20)).await;
                }
                return Ok(false);
            }
            Kill::End => stream.get_ref().get_ref().shutdown(std::net::Shutdown::Write)?,
            Kill::Close(code, reason) => {
                let frame = CloseFrame { code: code.into(), reason: reason.into() };
                stream.close(Some(frame)).await?;
            }
        }
        // What was under way is read, but there is no way to acknowledge it any more.
        let mut end = Timer::after(PATIENCE);
        while let Either::Left((Some(message), _)) = select(stream.next(), &mut end).await {
            self.take(message?, client, epoch);
        }
        Ok(false)
    }

    fn take(&self, message: Message, client: usize, epoch: u64) -> Option<Letter> {
        let Message::Binary(payload) = message else { return None };
        let letter = Letter::of(&payload);
        let mut book = self.books[client].borrow_mut();
        book.arrived(epoch, letter);
        if Habits::of(client).again == Again::Unacknowledged {
            book.arrived_complete(letter.number);
        }
        Some(letter)
    }
}

/// How long a connection is left alone. Some are not at all.
fn lifetime(rng: &mut Rng) -> Duration {
    match rng.u32(..5) {
        0 => Duration::ZERO,
        _ => Duration::from_millis(rng.u64(50..1_500)),
    }
}

/// Has the connection end with a TCP reset when it is dropped.
fn reset(socket: &Async<TcpStream>) -> Result<(), Error> {
    SockRef::from(socket.get_ref()).set_linger(Some(Duration::ZERO))?;
    Ok(())
}
