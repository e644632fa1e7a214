//! On tokio: one task drives the connection, any others send on it.
//!
//! ```console
//! cargo run --example echo_server &
//! cargo run --example tokio --features tokio -- ws://127.0.0.1:9001/
//! ```

use std::{env, error::Error, time::Duration};

use futures::StreamExt;
use steadfast::{
    client::{Builder, Event, Handle},
    transport::{Dialer, TokioClock},
};
use tokio::{runtime, time};

/// How many messages may wait for the driver before `send` waits.
const QUEUE: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001/".into());
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(&url))
}

async fn run(url: &str) -> Result<(), Box<dyn Error>> {
    // `steadfast::connect(url)` would do as well: its sockets and timers run anywhere.
    let connection = Builder::new(Dialer::new(url)?, TokioClock::try_current()?).build();
    let (handle, mut driver) = connection.split(QUEUE);
    tokio::spawn(count(handle.clone()));
    let driving = tokio::spawn(async move {
        while let Some(event) = driver.next().await {
            match event {
                Event::Message(message) => println!("{}", message.as_text().unwrap_or("(bytes)")),
                other => println!("{other}"),
            }
        }
    });
    time::sleep(Duration::from_secs(30)).await;
    handle.stop();
    Ok(driving.await?)
}

/// Sends a number each second.
async fn count(handle: Handle) {
    let mut second = time::interval(Duration::from_secs(1));
    for number in 0_u64.. {
        second.tick().await;
        if let Err(error) = handle.send(number.to_string()).await {
            // The message is in the error, for who wants to keep it until the next `Up`.
            println!("{number}: {error}");
        }
    }
}
