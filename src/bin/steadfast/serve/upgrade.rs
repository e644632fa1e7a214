//! The upgrade of a connection to a WebSocket, or the refusal of it.

use std::{net::TcpStream, pin::pin, time::Duration};

use async_io::{Async, Timer};
use async_tungstenite::{
    accept_hdr_async_with_config,
    tungstenite::{
        Error,
        error::ProtocolError,
        handshake::server::{ErrorResponse, Request, Response},
        protocol::WebSocketConfig,
    },
};
use futures::{
    AsyncWriteExt,
    future::{self, Either},
};
use http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL};
use steadfast::transport::{Conn, Meter, Metered};

use super::{chaos::Refusal, session::Stop};
use crate::wire;

/// How long a client has for its request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Each connection holds so much; more would only serve a peer that sends much at once.
const READ_BUFFER: usize = 4 << 10;
const WRITE_BUFFER: usize = 16 << 10;

pub(crate) struct Upgraded<'a> {
    pub(crate) conn: Conn<Metered<&'a Async<TcpStream>>>,
    /// Without the query, which is where secrets are.
    pub(crate) path: String,
}

pub(crate) enum NotUpgraded {
    /// As it had to be.
    Refused,
    Failed(Error),
    TooSlow,
    /// The server stops.
    Stopped,
}

pub(crate) async fn upgrade<'a>(
    socket: &'a Async<TcpStream>,
    refusal: Option<&Refusal>,
    max_message: usize,
    stop: Stop,
) -> Result<Upgraded<'a>, NotUpgraded> {
    let giving_up = future::select(Timer::after(TIMEOUT), stop);
    match future::select(pin!(answer(socket, refusal, max_message)), giving_up).await {
        Either::Left((Ok(upgraded), _)) => Ok(upgraded),
        Either::Left((Err(Error::Http(_)), _)) => Err(NotUpgraded::Refused),
        Either::Left((Err(error), _)) => {
            explain(socket, &error).await;
            Err(NotUpgraded::Failed(error))
        }
        Either::Right((Either::Left(_), _)) => Err(NotUpgraded::TooSlow),
        Either::Right((Either::Right(_), _)) => Err(NotUpgraded::Stopped),
    }
}

async fn answer<'a>(
    socket: &'a Async<TcpStream>,
    refusal: Option<&Refusal>,
    max_message: usize,
) -> Result<Upgraded<'a>, Error> {
    let mut path = String::new();
    #[allow(clippy::result_large_err, reason = "tungstenite has it so")]
    let judge = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        request.uri().path().clone_into(&mut path);
        if let Some(refusal) = refusal {
            return Err(wire::refusal(refusal.status, refusal.headers.clone()));
        }
        if let Some(subprotocol) = first_subprotocol(request) {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
        }
        Ok(response)
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message));
    let meter = Meter::default();
    let metered = Metered::new(socket, meter.clone());
    let stream = accept_hdr_async_with_config(metered, judge, Some(config)).await?;
    Ok(Upgraded { conn: Conn::from(stream).with_meter(meter), path })
}

/// The one that the client likes best: this server speaks all of them alike.
fn first_subprotocol(request: &Request) -> Option<HeaderValue> {
    let offered = request.headers().get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    HeaderValue::from_str(offered.split(',').next()?.trim()).ok()
}

/// Tells a client that does not speak WebSocket, such as a browser or a health check, what this is.
async fn explain(mut socket: &Async<TcpStream>, error: &Error) {
    let (status, text) = match error {
        Error::Protocol(
            ProtocolError::MissingConnectionUpgradeHeader
            | ProtocolError::MissingUpgradeWebSocketHeader,
        ) => ("426 Upgrade Required\r\nUpgrade: websocket", "this is a WebSocket server\n"),
        Error::Protocol(_) | Error::HttpFormat(_) => ("400 Bad Request", "no valid handshake\n"),
        _ => return,
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{text}",
        text.len()
    );
    let _ = socket.write_all(answer.as_bytes()).await;
}
