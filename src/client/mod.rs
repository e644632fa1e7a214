//! The client: a thin async shell that carries out what the [`Machine`](crate::Machine) decides.
//!
//! It runs on any executor, spawns nothing and needs no runtime: a [`Connection`] is one value to
//! poll, a stream of [`Event`]s and a sink of [`Message`]s. [`Connection::split`] makes it a
//! [`Driver`] and [`Handle`]s to share among tasks. The traits [`Dial`], [`Conn`] and [`Clock`] are
//! for transports and timers of your own.

mod builder;
mod close_hint;
mod connection;
mod deadlines;
mod driver;
mod error;
mod event;
mod failover;
mod flushes;
mod handle;
mod heartbeat_message;
mod json_type;
mod line;
mod link;
mod load;
mod log;
mod mailbox;
mod message;
mod obey;
mod outbox;
mod queue;
mod requests;
mod seam;
mod session;
mod sink;
mod snapshot;
mod taken;
mod unsent;
mod waiters;
mod waiting;

pub use builder::{Builder, random_seed};
pub use connection::Connection;
pub use driver::Driver;
pub use error::{DialError, SendError, SendErrorReason, SharedError};
pub use event::{DialFailed, Down, Event, Up};
pub use failover::{EndpointOrder, Failover, FailoverDial, NoEndpoints};
pub use handle::Handle;
pub use heartbeat_message::HeartbeatMessage;
pub use message::{CloseFrame, Frame, Message, Text};
pub use outbox::{Outbox, Overflow, Release, Unsent, UnsentReason};
pub use seam::{Clock, Conn, Dial, DialContext, TransportError};
pub use session::{InvalidSessionId, SessionId};
pub use snapshot::{Drops, Snapshot, Traffic};
pub use waiting::{Closed, Flush, Sending, SendingAll};
