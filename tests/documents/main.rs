//! The documents that are generated, held against what the code says. This writes them anew:
//!
//! ```console
//! UPDATE_DOCS=1 cargo test --all-features --test documents
//! ```
#![cfg(all(feature = "testing", feature = "tungstenite"))]

mod defaults;
mod diagram;
#[path = "../support/document.rs"]
mod document;
mod explore;
mod facts;
mod failures;
mod outcome;
mod rules;
mod transitions;
