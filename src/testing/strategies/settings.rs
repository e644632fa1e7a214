//! Configurations and policies, at random.

use std::time::Duration;

use proptest::{option, prelude::*};

use crate::{
    Backoff, Config, FirstConnect, Heartbeat, HeartbeatKind, Instant, Jitter, Machine, Seed,
};

/// What a machine is made of.
///
/// ```
/// use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
/// use steadfast::{State, testing::strategies::setups};
///
/// let setup = setups().new_tree(&mut TestRunner::deterministic()).unwrap().current();
/// assert_eq!(setup.machine().state(), State::Idle);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a machine is made of no more")]
pub struct Setup {
    /// How it behaves.
    pub config: Config,
    /// When it tries again.
    pub backoff: Backoff,
    /// Where its randomness starts.
    pub seed: Seed,
}

impl Setup {
    /// A machine made of this, at the origin of its clock.
    pub fn machine(&self) -> Machine {
        Machine::new(self.config.clone(), self.backoff.clone(), self.seed, Instant::ORIGIN)
    }
}

/// Setups of [`configs`], [`backoffs`] and any seed.
///
/// ```
/// use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
/// use steadfast::testing::strategies::setups;
///
/// let drawn = setups().new_tree(&mut TestRunner::deterministic()).unwrap().current();
/// let machine = drawn.machine();
/// ```
pub fn setups() -> impl Strategy<Value = Setup> {
    (configs(), backoffs(), any::<u64>()).prop_map(|(config, backoff, seed)| Setup {
        config,
        backoff,
        seed: Seed::new(seed),
    })
}

/// Durations up to `most_millis`, down to a nanosecond.
fn spans(most_millis: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => (1..=most_millis).prop_map(Duration::from_millis),
        1 => (1..=most_millis * 1_000_000).prop_map(Duration::from_nanos),
        1 => Just(Duration::from_nanos(1)),
    ]
}

/// Heartbeats of every kind, with every setting between a nanosecond and 40 s. The simplest ones
/// ping.
///
/// ```
/// use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
/// use steadfast::testing::strategies::heartbeats;
///
/// let drawn = heartbeats().new_tree(&mut TestRunner::deterministic()).unwrap().current();
/// assert!(steadfast::Config::builder().with_heartbeat(drawn).build().is_ok());
/// ```
pub fn heartbeats() -> impl Strategy<Value = Heartbeat> {
    let kind = prop_oneof![3 => Just(HeartbeatKind::Ping), 1 => Just(HeartbeatKind::Expect)];
    (spans(40_000), spans(20_000), 0..4_u8, kind).prop_map(
        |(interval, pong_timeout, reprobes, kind)| {
            Heartbeat::default()
                .with_interval(interval)
                .with_pong_timeout(pong_timeout)
                .with_reprobes(reprobes)
                .with_kind(kind)
        },
    )
}

/// Configurations with every duration between a nanosecond and 40 s, with and without a heartbeat.
/// The simplest is the default.
///
/// ```
/// use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
/// use steadfast::testing::strategies::configs;
///
/// let drawn = configs().new_tree(&mut TestRunner::deterministic()).unwrap().current();
/// assert_eq!(drawn.to_builder().build(), Ok(drawn));
/// ```
pub fn configs() -> impl Strategy<Value = Config> {
    let once = prop_oneof![4 => Just(FirstConnect::Retry), 1 => Just(FirstConnect::Once)];
    let timeouts = (spans(20_000), spans(5_000), spans(20_000), spans(5_000));
    let spread = prop_oneof![1 => Just(Duration::ZERO), 3 => spans(3_000)];
    let heartbeat = option::weighted(0.8, heartbeats());
    let other = (timeouts, spread, heartbeat, once).prop_map(|(timeouts, spread, beat, once)| {
        let (connect, close, stable, probe) = timeouts;
        Config::builder()
            .with_connect_timeout(connect)
            .with_close_timeout(close)
            .with_stable_after(stable)
            .with_probe_timeout(probe)
            .with_online_spread(spread)
            .with_heartbeat(beat)
            .with_first_connect(once)
            .build()
            .expect("every setting is in its range")
    });
    prop_oneof![1 => Just(Config::default()), 2 => other]
}

/// Policies with every jitter, with and without limits, and with caps up to a minute. The simplest
/// is the default.
///
/// ```
/// use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
/// use steadfast::testing::strategies::backoffs;
///
/// let drawn = backoffs().new_tree(&mut TestRunner::deterministic()).unwrap().current();
/// assert_eq!(drawn.to_builder().build(), Ok(drawn));
/// ```
pub fn backoffs() -> impl Strategy<Value = Backoff> {
    let jitter = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated),
    ];
    let limits = (option::weighted(0.2, 0..5_u32), option::weighted(0.2, spans(600_000)));
    let steps = (1..1_000_u64, 0..1_000_u64, 0..60_000_u64, 0..10_000_u64, 100..400_u32);
    let retry_after_cap = prop_oneof![
        3 => Just(Duration::from_secs(300)),
        1 => Just(Duration::ZERO),
        1 => spans(10_000),
    ];
    let other = (steps, jitter, limits, retry_after_cap).prop_map(
        |((floor, more, rest, spread, factor), jitter, (retries, elapsed), retry_after_cap)| {
            Backoff::builder()
                .with_floor(Duration::from_millis(floor))
                .with_base(Duration::from_millis(floor + more))
                .with_first(Duration::from_millis(floor + rest))
                .with_cap(Duration::from_millis(floor + more + rest))
                .with_spread(Duration::from_millis(spread))
                .with_factor_percent(factor)
                .with_jitter(jitter)
                .with_max_retries(retries)
                .with_max_elapsed(elapsed)
                .with_retry_after_cap(retry_after_cap)
                .build()
                .expect("every setting is in its range")
        },
    );
    prop_oneof![1 => Just(Backoff::default()), 2 => other]
}
