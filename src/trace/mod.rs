//! Recording a machine's events and steps, showing them, and replaying them.
//!
//! A [`Recorder`] takes the place of the machine in any driver and writes a [`Trace`], which
//! [replays](Trace::replay) on any computer to the same steps, or to the first difference. A
//! [`Reader`] reads one that need not fit into memory. A [`Timeline`] shows it to people. It never
//! contains payloads, URLs or headers.

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
