//! Small configurations in which next to nothing is drawn at random, and the pair that a search
//! moves through.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
    time::Duration,
};

use steadfast::{
    Backoff, BackoffBuilder, Config, ConfigBuilder, FirstConnect, Heartbeat, Instant, Jitter,
    Machine, Outcome, Seed, Step,
    testing::model::{Checker, Model, Violation},
    trace::Entry,
};

use crate::alphabet::{Input, When};

/// From how many failures on nothing changes: the cap is reached, and the limit is passed.
pub(crate) const COUNTS_TO: u32 = 3;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) config: &'static Config,
    pub(crate) policy: &'static Backoff,
    /// Something of it is drawn at random, if only one nanosecond.
    pub(crate) draws: bool,
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

const NANO: Duration = Duration::from_nanos(1);

fn of(name: &'static str, config: ConfigBuilder, policy: BackoffBuilder) -> Setup {
    Setup {
        name,
        config: Box::leak(Box::new(config.build().unwrap())),
        draws: policy.retry_after_cap > Duration::ZERO,
        policy: Box::leak(Box::new(policy.build().unwrap())),
    }
}

fn policy() -> BackoffBuilder {
    Backoff::builder()
        .with_jitter(Jitter::None)
        .with_cap(secs(2))
        .with_retry_after_cap(Duration::ZERO)
}

pub(crate) fn defaults() -> Setup {
    let config = Config::builder().with_online_spread(Duration::ZERO);
    of("the defaults", config, policy())
}

pub(crate) fn deaf() -> Setup {
    let config = Config::builder()
        .with_heartbeat(None)
        .with_first_connect(FirstConnect::Once)
        .with_online_spread(NANO);
    of("no heartbeat, a first connection that is tried once", config, policy())
}

/// A link is stable from its first ping on, and a server's wish is obeyed, but not much.
pub(crate) fn impatient() -> Setup {
    let heartbeat =
        Heartbeat::default().with_interval(secs(4)).with_pong_timeout(secs(2)).with_reprobes(0);
    let config = Config::builder()
        .with_stable_after(secs(4))
        .with_heartbeat(heartbeat)
        .with_online_spread(NANO);
    of("two retries, one ping", config, policy().with_max_retries(2).with_retry_after_cap(NANO))
}

/// A server that keeps the connection busy, or does not.
pub(crate) fn expecting() -> Setup {
    let heartbeat = Heartbeat::expect(secs(5)).with_pong_timeout(secs(2));
    let config = Config::builder().with_heartbeat(heartbeat).with_online_spread(Duration::ZERO);
    of("a heartbeat of the server's", config, policy())
}

pub(crate) fn all() -> [Setup; 4] {
    [defaults(), deaf(), impatient(), expecting()]
}

/// A machine and the model that has followed it.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) machine: Machine<&'static Backoff, &'static Config>,
    pub(crate) model: Model<&'static Backoff>,
}

/// What came of one step.
pub(crate) struct Reached {
    pub(crate) pair: Pair,
    pub(crate) entry: Entry,
    pub(crate) verdict: Result<(), Violation>,
}

impl Pair {
    pub(crate) fn new(setup: Setup) -> Self {
        let now = Instant::ORIGIN;
        Self {
            machine: Machine::new(setup.config, setup.policy, Seed::new(1), now),
            model: Model::new(setup.config.clone(), setup.policy, now),
        }
    }

    /// One step further.
    pub(crate) fn step(&self, at: Instant, input: Input) -> Reached {
        let mut machine = self.machine.clone();
        let event = input.event(self);
        let mut checker = Checker::resume(self.model.clone(), &machine);
        let (step, verdict) = checker.handle(&mut machine, at, event);
        if verdict.is_ok() {
            assert_eq!(machine.shape(), checker.twin().shape(), "the twin has become another");
        }
        let entry = Entry { at, event, step, state: machine.state() };
        Reached { pair: Self { machine, model: checker.into_model() }, entry, verdict }
    }

    /// The name of what decides its future: 128 bits of hash.
    ///
    /// Two shapes that have the same by chance would hide one of them, and never raise a false
    /// alarm; among 10⁹ shapes that is less likely than one in 10²⁰.
    pub(crate) fn key(&self) -> u128 {
        let shapes = (
            self.machine.shape().counting_to(COUNTS_TO),
            self.model.shape().counting_to(COUNTS_TO),
        );
        let half = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            (salt, &shapes).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        half(0) << 64 | half(1)
    }

    /// Every step that there is.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (When, Instant, Input)> {
        When::all(self).into_iter().flat_map(|(when, at)| Input::ALL.map(|input| (when, at, input)))
    }
}

impl Reached {
    /// Whether to go on from here leads anywhere else than to go on from a tick would, or, from a
    /// tick before anything is due, than to go on from where it came from. The checker has just
    /// found that it would not.
    pub(crate) fn leads_on(&self, input: Input) -> bool {
        let Step { actions, outcome, .. } = self.entry.step;
        outcome == Outcome::Applied && (input != Input::Tick || !actions.is_empty())
    }
}

/// The depth that was asked for.
pub(crate) fn asked_depth() -> Option<usize> {
    std::env::var("STEADFAST_DEPTH").ok().and_then(|depth| depth.parse().ok())
}

/// So deep in a debug build, or so deep in a release build.
pub(crate) const fn depth(debug: usize, release: usize) -> usize {
    if cfg!(debug_assertions) { debug } else { release }
}

/// Says it even when the output of a test that passes is not shown.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
