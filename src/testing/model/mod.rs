//! What a machine promises, and whether it keeps it.
//!
//! - [`Promise`]: the fifteen, each with its sentence.
//! - [`Model`]: the surroundings of a machine, kept from its answers alone. It says which promise a
//!   call has broken, as a [`Violation`].
//! - [`Checker`]: the model, and two more machines that are told the same in other words.
//! - [`Checked`]: a machine that is checked at each call. It is a
//!   [`StateMachine`](crate::StateMachine), so a driver can drive it as it is.

mod checked;
mod checker;
mod link;
mod looks;
mod obey;
mod promise;
mod reference;
mod round_trip;
mod shape;
mod violation;

pub use checked::{Checked, Verdict};
pub use checker::Checker;
pub use promise::Promise;
pub use reference::Model;
pub use shape::ModelShape;
pub use violation::Violation;
