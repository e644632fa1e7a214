//! A server for the other examples: it sends each message back. Kill it and start it again while
//! they run.
//!
//! ```console
//! cargo run --example echo_server -- 127.0.0.1:9001
//! ```

use std::{env, error::Error, net::TcpListener, thread};

use steadfast::transport::tungstenite::{Message, accept};

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            let Ok(mut socket) = accept(stream) else { return };
            while let Ok(message) = socket.read() {
                // tungstenite answers Pings and a Close by itself.
                if let Message::Text(_) | Message::Binary(_) = message {
                    let _ = socket.send(message);
                }
            }
        });
    }
    Ok(())
}
