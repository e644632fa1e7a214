//! A server's side of the wire, for the commands that have one.

use std::{
    convert::Infallible,
    net::{Shutdown, TcpListener, TcpStream},
    pin::pin,
    time::Duration,
};

use async_io::{Async, Timer};
use async_tungstenite::{
    accept_hdr_async,
    tungstenite::handshake::server::{ErrorResponse, Request},
};
use futures::{
    AsyncReadExt, FutureExt, StreamExt,
    future::{self, pending},
    select,
    stream::FuturesUnordered,
};
use http::{HeaderName, HeaderValue, StatusCode, header};

/// How long, and for how many bytes, a peer is listened to that is not answered any more.
const LAST_WORDS: Duration = Duration::from_secs(1);
const LAST_BYTES: usize = 64 << 10;

/// After an error of accepting, such as too many open files, it is tried again after so long.
const BREATHER: Duration = Duration::from_millis(100);

/// Meets each connection, for ever, and at most `limit` of them at once: others wait in the
/// system's queue. `peers` are those that are being met.
pub(crate) async fn meet_each<F: Future<Output = ()>>(
    listener: &Async<TcpListener>,
    limit: usize,
    peers: &mut FuturesUnordered<F>,
    mut meet: impl FnMut(Async<TcpStream>) -> F,
) -> Infallible {
    let mut has_failed = false;
    loop {
        let has_room = peers.len() < limit;
        let accepted = async move {
            if has_failed {
                Timer::after(BREATHER).await;
            }
            match has_room {
                true => listener.accept().await,
                false => pending().await,
            }
        };
        let mut accepted = pin!(accepted.fuse());
        select! {
            accepted = accepted => {
                has_failed = accepted.is_err();
                if let Ok((socket, _)) = accepted {
                    peers.push(meet(socket));
                }
            }
            // What it held may be what was missing.
            () = peers.select_next_some() => has_failed = false,
        }
    }
}

/// The answer to an upgrade request that is not granted.
pub(crate) fn refusal(
    status: StatusCode,
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
) -> ErrorResponse {
    let mut answer = ErrorResponse::new(None);
    *answer.status_mut() = status;
    let all = answer.headers_mut();
    all.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    all.insert(header::CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in headers {
        all.append(name, value);
    }
    answer
}

/// Refuses whatever upgrade is asked for. Its errors are its client's.
pub(crate) async fn refuse(socket: Async<TcpStream>, refusal: ErrorResponse) {
    #[allow(clippy::result_large_err, reason = "tungstenite has it so")]
    let refuse = |_: &Request, _| Err(refusal);
    let _ = accept_hdr_async(socket, refuse).await;
}

/// Ends the connection with a TCP reset instead of in order.
pub(crate) fn reset(socket: Async<TcpStream>) {
    // If it cannot be set, the connection ends in order: still an end without a Close frame.
    let _ = socket2::SockRef::from(socket.get_ref()).set_linger(Some(Duration::ZERO));
}

/// Ends the connection in order. The system resets one that is closed before all has been read, so
/// what still comes is read for a while.
pub(crate) async fn hang_up(mut socket: Async<TcpStream>) {
    let _ = socket.get_ref().shutdown(Shutdown::Write);
    let (mut read, mut buffer) = (0, [0; 4_096]);
    let last_words = async {
        while let Ok(more @ 1..) = socket.read(&mut buffer).await {
            read += more;
            if read > LAST_BYTES {
                break;
            }
        }
    };
    future::select(pin!(last_words), Timer::after(LAST_WORDS)).await;
}
