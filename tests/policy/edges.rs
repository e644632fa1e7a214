//! The arithmetic where integers overflow, against oracles in 128 bits: every power of two, one
//! below and one above.

use core::time::Duration;

use steadfast::{
    Action, Attempt, Backoff, Bounds, Command, Config, Decision, Event, Failure, FailureKind,
    Instant, Jitter, Machine, Next, Notice, Policy, Seed, Signal,
};

const FLOOR: u64 = 1_000_000;
const LONGEST: u64 = u64::MAX - 1;

/// Powers of two from the floor on and their neighbours, in nanoseconds.
fn edges() -> impl Iterator<Item = u64> + Clone {
    let powers = (20..u64::BITS).flat_map(|n| [(1 << n) - 1, 1 << n, (1 << n) + 1]);
    [FLOOR, FLOOR + 1].into_iter().chain(powers.filter(|edge| *edge > FLOOR + 1)).chain([LONGEST])
}

fn growing(base: u64, factor_percent: u32, cap: u64) -> Backoff {
    let base = Duration::from_nanos(base);
    Backoff::builder()
        .with_floor(Duration::from_nanos(FLOOR))
        .with_base(base)
        .with_first(base)
        .with_cap(Duration::from_nanos(cap))
        .with_factor_percent(factor_percent)
        .build()
        .unwrap()
}

/// The highest draw of each retry from the first to the 130th, and of the last that there can be.
fn ceilings(backoff: &Backoff) -> impl Iterator<Item = (u32, u64)> + '_ {
    let numbers = (1..=130).chain([1 << 31, u32::MAX]);
    numbers.map(|number| (number, backoff.draw_nanos(number, u64::MAX)))
}

#[test]
fn the_ceiling_is_exact_for_every_base_and_cap_at_a_power_of_two() {
    for base in edges() {
        for cap in edges().filter(|cap| *cap >= base) {
            let backoff = growing(base, 200, cap);
            for (number, ceiling) in ceilings(&backoff) {
                let grown = u128::from(base).saturating_mul(2_u128.saturating_pow(number - 1));
                assert_eq!(u128::from(ceiling), grown.min(cap.into()), "{number}: {base} to {cap}");
            }
        }
    }
}

#[test]
fn the_ceiling_is_exact_for_every_whole_factor() {
    for factor in (1..=100).chain([1_000, u32::MAX / 100]) {
        for (base, cap) in [(FLOOR, LONGEST), (FLOOR + 1, 1 << 40), (LONGEST / 3, LONGEST)] {
            let backoff = growing(base, factor * 100, cap);
            for (number, ceiling) in ceilings(&backoff) {
                let power = u128::from(factor).saturating_pow(number - 1);
                let grown = u128::from(base).saturating_mul(power).min(cap.into());
                assert_eq!(u128::from(ceiling), grown, "{number}: {base} × {factor} to {cap}");
            }
        }
    }
}

#[test]
fn the_ceiling_never_falls_and_reaches_the_cap_for_every_factor_of_whole_percents() {
    for factor_percent in 101..=1_000 {
        let backoff = growing(FLOOR, factor_percent, LONGEST);
        let all: Vec<_> = ceilings(&backoff).map(|(_, ceiling)| ceiling).collect();
        assert!(all.is_sorted(), "{factor_percent} %: {all:?}");
        assert_eq!((all[0], all[131]), (FLOOR, LONGEST), "{factor_percent} %");
    }
}

/// Each delay of a range has the same share of all draws, but for one: the k-th begins where
/// `k × 2⁶⁴ / n` is rounded up to.
#[test]
fn every_delay_of_a_range_is_as_likely_as_any_other() {
    for span in (0..=300).chain([65_535, 65_536, 1_000_003]) {
        let backoff = growing(FLOOR + span, 200, FLOOR + span);
        let count = u128::from(span) + 1;
        let step = usize::try_from(span / 300 + 1).unwrap();
        for k in (0..=span).step_by(step) {
            let begin = (u128::from(k) << 64).div_ceil(count);
            let begin = u64::try_from(begin).unwrap();
            assert_eq!(backoff.draw_nanos(1, begin), FLOOR + k, "{k} of {span}");
            let before = begin.checked_sub(1).map(|before| backoff.draw_nanos(1, before));
            assert_eq!(before, k.checked_sub(1).map(|k| FLOOR + k), "{k} of {span}");
        }
        assert_eq!(backoff.draw_nanos(1, u64::MAX), FLOOR + span);
    }
}

