//! `steadfast serve`: each fault on the wire, and clients that mean no good.

mod faults;
mod hostile;
mod telling;
