//! The built binary, driven as a user or a script would: against real servers in this process, on
//! ports that the system chose.

mod check;
mod command;
mod connect;
#[path = "../support/document.rs"]
mod document;
mod help;
mod replay;
mod serve;
mod server;
mod simulate;