#[test]
fn the_draw_never_falls_as_the_entropy_grows_for_any_range_at_a_power_of_two() {
    let draws = edges().map(|edge| edge.rotate_left(20)).chain(edges()).chain([0, 1, u64::MAX]);
    let mut draws: Vec<_> = draws.collect();
    draws.sort_unstable();
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated, Jitter::None] {
        for cap in edges() {
            let builder = growing(FLOOR, 200, cap).to_builder();
            let backoff = builder.with_jitter(jitter).build().unwrap();
            let mut attempt = Attempt::new(64, FailureKind::Refused, 0);
            attempt.previous_delay = Duration::MAX;
            let (low, high) = backoff.range(&attempt);
            let mut delays = Vec::new();
            for &entropy in &draws {
                attempt.entropy = entropy;
                let Decision::RetryAfter(delay) = (&backoff).decide(&attempt) else { panic!() };
                delays.push(delay);
            }
            assert!(delays.is_sorted(), "{jitter:?} to {cap}: {delays:?}");
            assert_eq!((delays[0], delays[draws.len() - 1]), (low, high), "{jitter:?} to {cap}");
            assert_eq!(high, Duration::from_nanos(cap));
        }
    }
}

/// Answers with one delay, within any bounds.
#[derive(Clone, Copy)]
struct Stubborn(Duration, Bounds);

impl Policy for Stubborn {
    fn decide(&mut self, _: &Attempt) -> Decision {
        Decision::RetryAfter(self.0)
    }

    fn bounds(&self) -> Bounds {
        self.1
    }
}

fn announced(policy: Stubborn, failure: Failure) -> Duration {
    let mut machine = Machine::new(Config::default(), policy, Seed::new(1), Instant::ORIGIN);
    let _ = machine.handle(Instant::ORIGIN, Command::Start.into());
    let lost = Event::Transport(machine.epoch(), Signal::Lost(failure));
    let step = machine.handle(Instant::ORIGIN, lost);
    match step.actions.iter().next() {
        Some(Action::Notify(Notice::DialFailed { next: Next::Retry { delay, .. }, .. })) => delay,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wait_is_the_policys_answer_within_its_bounds_and_the_servers_within_its_own_on_top() {
    let delays = [Duration::ZERO, Duration::from_nanos(FLOOR), Duration::MAX];
    let delays = delays.into_iter().chain(edges().step_by(7).map(Duration::from_nanos));
    let asked = [0, 1, 7_000, (1 << 31) - 1, 1 << 31, u32::MAX].map(u64::from);
    for floor in edges().step_by(9) {
        for cap in edges().step_by(5).chain([LONGEST]).filter(|cap| *cap >= floor) {
            let nanos = Duration::from_nanos;
            let bounds = Bounds::new(nanos(floor), nanos(cap)).unwrap();
            for ear in [0, 1, FLOOR, 7_000 * 1_000_000, 1 << 62, LONGEST] {
                let bounds = bounds.with_retry_after_cap(nanos(ear)).unwrap();
                for (delay, millis) in delays.clone().zip(asked.into_iter().cycle()) {
                    let failure = Failure::from(FailureKind::Http(503))
                        .with_retry_after(Duration::from_millis(millis));
                    // A failure keeps 31 bits of milliseconds.
                    let millis = millis.min((1 << 31) - 1);
                    let own = delay.as_nanos().clamp(floor.into(), cap.into());
                    let wait = own + (u128::from(millis) * 1_000_000).min(ear.into());
                    let expected = nanos(u64::try_from(wait).unwrap_or(u64::MAX));
                    let wait = announced(Stubborn(delay, bounds), failure);
                    assert_eq!(wait, expected, "{delay:?} in {floor}..={cap}, {millis} ms, {ear}");
                    assert!((bounds.earliest(failure)..=bounds.latest(failure)).contains(&wait));
                }
            }
        }
    }
}
