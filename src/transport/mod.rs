//! The default transport and clock: async-tungstenite over async-io TCP and, for `wss`, rustls. They
//! need no runtime.

mod clock;
mod conn;
mod dialer;
mod error;
mod happy_eyeballs;
mod meter;
mod stream;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod url;

pub use clock::AsyncIoClock;
pub use conn::{Conn, ConnError};
pub use dialer::{Dialer, Limits};
pub use error::HeaderError;
pub use meter::{Meter, Metered};
pub use stream::ByteStream;
pub use tcp::TcpOptions;
pub use url::{Url, UrlError};
#[cfg(feature = "tls")]
pub use {
    futures_rustls::rustls,
    tls::{Tls, TlsError},
};

use crate::client::Builder;

/// A connection to `url`, not dialed yet, with every default.
///
/// ```no_run
/// use futures::{SinkExt, StreamExt};
/// use steadfast::client::Event;
///
/// # async fn run() -> Result<(), steadfast::transport::UrlError> {
/// let mut connection = steadfast::connect("ws://127.0.0.1:9001/feed")?.build();
/// while let Some(event) = connection.next().await {
///     match event {
///         Event::Up { .. } => drop(connection.send("where were we?".into()).await),
///         Event::Message(message) => println!("{:?}", message.as_text()),
///         other => eprintln!("{other}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the URL cannot be dialed: see [`UrlError`].
pub fn connect(url: &str) -> Result<Builder<Dialer, AsyncIoClock>, UrlError> {
    Ok(Builder::new(Dialer::new(url)?, AsyncIoClock::new()))
}
