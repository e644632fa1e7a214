//! What tests are made of: a connection without a network, and a clock that moves when told.

mod clock;
mod memory;

pub use clock::ManualClock;
pub use memory::{MemoryConn, MemoryError, MemoryPeer, pair};
