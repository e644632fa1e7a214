//! What a machine was told and what it answered: recorded, shown, and replayed.
//!
//! A [`Recorder`] stands in for the machine of any driver and writes a [`Trace`], which
//! [replays](Trace::replay) on any computer to the same steps, or to the first difference. A
//! [`Reader`] reads one that need not fit into memory. A [`Timeline`] shows it to people. Payloads, URLs and headers are never in it.

mod entry;
mod error;
mod file;
mod reader;
mod recorder;
mod timeline;

pub use entry::Entry;
pub use error::{Difference, ReplayError, TraceError};
pub use file::Trace;
pub use reader::Reader;
pub use recorder::Recorder;
pub use timeline::{Row, Timeline};
