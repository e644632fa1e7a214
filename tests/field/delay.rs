//! Delays that overflow, or that are the same for everybody.

use core::time::Duration;

use steadfast::{Attempt, Backoff, Config, Decision, Jitter, Pace, Policy, Seed};

use crate::{
    REFUSED,
    support::{World, millis, secs},
};

const JITTERS: [Jitter; 4] = [Jitter::Full, Jitter::Equal, Jitter::Decorrelated, Jitter::None];
const YEAR: Duration = secs(365 * 86_400);

/// The next waits of a world that is dialing, while every dial is refused.
fn waits(world: &mut World, count: usize) -> Vec<Duration> {
    let wait = |_| {
        let _ = world.lost(REFUSED);
        let wait = world.wait();
        let _ = world.wake();
        wait
    };
    (0..count).map(wait).collect()
}

fn started(policy: Backoff, seed: u64) -> World {
    let mut world = World::seeded(Config::default(), policy, Seed::new(seed));
    let _ = world.start();
    world
}

// craftytrickster/stubborn-io: the 63rd delay, doubled from 4 s, fits no Duration: it panics.
#[test]
fn the_exponential_does_not_overflow_at_the_sixty_third_delay() {
    for jitter in JITTERS {
        for factor in [150, 200, 1_000, u32::MAX] {
            let builder = Backoff::builder().with_jitter(jitter).with_factor_percent(factor);
            let policy = builder.with_cap(YEAR).build().unwrap();
            let waits = waits(&mut started(policy, 1), 70);
            assert!(waits.iter().all(|wait| (millis(100)..=YEAR).contains(wait)), "{waits:?}");
            if jitter == Jitter::None {
                assert_eq!(waits[60..], [YEAR; 10]);
            }
        }
    }
}

// graphprotocol/graph-node#4420: attempt 32 shifted the delay out of its integer.
#[test]
fn the_exponential_does_not_overflow_at_any_attempt_that_can_be_counted() {
    for longest in [secs(30), Duration::from_nanos(u64::MAX - 1)] {
        for number in (1..=70).chain([u32::MAX - 1, u32::MAX]) {
            let doubled = 500_000_000_u128 << (number - 1).min(64);
            let ceiling = u64::try_from(doubled.min(longest.as_nanos())).unwrap();
            for jitter in JITTERS {
                let policy = Backoff::builder().with_jitter(jitter).with_cap(longest);
                let mut policy = policy.build().unwrap();
                let mut attempt = Attempt::new(number, REFUSED, u64::MAX);
                if jitter != Jitter::Decorrelated {
                    let decision = Decision::RetryAfter(Duration::from_nanos(ceiling));
                    assert_eq!(policy.decide(&attempt), decision, "{jitter:?}, {number}");
                }
                attempt.previous_delay = Duration::MAX;
                for pace in [Pace::Twice, Pace::StepsUp(u8::MAX), Pace::Spread] {
                    attempt.pace = pace;
                    let Decision::RetryAfter(delay) = policy.decide(&attempt) else { panic!() };
                    assert!((millis(100)..=longest).contains(&delay), "{delay:?}, {attempt:?}");
                }
            }
        }
    }
}

// ferd/backoff#8: no jitter was left at the greatest delay, and the herd met there.
#[test]
fn jitter_does_not_end_at_the_cap() {
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
        let policy = Backoff::builder().with_jitter(jitter).build().unwrap();
        let at_the_cap = |seed| {
            let mut world = started(policy.clone(), seed);
            waits(&mut world, 8).pop()
        };
        let mut waits: Vec<_> = (0..100).filter_map(at_the_cap).collect();
        waits.sort_unstable();
        assert!(waits[99] - waits[0] > secs(14), "{jitter:?}: {waits:?}");
        waits.dedup();
        assert!(waits.len() > 95, "{jitter:?}: {} distinct", waits.len());
    }
}

// heroiclabs/nakama-dotnet#105: every client seeded its jitter alike.
#[test]
fn no_two_sessions_have_the_same_jitter_sequence() {
    let mut world = started(Backoff::default(), 1);
    let mut sessions = vec![waits(&mut started(Backoff::default(), 2), 20)];
    sessions.push(waits(&mut world, 20));
    // The same client again, after a stop, and after a link that made all well.
    let _ = (world.stop(), world.start());
    let _ = world.wake();
    sessions.push(waits(&mut world, 20));
    let _ = world.opened();
    let _ = world.pass(secs(15)).received();
    sessions.push(waits(&mut world, 20));
    for (n, one) in sessions.iter().enumerate() {
        for other in &sessions[n + 1..] {
            let alike = one.iter().zip(other).filter(|(one, other)| one == other).count();
            assert_eq!(alike, 0, "{one:?} and {other:?}");
        }
    }
}
