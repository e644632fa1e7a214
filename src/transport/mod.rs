//! Transports and clocks. The default ones, async-tungstenite over async-io TCP and, for `wss`,
//! rustls, need no runtime; `TokioClock`, with the feature `tokio`, uses tokio's timers.

#[cfg(feature = "tokio")]
mod tokio_clock;
#[cfg(feature = "tungstenite")]
mod websocket;

#[cfg(feature = "tokio")]
pub use tokio_clock::TokioClock;
#[cfg(feature = "tungstenite")]
pub use websocket::*;
