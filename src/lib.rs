//! Keeps a WebSocket connection alive.
//!
//! `steadfast` decides *when* a client dials, pings, hangs up, waits and gives up. [`connect`]
//! builds a client that runs on any executor:
//!
//! ```no_run
//! # #[cfg(feature = "tungstenite")] {
//! use futures::{SinkExt, StreamExt};
//! use steadfast::client::Event;
//!
//! # async fn run() -> Result<(), steadfast::transport::UrlError> {
//! let mut connection = steadfast::connect("wss://example.org/feed")?.build();
//! while let Some(event) = connection.next().await {
//!     match event {
//!         Event::Up(_) => drop(connection.send("subscribe".into()).await),
//!         Event::Message(message) => println!("{:?}", message.as_text()),
//!         other => eprintln!("{other}"), // connection reset; retry 1 in 312 ms
//!     }
//! }
//! # Ok(())
//! # }
//! # }
//! ```
//!
//! [The guide](https://docs.rs/steadfast/latest/steadfast/guide/) is the manual. The module [`client`]
//! has the client and the traits for transports and clocks of your own; [`transport`] has the
//! default ones.
//!
//! # The machine
//!
//! The client carries out what a [`Machine`] decides. The machine takes an [`Event`] and returns a
//! [`Step`]: it performs no I/O, reads no clock, draws no randomness from the system, allocates
//! nothing and never sees a payload. A [`Policy`], usually a [`Backoff`], decides when to try
//! again, and [`classify()`] whether.
//!
//! ```
//! use steadfast::{Action, Backoff, Command, Config, Event, Instant, Machine, Seed};
//!
//! let (config, policy) = (Config::default(), Backoff::default());
//! let mut machine = Machine::new(config, policy, Seed::new(7), Instant::ORIGIN);
//! let step = machine.handle(Instant::ORIGIN, Event::Command(Command::Start));
//! for action in step.actions {
//!     match action {
//!         Action::Dial { epoch, .. } => println!("start connecting, as {epoch}"),
//!         Action::Ping { .. } | Action::Close { .. } | Action::Abort { .. } => {}
//!         Action::Notify(notice) => println!("{notice:?}"),
//!     }
//! }
//! ```
#![cfg_attr(not(feature = "tungstenite"), doc = "[`connect`]: https://docs.rs/steadfast")]
#![cfg_attr(not(feature = "tungstenite"), doc = "[`transport`]: https://docs.rs/steadfast")]
#![cfg_attr(not(feature = "client"), doc = "[`client`]: https://docs.rs/steadfast")]
#![cfg_attr(not(any(feature = "client", feature = "fleet", feature = "trace")), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod action;
mod actions;
#[cfg(feature = "client")]
pub mod client;
mod close;
mod config;
mod error;
mod event;
mod failure;
#[cfg(feature = "fleet")]
pub mod fleet;
#[cfg(all(any(doc, doctest), feature = "testing", feature = "tls", feature = "tokio"))]
pub mod guide;
mod heartbeat;
#[cfg(feature = "serde")]
mod human_duration;
mod id;
mod machine;
mod policy;
mod pulse;
mod rng;
mod round_trip;
mod stats;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
#[cfg(feature = "trace")]
pub mod trace;
#[cfg(any(feature = "tungstenite", feature = "tokio"))]
pub mod transport;

pub use action::{Action, ClosedReason, Credentials, Next, Notice, Outcome, Step};
pub use actions::Actions;
pub use close::{CloseCode, PeerClose};
pub use config::{Config, ConfigBuilder, FirstConnect};
pub use error::ConfigError;
pub use event::{Command, Event, Network, Signal};
pub use failure::{Failure, FailureKind, Timeout};
pub use heartbeat::{Heartbeat, HeartbeatKind};
pub use id::{Epoch, Nonce};
#[cfg(feature = "testing")]
pub use machine::Shape;
pub use machine::{Machine, State, StateMachine};
pub use policy::{
    Attempt, Backoff, BackoffBuilder, Bounds, Decision, Jitter, Pace, Policy, Verdict,
    WithClassifier, classify,
};
pub use rng::Seed;
pub use round_trip::RoundTrip;
pub use stats::Stats;
pub use time::{Instant, Timer, Wake};
#[cfg(feature = "tungstenite")]
#[doc(inline)]
pub use transport::{connect, connect_any};

#[cfg(all(doctest, feature = "tungstenite", feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "fleet"))]
#[doc = include_str!("../docs/storm.md")]
struct Storm;
