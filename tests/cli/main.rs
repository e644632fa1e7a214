//! The built binary, driven as a user or a script would: against real servers in this process, on
//! ports that the system chose.

mod command;
mod connect;
mod replay;
mod simulate;
