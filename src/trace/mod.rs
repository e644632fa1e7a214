//! What a machine was told and what it answered: recorded, shown, and replayed.

mod entry;
mod timeline;

pub use entry::Entry;
pub use timeline::Timeline;
