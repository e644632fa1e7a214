use std::{fmt, io};

use serde::Serialize;

use super::{Entry, file::Header};
use crate::{
    Backoff, Config, Epoch, Event, Failure, Instant, Machine, Policy, Seed, State, StateMachine,
    Stats, Step, Wake,
};

/// A [`Machine`] that writes down all it is told and answers, a line of JSON for each call.
///
/// A machine never sees a payload, a URL or a header, so there is none in a trace. A trace that
/// cannot be written does not disturb the connection: recording ends, and [`error`](Self::error)
/// and [`finish`](Self::finish) tell why. Each line is written at once, in one piece.
///
/// ```
/// use steadfast::{Backoff, Command, Config, Instant, Seed, StateMachine};
/// use steadfast::trace::{Recorder, Trace};
///
/// let (config, policy) = (Config::default(), Backoff::default());
/// let mut machine = Recorder::new(config, policy, Seed::new(7), Instant::ORIGIN, Vec::new());
/// let _ = machine.handle(Instant::ORIGIN, Command::Start.into());
/// let _ = machine.handle(Instant::from_millis(30), Command::Stop.into());
/// let written = machine.finish()?;
///
/// let trace = Trace::read(written.as_slice())?;
/// assert_eq!(trace.entries.len(), 2);
/// trace.replay()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With the client: `builder.build_with(|config, policy, seed, now| Recorder::new(config, policy,
/// seed, now, file))`.
pub struct Recorder<W, P = Backoff> {
    machine: Machine<P>,
    out: W,
    line: Vec<u8>,
    error: Option<io::Error>,
}

impl<W: io::Write, P: Policy> Recorder<W, P> {
    /// A machine, as [`Machine::new`] makes it, that is recorded into `out`.
    pub fn new(config: Config, policy: P, seed: Seed, now: Instant, out: W) -> Self
    where
        P: Serialize,
    {
        let written = serde_json::to_value(&policy);
        Self::begin(config, policy, seed, now, out, written.map(Some))
    }

    /// The same for a policy that cannot be written, such as a closure: whoever replays the trace
    /// must have the policy, for [`Trace::replay_with`](super::Trace::replay_with).
    pub fn without_policy(config: Config, policy: P, seed: Seed, now: Instant, out: W) -> Self {
        Self::begin(config, policy, seed, now, out, Ok(None))
    }

    fn begin(
        config: Config,
        policy: P,
        seed: Seed,
        now: Instant,
        out: W,
        written: Result<Option<serde_json::Value>, serde_json::Error>,
    ) -> Self {
        let machine = Machine::new(config.clone(), policy, seed, now);
        let mut recorder = Self { machine, out, line: Vec::new(), error: None };
        match written {
            Ok(policy) => recorder.write(&Header::new(config, policy, seed, now)),
            Err(error) => recorder.error = Some(error.into()),
        }
        recorder
    }

    /// Why recording has ended early, if it has.
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Flushes the trace and gives its writer back.
    ///
    /// # Errors
    ///
    /// If some of the trace could not be written.
    pub fn finish(mut self) -> io::Result<W> {
        match self.error {
            Some(error) => Err(error),
            None => self.out.flush().map(|()| self.out),
        }
    }

    fn write(&mut self, line: &impl Serialize) {
        if self.error.is_some() {
            return;
        }
        self.line.clear();
        let written = serde_json::to_writer(&mut self.line, line).map_err(io::Error::from);
        self.line.push(b'\n');
        self.error = written.and_then(|()| self.out.write_all(&self.line)).err();
    }
}

impl<W: io::Write, P: Policy> StateMachine for Recorder<W, P> {
    fn handle(&mut self, now: Instant, event: Event) -> Step {
        let entry = Entry::of(&mut self.machine, now, event);
        self.write(&entry);
        entry.step
    }

    fn state(&self) -> State {
        self.machine.state()
    }

    fn wake(&self) -> Wake {
        self.machine.wake()
    }

    fn epoch(&self) -> Epoch {
        self.machine.epoch()
    }

    fn failures(&self) -> u32 {
        self.machine.failures()
    }

    fn last_failure(&self) -> Option<Failure> {
        self.machine.last_failure()
    }

    fn since(&self) -> Instant {
        self.machine.since()
    }

    fn stats(&self) -> Stats {
        self.machine.stats()
    }
}

impl<W, P> fmt::Debug for Recorder<W, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("machine", &self.machine)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
