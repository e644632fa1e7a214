//! WebSockets over a Unix-domain socket: a transport of one's own is a closure.
//!
//! ```console
//! cargo run --example unix_socket
//! ```
//!
//! It brings its own server, which hangs up once.

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    unix::run()
}

#[cfg(not(unix))]
fn main() {
    eprintln!("there are no Unix-domain sockets here");
}

#[cfg(unix)]
mod unix {
    use std::{
        env,
        error::Error,
        fs,
        os::unix::net::{UnixListener, UnixStream},
        process, thread,
    };

    use async_io::Async;
    use futures::{SinkExt, StreamExt, executor::block_on};
    use steadfast::{
        client::{Builder, DialContext, DialError, Event},
        transport::{AsyncIoClock, async_tungstenite::client_async, tungstenite},
    };

    pub(super) fn run() -> Result<(), Box<dyn Error>> {
        let path = env::temp_dir().join(format!("steadfast-example-{}.sock", process::id()));
        let listener = UnixListener::bind(&path)?;
        thread::spawn(move || serve(&listener));
        let dialer = |_: DialContext| {
            let path = path.clone();
            async move {
                let socket = Async::<UnixStream>::connect(path).await?;
                // There is no host to name, but HTTP wants one.
                let (stream, _response) = client_async("ws://localhost/", socket).await?;
                Ok::<_, DialError>(stream)
            }
        };
        let mut connection = Builder::new(dialer, AsyncIoClock::new()).build();
        block_on(async {
            let mut answers = 0;
            while let Some(event) = connection.next().await {
                println!("{event}");
                match event {
                    Event::Up(_) => drop(connection.send("hello".into()).await),
                    Event::Message(_) => answers += 1,
                    _ => {}
                }
                if answers == 2 {
                    connection.stop();
                }
            }
        });
        Ok(fs::remove_file(&path)?)
    }

    /// Answers the first message of a client and hangs up, and does what the second one wants.
    fn serve(listener: &UnixListener) {
        for (client, stream) in listener.incoming().enumerate() {
            let Some(mut socket) = stream.ok().and_then(|stream| tungstenite::accept(stream).ok())
            else {
                continue;
            };
            while let Ok(message) = socket.read() {
                if message.is_text() {
                    let _ = socket.send(message);
                    if client == 0 {
                        break;
                    }
                }
            }
        }
    }
}
