//! The client that all runtimes run.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use steadfast::{
    Backoff, Config, Jitter,
    client::{Builder, Clock, Dial, Event},
    transport::{AsyncIoClock, Dialer},
};

use crate::server::Server;

/// What the application is told when all goes well.
pub(crate) const TOLD: [&str; 7] =
    ["up", "echo: one", "down", "up again", "echo: two", "down", "stopped"];

/// Connects, sends and receives, lives through a restart of the server, and closes.
pub(crate) async fn run(dialer: impl Dial, clock: impl Clock) -> Vec<String> {
    let config = Config::builder().with_connect_timeout(Duration::from_secs(1)).build().unwrap();
    let mut connection =
        Builder::new(dialer, clock).with_config(config).with_policy(policy()).build();
    let mut told = Vec::new();
    while let Some(event) = connection.next().await {
        match event {
            Event::Up(up) if up.reconnected => {
                told.push("up again".into());
                connection.send("two".into()).await.unwrap();
            }
            Event::Up(_) => {
                told.push("up".into());
                connection.send("one".into()).await.unwrap();
            }
            Event::Message(message) => {
                let text = message.as_text().unwrap();
                told.push(format!("echo: {text}"));
                match text {
                    "one" => connection.send("restart".into()).await.unwrap(),
                    _ => connection.stop(),
                }
            }
            Event::Down(_) => told.push("down".into()),
            Event::Closed { reason } => told.push(reason.to_string()),
            _ => {}
        }
    }
    told
}

/// A dial every 5 ms, and an end should there be no server.
pub(crate) fn policy() -> Backoff {
    let (five, builder) = (Duration::from_millis(5), Backoff::builder());
    let builder = builder.with_base(five).with_first(five).with_floor(five).with_cap(five);
    builder.with_jitter(Jitter::None).with_max_retries(1_000).build().unwrap()
}

/// Starts a server and has the client run by `executor`, with nothing but what the crate brings.
pub(crate) fn run_on(executor: impl FnOnce(Dialer, AsyncIoClock) -> Vec<String>) {
    let server = Server::start();
    let told = executor(Dialer::new(&server.url()).unwrap(), AsyncIoClock::new());
    assert_eq!(told, TOLD);
    server.join();
}
