//! The default transport and clock: async-tungstenite over async-io TCP and, for `wss`, rustls. They
//! need no runtime.

mod alarm;
mod clock;
mod conn;
mod dialer;
mod error;
mod happy_eyeballs;
mod head;
mod header;
mod limits;
mod meter;
mod proxy;
mod redirect;
mod refusal;
#[cfg(feature = "tls")]
mod secure;
mod session;
mod socket;
mod stream;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod tunnel;
mod upgrade;
mod url;
mod wire;

/// The WebSocket library in use, in the version in use: for a transport over another byte stream,
/// and for inspecting errors.
pub use async_tungstenite::{self, tungstenite};
pub use clock::AsyncIoClock;
pub use conn::Conn;
pub use dialer::Dialer;
pub use error::HeaderError;
pub use limits::Limits;
pub use meter::{Meter, Metered};
pub use proxy::{Proxy, ProxyError};
pub use redirect::RedirectError;
pub use session::QueryNameError;
pub use stream::ByteStream;
pub use tcp::TcpOptions;
pub use url::{Url, UrlError};
#[cfg(feature = "tls")]
pub use {
    futures_rustls::rustls,
    tls::{Tls, TlsError},
};

use crate::client::{Builder, Failover, NoEndpoints};

/// Starts building a connection to `url`, with all defaults.
///
/// ```no_run
/// use futures::{SinkExt, StreamExt};
/// use steadfast::client::Event;
///
/// # async fn run() -> Result<(), steadfast::transport::UrlError> {
/// let mut connection = steadfast::connect("ws://127.0.0.1:9001/feed")?.build();
/// while let Some(event) = connection.next().await {
///     match event {
///         Event::Up(_) => drop(connection.send("where were we?".into()).await),
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
    let dialer = Dialer::new(url)?;
    #[cfg(feature = "tracing")]
    let span =
        tracing::info_span!("websocket", url = %dialer.url(), session = tracing::field::Empty);
    let builder = Builder::new(dialer, AsyncIoClock::new());
    #[cfg(feature = "tracing")]
    let builder = builder.with_span(span);
    Ok(builder)
}

/// Starts building a connection to one of `urls`, with all defaults: the first is preferred, and the
/// others stand in for it, as in [`Failover`].
///
/// ```
/// let urls = ["ws://eu.example.org/feed", "ws://us.example.org/feed"];
/// let connection = steadfast::connect_any(urls)?.build();
/// # Ok::<(), steadfast::transport::EndpointsError>(())
/// ```
///
/// # Errors
///
/// If there are no URLs, or one cannot be dialed.
pub fn connect_any<'a>(
    urls: impl IntoIterator<Item = &'a str>,
) -> Result<Builder<Failover<Dialer>, AsyncIoClock>, EndpointsError> {
    let dialer =
        |(index, url)| Dialer::new(url).map_err(|source| EndpointsError::Url { index, source });
    let dialers: Vec<_> = urls.into_iter().enumerate().map(dialer).collect::<Result<_, _>>()?;
    Ok(Builder::new(Failover::new(dialers)?, AsyncIoClock::new()))
}

/// Why a list of URLs cannot be dialed.
///
/// ```
/// use steadfast::{connect_any, transport::EndpointsError};
///
/// let wrong = connect_any(["ws://eu.example.org/", "http://us.example.org/"]).err();
/// assert!(matches!(wrong, Some(EndpointsError::Url { index: 1, .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointsError {
    /// It is empty.
    #[error(transparent)]
    NoEndpoints(#[from] NoEndpoints),
    /// It has a URL that cannot be dialed.
    #[error("URL {index}, counted from 0, cannot be dialed")]
    Url {
        /// Where it is in the list, counted from 0.
        index: usize,
        /// Why.
        source: UrlError,
    },
}
