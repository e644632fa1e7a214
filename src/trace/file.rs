use std::io;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Difference, Entry, Reader, ReplayError, TraceError};
use crate::{Backoff, Config, Instant, Machine, Policy, Seed};

/// The version of the format that is written and read.
const VERSION: u32 = 1;

/// The first line of a trace.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// The name of the field says what the file is.
    steadfast_trace: u32,
    config: Config,
    policy: Option<Value>,
    seed: Seed,
    now: Instant,
}

impl Header {
    pub(super) fn new(config: Config, policy: Option<Value>, seed: Seed, now: Instant) -> Self {
        Self { steadfast_trace: VERSION, config, policy, seed, now }
    }
}

/// The version alone, for a header whose rest may be of another time.
#[derive(Deserialize)]
struct Version {
    steadfast_trace: u32,
}

/// What a [`Recorder`](super::Recorder) wrote: how the machine was made, and all it was told and
/// answered.
///
/// The format is JSON lines. The first has `steadfast_trace` (the version, 1), `config`, `policy`
/// (`null` if it could not be written), `seed`, and `now` in nanoseconds since the origin of the
/// driver's clock; each other one `at` in the same nanoseconds, `event`, `step` and `state`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trace {
    /// The machine's configuration.
    pub config: Config,
    /// The machine's policy, as it was written; `None` if it could not be.
    pub policy: Option<Value>,
    /// The machine's seed.
    pub seed: Seed,
    /// When the machine was made.
    pub now: Instant,
    /// Its calls, in order.
    pub entries: Vec<Entry>,
    /// The last line was cut short, as a crash may leave it, and is not among the entries.
    pub is_torn: bool,
}

impl Trace {
    /// Reads a trace to its end.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is empty, is not a trace, is of another version, or has a line that
    /// is not a call of a machine or is longer than any. A last line that was cut short is no error: see
    /// [`is_torn`](Self::is_torn).
    pub fn read(from: impl io::BufRead) -> Result<Self, TraceError> {
        let mut reader = Reader::new(from)?;
        let entries = reader.by_ref().collect::<Result<_, _>>()?;
        Ok(Self { entries, ..reader.into_head() })
    }

    /// Writes it as [`read`](Self::read) reads it.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn write(&self, mut out: impl io::Write) -> io::Result<()> {
        let Self { config, policy, seed, now, entries, .. } = self;
        let header = Header::new(config.clone(), policy.clone(), *seed, *now);
        serde_json::to_writer(&mut out, &header)?;
        for entry in entries {
            out.write_all(b"\n")?;
            serde_json::to_writer(&mut out, entry)?;
        }
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Tells a fresh machine, with the [`Backoff`] of the trace, all that the recorded one was
    /// told.
    ///
    /// # Errors
    ///
    /// The first [`Difference`]; or that the trace has no policy, or another one: see
    /// [`replay_with`](Self::replay_with).
    pub fn replay(&self) -> Result<(), ReplayError> {
        self.replay_with(self.policy_as::<Backoff>()?)
    }

    /// The same with this policy, which must be the one that was recorded.
    ///
    /// # Errors
    ///
    /// The first [`Difference`].
    pub fn replay_with(&self, policy: impl Policy) -> Result<(), ReplayError> {
        for (index, (expected, actual)) in self.entries.iter().zip(self.calls(policy)).enumerate() {
            if *expected != actual {
                return Err(ReplayError::Difference(Box::new(Difference {
                    line: index + 2,
                    before: self.entries[..index].to_vec(),
                    expected: *expected,
                    actual,
                })));
            }
        }
        Ok(())
    }

    /// The same trace as a machine of today would leave it.
    ///
    /// # Errors
    ///
    /// If the trace has no policy, or another one than a [`Backoff`].
    pub fn recorded_anew(&self) -> Result<Self, ReplayError> {
        let entries = self.calls(self.policy_as::<Backoff>()?).collect();
        Ok(Self { entries, ..self.clone() })
    }

    /// The policy of the trace.
    ///
    /// # Errors
    ///
    /// If there is none, or it is none of this kind.
    pub fn policy_as<P: Policy + DeserializeOwned>(&self) -> Result<P, ReplayError> {
        let policy = self.policy.clone().ok_or(ReplayError::NoPolicy)?;
        serde_json::from_value(policy).map_err(ReplayError::Policy)
    }

    /// A fresh machine, made as the recorded one was.
    pub fn machine<P: Policy>(&self, policy: P) -> Machine<P> {
        Machine::new(self.config.clone(), policy, self.seed, self.now)
    }

    fn calls<P: Policy>(&self, policy: P) -> impl Iterator<Item = Entry> {
        let mut machine = self.machine(policy);
        self.entries.iter().map(move |entry| Entry::of(&mut machine, entry.at, entry.event))
    }
}

impl Header {
    pub(super) fn read(line: &[u8]) -> Result<Self, TraceError> {
        // Some editors mark a file as UTF-8.
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let version = serde_json::from_slice::<Version>(line).map_err(TraceError::Header)?;
        if version.steadfast_trace != VERSION {
            return Err(TraceError::Version { found: version.steadfast_trace, known: VERSION });
        }
        serde_json::from_slice(line).map_err(TraceError::Header)
    }

    /// The trace of which nothing but this is known.
    pub(super) fn into_trace(self) -> Trace {
        let Self { config, policy, seed, now, .. } = self;
        Trace { config, policy, seed, now, entries: Vec::new(), is_torn: false }
    }
}
