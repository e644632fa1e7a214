//! `steadfast connect`, against servers in this process.

mod ending;
mod events;
mod files;
#[cfg(unix)]
mod jobs;
mod keeping;
mod messages;
mod peer;
mod program;
mod request;
#[cfg(unix)]
mod terminal;
mod tls;
