//! What is fuzzed: each module takes any bytes, makes something of them, and panics if what must
//! hold does not. `cargo test` replays the corpus through the same modules.

pub mod client;
pub mod machine;
pub mod policy;
