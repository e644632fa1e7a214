//! Random scripts: what happens, when, to whom. The simplest comes first, so that a failing
//! script shrinks to something worth reading.

use core::time::Duration;

use proptest::{collection::vec, option, prelude::*};
use steadfast::{
    Backoff, CloseCode, Command, Config, Failure, FailureKind, FirstConnect, Heartbeat, Jitter,
    Network, PeerClose, Signal, Timeout,
};

use super::{millis, secs};

/// What happens. Ages count back from the newest: 0 is the newest epoch or nonce, 1 the one
/// before it, −1 one that does not exist yet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input {
    Tick,
    Command(Command),
    Signal(i8, Signal),
    Pong(i8, u32),
}

/// When it happens, told from the last time and the wake.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Same,
    Due,
    JustBefore,
    JustAfter,
    After(Duration),
    /// This long after the wake.
    Late(Duration),
    /// The clock goes backwards.
    Back(Duration),
}

/// What a world is made of.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) backoff: Backoff,
    pub(crate) seed: u64,
}

pub(crate) fn any_failure() -> impl Strategy<Value = Failure> {
    let kind = prop_oneof![
        8 => Just(FailureKind::Reset),
        4 => Just(FailureKind::Refused),
        2 => Just(FailureKind::Timeout(Timeout::Network)),
        2 => prop::sample::select(vec![1000, 1001, 1006, 1008, 1012, 1013, 4000])
            .prop_map(|code| FailureKind::Closed(CloseCode::new(code))),
        2 => prop::sample::select(vec![200, 429, 500, 503]).prop_map(FailureKind::Http),
        1 => prop::sample::select(vec![401, 404, 407]).prop_map(FailureKind::Http),
        1 => prop::sample::select(vec![1002, 4401, 4999])
            .prop_map(|code| FailureKind::Closed(CloseCode::new(code))),
        1 => Just(FailureKind::Certificate),
    ];
    let wait = prop_oneof![4 => Just(0), 1 => 1_u64..60_000, 1 => Just(86_400_000)];
    (kind, wait, prop::bool::weighted(0.2)).prop_map(|(kind, wait, spread)| {
        let failure = Failure::from(kind);
        match spread {
            false => failure.with_retry_after(millis(wait)),
            true => failure.with_spread_over(millis(wait)),
        }
    })
}

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => Just(Command::Start),
        2 => Just(Command::RetryNow),
        2 => Just(Command::Probe),
        2 => Just(Command::Network(Network::Online)),
        2 => Just(Command::Network(Network::Offline)),
        2 => Just(Command::Stop),
    ]
}

fn any_signal() -> impl Strategy<Value = Signal> {
    let code = prop::sample::select(vec![1000, 1001, 1005, 1006, 1008, 1012, 4401, 4999, 65_535]);
    prop_oneof![
        8 => Just(Signal::Opened),
        3 => Just(Signal::Received),
        1 => Just(Signal::ReadPaused),
        1 => Just(Signal::ReadResumed),
        1 => (code, prop_oneof![4 => Just(0), 1 => 1_u64..400_000]).prop_map(|(code, spread)| {
            let close = PeerClose::from(CloseCode::new(code)).with_spread_over(millis(spread));
            Signal::CloseReceived(close)
        }),
        4 => any_failure().prop_map(Signal::Lost),
    ]
}

fn any_input() -> impl Strategy<Value = Input> {
    let age = || prop_oneof![8 => Just(0_i8), 2 => 1..4_i8, 1 => Just(-1)];
    prop_oneof![
        4 => Just(Input::Tick),
        4 => any_command().prop_map(Input::Command),
        8 => (age(), any_signal()).prop_map(|(age, signal)| Input::Signal(age, signal)),
        2 => (age(), prop_oneof![4 => Just(0_u32), 1 => 1..4_u32])
            .prop_map(|(age, nonce)| Input::Pong(age, nonce)),
    ]
}

