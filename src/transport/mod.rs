//! Transports and clocks. The default ones, async-tungstenite over async-io TCP, need no runtime;
//! `TokioClock`, with the feature `tokio`, has the timers of one.

#[cfg(feature = "tungstenite")]
mod clock;
#[cfg(feature = "tungstenite")]
mod conn;
#[cfg(feature = "tungstenite")]
mod dialer;
#[cfg(feature = "tungstenite")]
mod error;
#[cfg(feature = "tungstenite")]
mod meter;
#[cfg(feature = "tungstenite")]
mod tcp;
#[cfg(feature = "tokio")]
mod tokio_clock;
#[cfg(feature = "tungstenite")]
mod url;

/// The WebSockets in use, of this very version: for a transport over another byte stream, and for
/// looking at errors.
#[cfg(feature = "tungstenite")]
pub use async_tungstenite::{self, tungstenite};
#[cfg(feature = "tungstenite")]
pub use clock::AsyncIoClock;
#[cfg(feature = "tungstenite")]
pub use conn::Conn;
#[cfg(feature = "tungstenite")]
pub use dialer::{Dialer, Limits};
#[cfg(feature = "tungstenite")]
pub use error::HeaderError;
#[cfg(feature = "tungstenite")]
pub use meter::{Meter, Metered};
#[cfg(feature = "tokio")]
pub use tokio_clock::TokioClock;
#[cfg(feature = "tungstenite")]
pub use url::{Url, UrlError};

#[cfg(feature = "tungstenite")]
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
#[cfg(feature = "tungstenite")]
pub fn connect(url: &str) -> Result<Builder<Dialer, AsyncIoClock>, UrlError> {
    Ok(Builder::new(Dialer::new(url)?, AsyncIoClock::new()))
}
