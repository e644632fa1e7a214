//! The default transport, and what it is made of without its wrapper.

use std::net::TcpStream;

use async_io::Async;
use futures::executor::block_on;
use steadfast::{
    client::{DialContext, DialError},
    transport::{AsyncIoClock, Dialer, async_tungstenite::client_async},
};

use crate::{conversation::converse, server};

#[test]
fn the_default_transport() {
    let (address, server) = server::over_tcp();
    let dialer = Dialer::new(&format!("ws://{address}/")).unwrap();
    block_on(converse(dialer, AsyncIoClock::new()));
    server.join().unwrap();
}

#[test]
fn a_stream_of_async_tungstenite_is_a_connection_as_it_is() {
    let (address, server) = server::over_tcp();
    let dialer = move |_: DialContext| async move {
        let socket = Async::<TcpStream>::connect(address).await?;
        let (stream, _response) = client_async(format!("ws://{address}/"), socket).await?;
        Ok::<_, DialError>(stream)
    };
    block_on(converse(dialer, AsyncIoClock::new()));
    server.join().unwrap();
}
