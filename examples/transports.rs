//! Transports of one's own: whatever is a stream and a sink of messages is a connection as it is,
//! and a closure that makes one dials.
//!
//! ```console
//! cargo run --example echo_server &
//! cargo run --example transports --features testing,tokio -- tokio 127.0.0.1:9001
//! cargo run --example transports --features testing,tokio -- faulty 127.0.0.1:9001
//! cargo run --example transports --features testing,tokio -- memory
//! ```
//!
//! `unix_socket` and `tls` are examples by themselves.

use std::{env, error::Error, time::Duration};

use futures::{
    SinkExt, StreamExt,
    executor::block_on,
    future::{join, ready},
};
use steadfast::{
    FailureKind,
    client::{Builder, Clock, Dial, DialContext, DialError, Event},
    testing::{Fault, Faults, Faulty, MemoryError, When, pair},
    transport::{AsyncIoClock, Dialer, TokioClock},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let which = arguments.next().unwrap_or_else(|| "memory".into());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:9001".into());
    match which.as_str() {
        "tokio" => over_tokio(&address),
        "faulty" => with_faults(&address),
        "memory" => in_memory(),
        _ => Err("usage: transports tokio|faulty|memory [ADDRESS]".into()),
    }
}

/// Says hello three times, whatever happens, and leaves. It knows nothing of the transport.
async fn say_hello(dialer: impl Dial, clock: impl Clock) {
    let mut connection = Builder::new(dialer, clock).build();
    let mut answers = 0;
    while let Some(event) = connection.next().await {
        println!("{event}");
        match event {
            Event::Up(_) => drop(connection.send("hello".into()).await),
            Event::Message(_) if answers == 2 => connection.stop(),
            Event::Message(_) => {
                answers += 1;
                drop(connection.send("hello again".into()).await);
            }
            _ => {}
        }
    }
}

/// tokio's sockets and timers, with tokio-tungstenite's stream as it is.
fn over_tokio(address: &str) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let dialer = |_: DialContext| async move {
        let socket = tokio::net::TcpStream::connect(address).await?;
        let url = format!("ws://{address}/");
        let (stream, _response) = tokio_tungstenite::client_async(url, socket).await?;
        Ok::<_, DialError>(stream)
    };
    let clock = TokioClock::new(runtime.handle());
    runtime.block_on(say_hello(dialer, clock));
    Ok(())
}

/// The default transport with a slow link around it that breaks after a second.
fn with_faults(address: &str) -> Result<(), Box<dyn Error>> {
    let mut dialer = Dialer::new(&format!("ws://{address}/"))?;
    let (least, most) = (Duration::from_millis(200), Duration::from_millis(900));
    let faults = Faults::none()
        .with_latency_in(least..=most)
        .with_spurious_percent(30)
        .with(When::After(Duration::from_secs(1)), Fault::Fail(FailureKind::Reset.into()));
    let dialer = move |context: DialContext| {
        let (dial, faults) = (dialer.dial(context), faults.clone());
        async { dial.await.map(|conn| Faulty::new(conn, AsyncIoClock::new(), faults)) }
    };
    block_on(say_hello(dialer, AsyncIoClock::new()));
    Ok(())
}

/// No bytes at all: what is sent at one end of a pair comes out at the other.
fn in_memory() -> Result<(), Box<dyn Error>> {
    let (to_server, mut peers) = futures::channel::mpsc::unbounded();
    let dialer = move |_: DialContext| {
        let (conn, peer) = pair(16);
        // Without a server, the other end of the connection is dropped at once.
        let _ = to_server.unbounded_send(peer);
        ready(Ok::<_, MemoryError>(conn))
    };
    let server = async {
        while let Some(mut peer) = peers.next().await {
            while let Some(message) = peer.recv_message().await {
                peer.send_message(message).await;
            }
        }
    };
    block_on(join(say_hello(dialer, AsyncIoClock::new()), server));
    Ok(())
}
