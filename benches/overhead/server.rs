//! The other side, a process of its own: what it costs is not counted. It is this very program, run
//! again, and ends when its standard input does.

use std::{
    cell::RefCell,
    collections::HashMap,
    env,
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener},
    process::{self, Child, Command, Stdio},
    rc::Rc,
    thread,
};

use async_io::Async;
use futures::{AsyncReadExt, AsyncWriteExt, FutureExt, SinkExt, StreamExt, future};
use smol::{LocalExecutor, future::yield_now, net::TcpStream};
use socket2::{Domain, Socket, Type};
use steadfast::transport::async_tungstenite::{WebSocketStream, accept_hdr_async};
use steadfast::transport::tungstenite::{
    Message,
    handshake::server::{Callback, ErrorResponse, Request, Response},
};

use crate::PAYLOAD;

/// The argument that makes this program the server.
pub(crate) const SERVE: &str = "--serve";
/// Echoes messages. Any path that is not one of the others does, too, and its connections end when
/// someone sends `drop`, a space and the path.
pub(crate) const ECHO: &str = "/echo";
/// Reads and throws away.
pub(crate) const SINK: &str = "/sink";
/// The same, but it never waits. Otherwise it is by chance whether who sends one message at a time has
/// to wake it for each, and that costs more than to send.
pub(crate) const SLEEPLESS: &str = "/sleepless";
/// Sends as many messages as each message asks for.
pub(crate) const FLOOD: &str = "/flood";
/// Neither reads nor writes.
pub(crate) const DEAF: &str = "/deaf";

/// The server, for as long as this lives.
pub(crate) struct Server {
    /// `None` if someone else has started it.
    process: Option<Child>,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start() -> io::Result<Self> {
        let program = env::current_exe()?;
        let mut command = Command::new(program);
        command.arg(SERVE).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Self { process: Some(process), address: (Ipv4Addr::LOCALHOST, port).into() })
    }

    /// The one that another process has started.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { process: None, address }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The connections of each path.
type Groups = Rc<RefCell<HashMap<String, Vec<TcpStream>>>>;

pub(crate) fn serve() -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    // A thousand clients come back at once.
    socket.listen(4_096)?;
    let listener = TcpListener::from(socket);
    println!("{}", listener.local_addr()?.port());
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
    let listener = Async::new(listener)?;
    let (executor, groups) = (LocalExecutor::new(), Groups::default());
    async_io::block_on(executor.run(async {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.get_ref().set_nodelay(true)?;
            executor.spawn(attend(stream.into(), groups.clone())).detach();
        }
    }))
}

/// Notes which path is asked for.
struct Ask<'a>(&'a mut String);

impl Callback for Ask<'_> {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        request.uri().path().clone_into(self.0);
        Ok(response)
    }
}

/// Serves one client to its end. Whatever that end is, it is nobody's concern here.
async fn attend(mut stream: TcpStream, groups: Groups) {
    let mut path = String::new();
    let Ok(mut socket) = accept_hdr_async(stream.clone(), Ask(&mut path)).await else { return };
    match path.as_str() {
        DEAF => future::pending().await,
        SINK => {
            let mut buffer = vec![0; 256 << 10];
            while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        }
        SLEEPLESS => {
            let mut buffer = vec![0; 256 << 10];
            loop {
                match stream.read(&mut buffer).now_or_never() {
                    Some(read) if read.as_ref().is_ok_and(|read| *read > 0) => {}
                    Some(_) => return,
                    None => yield_now().await,
                }
            }
        }
        FLOOD => {
            while let Some(Ok(message)) = socket.next().await {
                let Ok(count) = message.into_text().unwrap_or_default().parse() else { continue };
                if stream.write_all(&frames(count)).await.is_err() {
                    return;
                }
            }
        }
        _ => echo(socket, stream, path, groups).await,
    }
}

async fn echo(
    mut socket: WebSocketStream<TcpStream>,
    stream: TcpStream,
    path: String,
    groups: Groups,
) {
    if path != ECHO {
        groups.borrow_mut().entry(path).or_default().push(stream);
    }
    while let Some(Ok(message)) = socket.next().await {
        if let Some(path) = message.to_text().ok().and_then(|text| text.strip_prefix("drop ")) {
            for stream in groups.borrow_mut().remove(path).unwrap_or_default() {
                let _ = stream.shutdown(Shutdown::Both);
            }
            continue;
        }
        if matches!(message, Message::Text(_) | Message::Binary(_))
            && SinkExt::send(&mut socket, message).await.is_err()
        {
            return;
        }
    }
}

/// So many binary messages as a server sends them (RFC 6455 §5.2), unmasked.
pub(crate) fn frames(count: usize) -> Vec<u8> {
    let length = u8::try_from(PAYLOAD.len()).expect("a short payload");
    let mut frame = vec![0x82, length];
    frame.extend(PAYLOAD);
    frame.repeat(count)
}
