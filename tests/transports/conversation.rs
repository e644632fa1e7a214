//! What is said over each transport.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use steadfast::{
    Backoff, Config, Jitter,
    client::{Builder, Clock, Dial, Event, Message},
};

/// More than a socket's buffers hold, so that writing has to wait.
const LONG: usize = 4 << 20;

/// Asks a server to close with 1012, and to take the next client.
pub(crate) const RESTART: &str = "restart";

/// Text, bytes, a long message, a ping, a Close by the server, a new connection, a Close by the
/// client: all of it, in this order, or the test fails.
pub(crate) async fn converse(dialer: impl Dial, clock: impl Clock) {
    let config = Config::builder().with_connect_timeout(Duration::from_secs(5)).build().unwrap();
    let builder = Builder::new(dialer, clock).with_config(config).with_policy(policy());
    let mut connection = builder.build();
    let mut told = Vec::new();
    while let Some(event) = connection.next().await {
        match event {
            Event::Up(up) if up.reconnected => {
                told.push("up again".into());
                connection.stop();
            }
            Event::Up(_) => {
                told.push("up".into());
                connection.send("grüß dich".into()).await.unwrap();
                connection.send(vec![0, 159, 146, 150].into()).await.unwrap();
                connection.send(vec![7; LONG].into()).await.unwrap();
            }
            Event::Message(Message::Text(text)) => told.push(text.to_string()),
            Event::Message(Message::Binary(bytes)) if bytes.len() == LONG => {
                told.push(format!("all of it: {}", bytes.iter().all(|byte| *byte == 7)));
                connection.probe();
            }
            Event::Message(Message::Binary(bytes)) => told.push(format!("{bytes:?}")),
            Event::RoundTrip(_) => {
                told.push("pong".into());
                connection.send(RESTART.into()).await.unwrap();
            }
            Event::Down(down) => {
                let failure = down.failure.map(|failure| failure.to_string());
                let reason = down.close_reason.unwrap_or_default();
                told.push(format!("down: {} {reason}", failure.as_deref().unwrap_or("-")));
            }
            Event::Closed { reason } => told.push(reason.to_string()),
            _ => {}
        }
    }
    let expected = [
        "up",
        "grüß dich",
        r#"b"\0\x9f\x92\x96""#,
        "all of it: true",
        "pong",
        "down: closed by the peer with 1012 (service restart) back soon",
        "up again",
        "down: - ",
        "stopped",
    ];
    assert_eq!(told, expected);
}

/// A dial every 5 ms, and an end should there be no server.
pub(crate) fn policy() -> Backoff {
    let (five, builder) = (Duration::from_millis(5), Backoff::builder());
    let builder = builder.with_base(five).with_first(five).with_floor(five).with_cap(five);
    let builder = builder.with_spread(five);
    builder.with_jitter(Jitter::None).with_max_retries(1_000).build().unwrap()
}
