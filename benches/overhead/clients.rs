//! The two clients that are compared, with the same socket options, buffers and executor.

use std::{net::TcpStream, time::Duration};

use async_io::Async;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use socket2::{SockRef, TcpKeepalive};
use steadfast::{
    Backoff, Config, Heartbeat, Jitter,
    client::{Builder, Clock, Connection, Event, Message},
    transport::{
        AsyncIoClock, Dialer, Limits,
        async_tungstenite::{WebSocketStream, client_async_with_config},
        tungstenite::{self, protocol::WebSocketConfig},
    },
};

use crate::{PAYLOAD, server::Server};

/// async-tungstenite as it is.
pub(crate) type Raw = WebSocketStream<Async<TcpStream>>;
/// The client of this crate.
pub(crate) type Ours = Connection<Dialer, AsyncIoClock>;

/// How long a client waits that has lost its connection: the least that lets others run.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(5);

pub(crate) fn raw_message() -> tungstenite::Message {
    tungstenite::Message::Binary(Bytes::from_static(&PAYLOAD))
}

pub(crate) fn message() -> Message {
    Message::Binary(Bytes::from_static(&PAYLOAD))
}

pub(crate) fn web_socket_config(read_buffer_size: usize) -> WebSocketConfig {
    let limits = Limits::default();
    WebSocketConfig::default()
        .read_buffer_size(read_buffer_size)
        .write_buffer_size(limits.write_buffer_size)
        .max_message_size(Some(limits.max_message_size))
        .max_frame_size(Some(limits.max_frame_size))
}

pub(crate) async fn open_raw(
    server: &Server,
    path: &str,
    read_buffer_size: usize,
) -> Result<Raw, tungstenite::Error> {
    let stream = Async::<TcpStream>::connect(server.address).await?;
    stream.get_ref().set_nodelay(true)?;
    let idle = Duration::from_secs(30);
    let keepalive = TcpKeepalive::new().with_time(idle).with_interval(idle);
    SockRef::from(stream.get_ref()).set_tcp_keepalive(&keepalive)?;
    let config = web_socket_config(read_buffer_size);
    Ok(client_async_with_config(server.url(path), stream, Some(config)).await?.0)
}

/// A connection that is not open yet.
pub(crate) fn dial(server: &Server, path: &str, read_buffer_size: usize, config: Config) -> Ours {
    dial_with(dialer(server, path, read_buffer_size), AsyncIoClock::new(), config)
}

/// One for a whole fleet, as one has it by hand, too.
pub(crate) fn dialer(server: &Server, path: &str, read_buffer_size: usize) -> Dialer {
    let mut limits = Limits::default();
    limits.read_buffer_size = read_buffer_size;
    Dialer::new(&server.url(path)).expect("a URL").with_limits(limits)
}

pub(crate) fn dial_with<K: Clock>(
    dialer: Dialer,
    clock: K,
    config: Config,
) -> Connection<Dialer, K> {
    Builder::new(dialer, clock).with_config(config).with_policy(prompt_policy()).build()
}

pub(crate) async fn open(
    server: &Server,
    path: &str,
    read_buffer_size: usize,
    config: Config,
) -> Ours {
    let mut connection = dial(server, path, read_buffer_size, config);
    until_up(&mut connection).await;
    connection
}

pub(crate) async fn until_up(events: &mut (impl StreamExt<Item = Event> + Unpin)) {
    while let Some(event) = events.next().await {
        if matches!(event, Event::Up(_)) {
            return;
        }
    }
    panic!("there is no connection");
}

/// The next message that is not an echo of a heartbeat; panics if the connection ends.
pub(crate) async fn next_message(events: &mut (impl StreamExt<Item = Event> + Unpin)) -> Message {
    loop {
        match events.next().await {
            Some(Event::Message(message)) => return message,
            Some(Event::RoundTrip(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A heartbeat whose timer is set and never due: what it costs otherwise is measured elsewhere.
pub(crate) fn hourly() -> Config {
    with_heartbeat(Duration::from_secs(3_600), Duration::from_secs(3_600))
}

pub(crate) fn with_heartbeat(interval: Duration, pong_timeout: Duration) -> Config {
    let heartbeat = Heartbeat::default().with_interval(interval).with_reprobes(0);
    let heartbeat = heartbeat.with_pong_timeout(pong_timeout);
    Config::builder().with_heartbeat(heartbeat).build().expect("a heartbeat that can work")
}

/// One wait, always the same.
fn prompt_policy() -> Backoff {
    let builder = Backoff::builder().with_base(RETRY_AFTER).with_first(RETRY_AFTER);
    let builder = builder.with_spread(RETRY_AFTER).with_floor(RETRY_AFTER).with_cap(RETRY_AFTER);
    builder.with_jitter(Jitter::None).build().expect("a policy that can work")
}

/// Tells the server to let go of all connections to `path`.
pub(crate) async fn drop_all(control: &mut Raw, path: &str) {
    let command = tungstenite::Message::text(format!("drop {path}"));
    SinkExt::send(control, command).await.expect("the server listens");
}
