//! Faults on a connection over real TCP.

use std::net::TcpListener;

use async_io::Async;
use async_tungstenite::{accept_async, tungstenite};
use futures::{
    SinkExt, StreamExt,
    executor::block_on,
    future::{join, ready},
};
use steadfast::{
    FailureKind,
    client::{Dial, DialContext, Event},
    testing::{Fault, FaultError, Faults, Faulty, When},
    transport::AsyncIoClock,
};

#[test]
fn faults_go_on_connections_over_tcp() {
    let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
    let url = format!("ws://{}/", listener.get_ref().local_addr().unwrap());
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let socket = accept_async(stream).await.unwrap();
        let (sink, stream) = socket.split();
        // The client goes without a Close.
        let _ = stream.take_while(|read| ready(read.is_ok())).forward(sink).await;
    };
    let faults = Faults::none()
        .with_spurious_percent(50)
        .with(When::AfterFrames(20), Fault::Fail(FailureKind::Reset.into()));
    let mut connection = steadfast::connect(&url)
        .unwrap()
        .map_dialer(|mut dialer| {
            move |context: DialContext| {
                let (dial, faults) = (dialer.dial(context), faults.clone());
                async { dial.await.map(|conn| Faulty::new(conn, AsyncIoClock::new(), faults)) }
            }
        })
        .build();
    let client = async move {
        let mut echoed = 0;
        loop {
            match connection.next().await.unwrap() {
                Event::Up { .. } => connection.send("0".into()).await.unwrap(),
                Event::Message(message) => {
                    assert_eq!(message.as_text(), Some(echoed.to_string().as_str()));
                    echoed += 1;
                    let _ = connection.send(echoed.to_string().into()).await;
                }
                Event::Down(down) => break (echoed, down),
                _ => {}
            }
        }
    };
    let ((echoed, down), ()) = block_on(join(client, server));
    assert_eq!(echoed, 10);
    assert_eq!(down.failure, Some(FailureKind::Reset.into()));
    let error = down.error.unwrap();
    let injected = error.downcast_ref::<FaultError<tungstenite::Error>>();
    assert!(matches!(injected, Some(FaultError::Injected(_))), "{error:?}");
}
