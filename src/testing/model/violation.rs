use std::fmt;

use super::Promise;
use crate::trace::{Entry, Timeline};

/// A promise that was not kept, and what led to it.
///
/// Shown, it is the promise, what was found, and the calls as a [`Timeline`].
///
/// ```
/// use steadfast::testing::model::{Checked, Violation};
///
/// fn broken(mut checked: Checked) -> Option<Violation> {
///     checked.verdict().violation()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The promise.
    pub promise: Promise,
    /// What was found instead.
    pub what: String,
    /// The calls up to the one that broke it, as far as they were kept; the last is that one.
    pub calls: Vec<Entry>,
}

impl Violation {
    /// The same violation, after these calls.
    #[must_use]
    pub fn after(mut self, calls: impl IntoIterator<Item = Entry>) -> Self {
        self.calls = calls.into_iter().collect();
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nbut {}", self.promise, self.what)?;
        if self.calls.is_empty() {
            return Ok(());
        }
        write!(f, "\n\n{}", Timeline(&self.calls))
    }
}

impl std::error::Error for Violation {}
