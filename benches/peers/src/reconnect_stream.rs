//! stream-reconnect, around tokio-tungstenite: a stream and a sink, no handle and no heartbeat.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};
use stream_reconnect::{ReconnectStream, UnderlyingStream};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{self, Error, Message, protocol::WebSocketConfig},
};

use crate::{BURST, PAYLOAD, RECEIVED_A_ROUND, SENT_A_ROUND, held, processor, tell};

type Item = Result<Message, Error>;
type Reconnecting = ReconnectStream<Underlying, (String, usize), Item, Error>;

struct Underlying(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Stream for Underlying {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl Sink<Message> for Underlying {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready_unpin(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.0.start_send_unpin(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_flush_unpin(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_close_unpin(cx)
    }
}

impl UnderlyingStream<(String, usize), Item, Error> for Underlying {
    fn establish(
        (url, read_buffer_size): (String, usize),
    ) -> Pin<Box<dyn Future<Output = Result<Self, Error>> + Send>> {
        let config = WebSocketConfig::default().read_buffer_size(read_buffer_size);
        let config = config.write_buffer_size(16 << 10);
        Box::pin(
            async move { Ok(Self(connect_async_with_config(url, Some(config), true).await?.0)) },
        )
    }

    fn is_write_disconnect_error(&self, _: &Error) -> bool {
        true
    }

    fn is_read_disconnect_error(&self, item: &Item) -> bool {
        item.is_err()
    }

    fn exhaust_err() -> Error {
        tungstenite::Error::ConnectionClosed
    }
}

fn message() -> Message {
    Message::Binary(Bytes::from_static(&PAYLOAD))
}

async fn open(url: String, read_buffer_size: usize) -> Reconnecting {
    Reconnecting::connect((url, read_buffer_size)).await.expect("the server is there")
}

pub(crate) async fn measure(address: &str) {
    let url = |path: &str| format!("ws://{address}{path}");

    let mut sink = open(url("/sink"), 16 << 10).await;
    let send = processor(SENT_A_ROUND, async |count| {
        for _ in 0..count {
            sink.send(message()).await.expect("it is open");
        }
    });
    tell("stream-reconnect: send, ns of CPU", send.await);
    let burst = processor(BURST, async |count| {
        for _ in 0..count {
            sink.feed(message()).await.expect("it is open");
        }
        SinkExt::<Message>::flush(&mut sink).await.expect("it is open");
    });
    tell("stream-reconnect: a burst by hand, ns of CPU a message", burst.await);

    let mut flood = open(url("/flood"), 16 << 10).await;
    let receive = processor(RECEIVED_A_ROUND, async |count| {
        flood.send(Message::text(count.to_string())).await.expect("it is open");
        for _ in 0..count {
            flood.next().await.expect("a message").expect("a message");
        }
    });
    tell("stream-reconnect: receive, ns of CPU", receive.await);
    let held = held(async || open(url("/echo"), 4 << 10).await).await;
    tell("stream-reconnect: an idle connection without heartbeat, bytes", held);
    tell("stream-reconnect: half-open", "never found out: it has no heartbeat");
}
