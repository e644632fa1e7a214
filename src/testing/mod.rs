//! Tools for testing an application: virtual time, a scripted server, and connections with injected
//! faults.
//!
//! Hours of outage pass in milliseconds, on one thread, and the same each time, if each client has
//! a seed ([`Builder::with_seed`](crate::client::Builder::with_seed)): without one, its jitter
//! differs from run to run.
//!
//! - [`VirtualTime`] runs tasks, and advances a [`ManualClock`] when all of them wait. It detects
//!   deadlocks and hot loops.
//! - [`Server`] is an in-memory server. A [`Plan`] says what happens to each dial, and a handler
//!   speaks the application's protocol. It records what it has seen.
//! - [`Faulty`] injects [`Faults`] into any connection, in memory or over TCP.
//! - [`pair`] is an in-memory connection, for tests that need no more.
//! - [`check_policy`] checks a retry policy against its [`laws`], and returns the smallest
//!   counterexample as a timeline.
//! - [`model::Checked`] is a machine that is checked against its fifteen promises at each call.
//! - [`check_driver`] puts a driver, of this crate or your own, between such a machine and a faulty
//!   server, and checks that it does what the machine says.
//! - [`strategies`] generates all that can happen to a machine, for proptest.
//!
//! Plans and faults are data, and implement proptest's `Arbitrary`.
//!
//! # An application that resynchronises, through an outage of three hours
//!
//! The application shows a feed of numbered messages. At the start of each connection it asks for
//! those after the last that it has seen; it must show each message once, in order.
//!
//! ```
//! use std::time::Duration;
//! use futures::{SinkExt, StreamExt};
//! use steadfast::{
//!     Backoff, Instant, Jitter, Seed,
//!     client::{Builder, Connection, Event},
//!     testing::{ManualClock, MemoryDialer, Outage, Plan, RunError, Server, VirtualTime},
//! };
//!
//! // The code under test. In production it is generic over the dialer and the clock.
//! async fn show(mut feed: Connection<MemoryDialer, ManualClock>, until: u64) -> Vec<u64> {
//!     let mut shown = Vec::new();
//!     while shown.last() != Some(&until) {
//!         match feed.next().await {
//!             Some(Event::Up { .. }) => {
//!                 let next = shown.last().map_or(0, |last| last + 1);
//!                 // If it cannot be sent any more, a Down follows, and another Up.
//!                 let _ = feed.send(next.to_string().into()).await;
//!             }
//!             Some(Event::Message(message)) => {
//!                 shown.extend(message.as_text().and_then(|text| text.parse::<u64>().ok()));
//!             }
//!             Some(_) => {}
//!             None => break,
//!         }
//!     }
//!     shown
//! }
//!
//! let [second, minute, hour] = [1, 60, 3_600].map(Duration::from_secs);
//! let mut time = VirtualTime::new();
//! // From 00:10 to 03:10 nothing can be reached. The feed has one message a minute.
//! let plan = Plan::new().with_outage(Outage::silent(10 * minute..10 * minute + 3 * hour));
//! let clock = time.clock();
//! let server = Server::with_handler(&time, plan, move |_context, mut peer| {
//!     let clock = clock.clone();
//!     async move {
//!         let Some(asked) = peer.recv_message().await else { return };
//!         let first = asked.as_text().and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
//!         for number in first.. {
//!             let published = Instant::ORIGIN.saturating_add(number * minute);
//!             let there = peer.wait(clock.sleep_until(published)).await;
//!             if !there || !peer.send_message(number.to_string()).await {
//!                 break;
//!             }
//!         }
//!     }
//! });
//!
//! // Without jitter, so that the instants of the dials can be told in advance.
//! let policy = Backoff::builder().with_jitter(Jitter::None).build().unwrap();
//! let connection = Builder::new(server.dialer(), time.clock())
//!     .with_policy(policy)
//!     .with_seed(Seed::new(1))
//!     .build();
//!
//! let shown = time.run(show(connection, 200))?;
//! assert!(shown.into_iter().eq(0..=200));
//!
//! let dialed: Vec<_> =
//!     server.dials().iter().map(|(at, _)| at.saturating_duration_since(Instant::ORIGIN)).collect();
//! // Two pings wait for ten seconds each; a second later it dials.
//! assert_eq!(dialed[..2], [Duration::ZERO, 10 * minute + 21 * second]);
//! // Each dial waits for ten seconds, and the next comes at most thirty later.
//! assert!(dialed[1..].windows(2).all(|two| two[1] - two[0] <= 40 * second));
//! assert_eq!(dialed.len(), 275);
//! assert_eq!(dialed[274], 3 * hour + 10 * minute + 22 * second);
//! assert_eq!(server.most_alive(), 1);
//! # Ok::<(), RunError>(())
//! ```

mod arbitrary;
mod clock;
mod faults;
mod faulty;
pub mod harness;
pub mod laws;
mod log;
mod memory;
pub mod model;
mod peer;
mod plan;
mod server;
pub mod strategies;
mod virtual_time;

pub use clock::{ManualClock, Sleep};
pub use faults::{Fault, FaultError, Faults, When};
pub use faulty::Faulty;
pub use harness::check_driver;
pub use laws::check_policy;
pub use log::{Observation, Observed};
pub use memory::{MemoryConn, MemoryError, pair};
pub use peer::MemoryPeer;
pub use plan::{Act, Answer, Outage, Plan};
pub use server::{MemoryDialer, Server};
pub use virtual_time::{RunError, Spawner, VirtualTime};
