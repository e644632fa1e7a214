//! The simplest loop: one connection, one task, no runtime.
//!
//! ```console
//! cargo run --example echo_server &
//! cargo run --example inline -- ws://127.0.0.1:9001/
//! ```

use std::{env, error::Error};

use futures::{SinkExt, StreamExt, executor::block_on};
use steadfast::client::Event;

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001/".into());
    let mut connection = steadfast::connect(&url)?.build();
    block_on(async {
        while let Some(event) = connection.next().await {
            match event {
                Event::Up(up) => {
                    println!("up, for the first time: {}", !up.reconnected);
                    // Here a client resynchronises. A message that is not accepted comes back in
                    // the error; then there will be another `Up`.
                    let _ = connection.send("where were we?".into()).await;
                }
                Event::Message(message) => println!("{}", message.as_text().unwrap_or("(bytes)")),
                other => println!("{other}"),
            }
        }
    });
    Ok(())
}
