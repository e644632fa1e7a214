//! tokio's sockets, with tokio-tungstenite's stream as it is.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use ::tokio::{net::TcpStream, runtime::Builder};
use futures::StreamExt;
use steadfast::{
    Failure, FailureKind,
    client::{Dial, DialContext, DialError, Event},
    transport::{AsyncIoClock, tungstenite},
};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::{
    conversation::{converse, policy},
    server,
};

fn dialer(
    address: SocketAddr,
) -> impl Dial<Conn = WebSocketStream<TcpStream>, Error = DialError, Future: Send> + Send + 'static
{
    move |_: DialContext| async move {
        let socket = TcpStream::connect(address).await?;
        let (stream, _response) = client_async(format!("ws://{address}/"), socket).await?;
        Ok(stream)
    }
}

#[test]
fn a_stream_of_tokio_tungstenite_is_a_connection_as_it_is() {
    let (address, server) = server::over_tcp();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_io().build().unwrap();
    let task = runtime.spawn(converse(dialer(address), AsyncIoClock::new()));
    runtime.block_on(task).unwrap();
    server.join().unwrap();
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_throughout() {
    use steadfast::transport::TokioClock;

    let (address, server) = server::over_tcp();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        converse(dialer(address), TokioClock::try_current().unwrap()).await;
    });
    server.join().unwrap();
}

#[test]
fn an_unconverted_error_of_the_upgrade_means_what_it_says() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            read.extend(byte);
        }
        let refusal = "HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(refusal.as_bytes()).unwrap();
    });
    let dialer = move |_: DialContext| async move {
        let socket = TcpStream::connect(address).await?;
        let (stream, _response) = client_async(format!("ws://{address}/"), socket).await?;
        Ok::<_, tungstenite::Error>(stream)
    };
    let builder = steadfast::client::Builder::new(dialer, AsyncIoClock::new());
    let mut connection = builder.with_policy(policy()).build();
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let failed = runtime.block_on(async {
        loop {
            if let Event::DialFailed(failed) = connection.next().await.unwrap() {
                break failed.failure;
            }
        }
    });
    let unavailable = Failure::from(FailureKind::Http(503));
    assert_eq!(failed, unavailable.with_retry_after(Duration::from_secs(7)));
    server.join().unwrap();
}