fn any_when() -> impl Strategy<Value = When> {
    prop_oneof![
        4 => Just(When::Same),
        6 => Just(When::Due),
        2 => Just(When::JustBefore),
        2 => Just(When::JustAfter),
        2 => (0..60_000_u64).prop_map(|n| When::After(millis(n))),
        1 => (0..100_000_000_000_u64).prop_map(|n| When::After(Duration::from_nanos(n))),
        1 => (0..100_000_u64).prop_map(|n| When::Late(millis(n))),
        1 => (0..1_000_000_u64).prop_map(|n| When::Late(secs(n))),
        1 => (0..100_000_u64).prop_map(|n| When::Back(millis(n))),
    ]
}

/// Lines that keep `filter`.
pub(crate) fn script_of(filter: fn(&Input) -> bool) -> impl Strategy<Value = Vec<(When, Input)>> {
    vec((any_when(), any_input().prop_filter("not in this script", filter)), 0..32)
}

pub(crate) fn any_script() -> impl Strategy<Value = Vec<(When, Input)>> {
    script_of(|_| true)
}

fn span(most_millis: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => (1..=most_millis).prop_map(millis),
        1 => (1..=most_millis * 1_000_000).prop_map(Duration::from_nanos),
        1 => Just(Duration::from_nanos(1)),
    ]
}

pub(crate) fn any_heartbeat() -> impl Strategy<Value = Heartbeat> {
    (span(40_000), span(20_000), 0..4_u8).prop_map(|(interval, pong_timeout, reprobes)| {
        Heartbeat::default()
            .with_interval(interval)
            .with_pong_timeout(pong_timeout)
            .with_reprobes(reprobes)
    })
}

fn any_config() -> impl Strategy<Value = Config> {
    let once = prop_oneof![4 => Just(FirstConnect::Retry), 1 => Just(FirstConnect::Once)];
    let timeouts = (span(20_000), span(5_000), span(20_000), span(5_000));
    let spread = prop_oneof![1 => Just(Duration::ZERO), 3 => span(3_000)];
    let heartbeat = option::weighted(0.8, any_heartbeat());
    let other = (timeouts, spread, heartbeat, once).prop_map(|(timeouts, spread, beat, once)| {
        Config::builder()
            .with_connect_timeout(timeouts.0)
            .with_close_timeout(timeouts.1)
            .with_stable_after(timeouts.2)
            .with_probe_timeout(timeouts.3)
            .with_online_spread(spread)
            .with_heartbeat(beat)
            .with_first_connect(once)
            .build()
            .unwrap()
    });
    prop_oneof![1 => Just(Config::default()), 2 => other]
}

fn any_backoff() -> impl Strategy<Value = Backoff> {
    let jitter = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated),
    ];
    let limits = (option::weighted(0.2, 0..5_u32), option::weighted(0.2, span(600_000)));
    let steps = (1..1_000_u64, 0..1_000_u64, 0..60_000_u64, 100..400_u32);
    let ear = prop_oneof![3 => Just(secs(300)), 1 => Just(Duration::ZERO), 1 => span(10_000)];
    let other = (steps, jitter, limits, ear).prop_map(|(steps, jitter, limits, ear)| {
        let (floor, more, rest, factor) = steps;
        Backoff::builder()
            .with_floor(millis(floor))
            .with_base(millis(floor + more))
            .with_first(millis(floor + rest))
            .with_cap(millis(floor + more + rest))
            .with_factor_percent(factor)
            .with_jitter(jitter)
            .with_max_retries(limits.0)
            .with_max_elapsed(limits.1)
            .with_retry_after_cap(ear)
            .build()
            .unwrap()
    });
    prop_oneof![1 => Just(Backoff::default()), 2 => other]
}

pub(crate) fn any_setup() -> impl Strategy<Value = Setup> {
    (any_config(), any_backoff(), any::<u64>()).prop_map(|(config, backoff, seed)| Setup {
        config,
        backoff,
        seed,
    })
}
