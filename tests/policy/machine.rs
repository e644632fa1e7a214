//! What the machine makes of a policy: closures, classifiers, credentials.

use std::{cell::RefCell, rc::Rc};

use core::time::Duration;

use proptest::{collection::vec, prelude::*};
use steadfast::{
    Action, Attempt, Bounds, CloseCode, ClosedReason, Config, Credentials, Decision, Failure,
    FailureKind, Pace, Policy, State, Step, Verdict, classify,
};

use crate::support::{World, any_failure, millis, plain, secs};

const REFUSED: FailureKind = FailureKind::Refused;
const UNAUTHORIZED: FailureKind = FailureKind::Http(401);

fn credentials(step: &Step) -> Option<Credentials> {
    step.actions.iter().find_map(|action| match action {
        Action::Dial { credentials, .. } => Some(credentials),
        _ => None,
    })
}

proptest! {
    #[test]
    fn no_policy_can_leave_its_bounds(
        delays in vec(prop_oneof![
            Just(Duration::ZERO),
            (0..1_000_u64).prop_map(millis),
            any::<u64>().prop_map(Duration::from_nanos),
        ], 1..20),
        failures in vec(any_failure(), 20),
    ) {
        let bounded = Bound {
            delays: delays.clone(),
            bounds: Bounds::new(millis(20), secs(50)).unwrap(),
        };
        let mut world = World::with(Config::default(), bounded);
        let _ = world.start();
        for (delay, failure) in delays.into_iter().zip(failures) {
            let _ = world.lost(failure);
            if world.machine.state() != State::Backoff {
                break;
            }
            let asked = failure.retry_after().unwrap_or_default().min(secs(300));
            let least = asked + delay.clamp(millis(20), secs(50));
            let spread = failure.spread_over().unwrap_or_default();
            let most = least + (spread + spread / 16).min(secs(300));
            prop_assert!((least..=most).contains(&world.wait()), "{:?}", world.wait());
            let _ = world.wake();
        }
    }
}

/// Answers with one delay after the other.
#[derive(Clone)]
struct Bound {
    delays: Vec<Duration>,
    bounds: Bounds,
}

impl Policy for Bound {
    fn decide(&mut self, _: &Attempt) -> Decision {
        Decision::RetryAfter(self.delays.remove(0))
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }
}

#[test]
fn a_closure_that_never_waits_makes_no_hot_loop() {
    let eager = |_: &Attempt| Decision::RetryAfter(Duration::ZERO);
    let mut world = World::with(Config::default(), eager);
    let _ = world.start();
    for _ in 0..10 {
        let _ = world.lost(REFUSED);
        assert_eq!(world.wait(), millis(100));
        let _ = world.wake();
    }
}

#[test]
fn a_closure_that_waits_for_ever_does_not_overflow() {
    use steadfast::{Event, Instant, Machine, Seed, Signal};
    let never = |_: &Attempt| Decision::RetryAfter(Duration::MAX);
    let mut machine = Machine::new(Config::default(), never, Seed::new(1), Instant::ORIGIN);
    let _ = machine.handle(Instant::ORIGIN, steadfast::Command::Start.into());
    let lost = Event::Transport(machine.epoch(), Signal::Lost(REFUSED.into()));
    let _ = machine.handle(Instant::from_millis(1), lost);
    assert_eq!(machine.state(), State::Backoff);
    let late = Instant::from_nanos(u64::MAX / 2);
    assert!(machine.handle(late, Event::Tick).actions.is_empty());
    // Even from there the application can ask for a dial.
    let step = machine.handle(late, steadfast::Command::RetryNow.into());
    assert_eq!(step.actions.len(), 1);
}

#[test]
fn a_policy_is_told_what_happened() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let witness = {
        let seen = Rc::clone(&seen);
        move |attempt: &Attempt| {
            seen.borrow_mut().push(*attempt);
            Decision::RetryAfter(secs(3))
        }
    };
    let mut machine = steadfast::Machine::new(
        Config::default(),
        witness,
        steadfast::Seed::new(1),
        steadfast::Instant::ORIGIN,
    );
    let mut now = steadfast::Instant::ORIGIN;
    let mut feed = |span: Duration, signal| {
        now = now.saturating_add(span);
        let event = steadfast::Event::Transport(machine.epoch(), signal);
        let _ = machine.handle(now, event);
        if machine.state() == State::Backoff {
            now = now.saturating_add(secs(3));
            let _ = machine.handle(now, steadfast::Event::Tick);
        } else if machine.state() == State::Idle {
            let _ = machine.handle(now, steadfast::Command::Start.into());
        }
    };
    use steadfast::Signal::{Lost, Opened};
    feed(Duration::ZERO, Opened);
    feed(secs(1), Lost(REFUSED.into()));
    feed(secs(1), Opened);
    feed(secs(4), Lost(FailureKind::Closed(CloseCode::SERVICE_RESTART).into()));
    feed(secs(1), Opened);
    feed(secs(10), Lost(FailureKind::Reset.into()));
    let seen = seen.borrow();
    let told = |at: usize| {
        let attempt = &seen[at];
        (attempt.number, attempt.elapsed, attempt.previous_delay, attempt.uptime)
    };
    assert_eq!(told(0), (1, secs(1), Duration::ZERO, None));
    assert_eq!(told(1), (2, secs(9), secs(3), Some(secs(4))));
    assert_eq!(told(2), (1, Duration::ZERO, Duration::ZERO, Some(secs(10))));
    assert_eq!(seen[0].failure, REFUSED.into());
    assert_eq!((seen[0].pace, seen[1].pace), (Pace::Normal, Pace::Spread));
    assert_eq!(seen[2].pace, Pace::Normal);
    assert!(seen[0].entropy != seen[1].entropy && seen[1].entropy != seen[2].entropy);
}

#[test]
fn a_policy_is_reset_when_the_trouble_is_over_and_at_a_start() {
    #[derive(Clone)]
    struct Counting(Rc<RefCell<u32>>);
    impl Policy for Counting {
        fn decide(&mut self, _: &Attempt) -> Decision {
            Decision::RetryAfter(secs(1))
        }
        fn reset(&mut self) {
            *self.0.borrow_mut() += 1;
        }
    }
    let resets = Rc::new(RefCell::new(0));
    let policy = Counting(Rc::clone(&resets)).with_classifier(classify);
    let mut machine = steadfast::Machine::new(
        Config::default(),
        policy,
        steadfast::Seed::new(1),
        steadfast::Instant::ORIGIN,
    );
    let mut feed = |at: u64, event| {
        let _ = machine.handle(steadfast::Instant::from_millis(at), event);
        *resets.borrow()
    };
    let signal = |epoch, signal| steadfast::Event::Transport(steadfast::Epoch::new(epoch), signal);
    let lost = || steadfast::Signal::Lost(FailureKind::Reset.into());
    assert_eq!(feed(0, steadfast::Command::Start.into()), 1);
    assert_eq!(feed(0, signal(1, steadfast::Signal::Opened)), 1);
    assert_eq!(feed(9_999, signal(1, lost())), 1);
    assert_eq!(feed(10_999, steadfast::Event::Tick), 1);
    assert_eq!(feed(10_999, signal(2, steadfast::Signal::Opened)), 1);
    assert_eq!(feed(20_999, signal(2, lost())), 2);
}

#[test]
fn another_classifier_overrides_the_table() {
    let policy = plain().with_classifier(|failure| match failure.kind() {
        FailureKind::Refused => Verdict::Stop,
        FailureKind::Http(500) => Verdict::Retry(Pace::StepsUp(2)),
        FailureKind::Http(503) => Verdict::Refresh,
        _ => classify(failure),
    });
    assert_eq!(policy.bounds(), plain().bounds());
    let after = |kind: FailureKind| {
        let mut world = World::with(Config::default(), policy.clone());
        let _ = world.start();
        let _ = world.lost(kind);
        world
    };
    assert_eq!(after(FailureKind::Http(500)).wait(), secs(2));
    assert_eq!(after(FailureKind::Reset).wait(), millis(500));
    let stopped = after(REFUSED).machine.state();
    assert_eq!(stopped, State::Closed(ClosedReason::Fatal(REFUSED.into())));
    assert_eq!(credentials(&after(FailureKind::Http(503)).wake()), Some(Credentials::Refresh));
}

#[test]
fn credentials_are_refreshed_once_and_then_it_stops() {
    let closed = |code| FailureKind::Closed(CloseCode::new(code));
    for refusal in [UNAUTHORIZED, FailureKind::Http(407), closed(4401), closed(4403)] {
        let mut world = World::new();
        assert_eq!(credentials(&world.start()), Some(Credentials::Current));
        let _ = world.lost(refusal);
        assert!(world.wait() >= millis(100), "a refresh is no hot loop either");
        assert_eq!(credentials(&world.wake()), Some(Credentials::Refresh));
        let _ = world.lost(refusal);
        let fatal = ClosedReason::Fatal(Failure::from(refusal));
        assert_eq!(world.machine.state(), State::Closed(fatal));
    }
}

#[test]
fn a_refresh_that_the_server_has_not_judged_is_asked_for_again() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.lost(UNAUTHORIZED);
    let _ = world.wake();
    let _ = world.lost(REFUSED);
    assert_eq!(credentials(&world.wake()), Some(Credentials::Refresh));
}

#[test]
fn credentials_that_were_taken_are_kept() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.lost(UNAUTHORIZED);
    let _ = world.wake();
    let _ = world.opened();
    let _ = world.lost(FailureKind::Reset);
    assert_eq!(credentials(&world.wake()), Some(Credentials::Current));
    // The link was not stable, so the one refresh has been had.
    let _ = world.lost(UNAUTHORIZED);
    assert_eq!(world.machine.state(), State::Closed(ClosedReason::Fatal(UNAUTHORIZED.into())));
}

#[test]
fn a_stable_link_earns_another_refresh() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.lost(UNAUTHORIZED);
    let _ = world.wake();
    let _ = world.opened();
    let _ = world.pass(secs(10)).lost(FailureKind::Reset);
    let _ = world.wake();
    let _ = world.lost(UNAUTHORIZED);
    assert_eq!(credentials(&world.wake()), Some(Credentials::Refresh));
}

#[test]
fn a_start_after_a_refusal_begins_with_the_credentials_in_use() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.lost(UNAUTHORIZED);
    let _ = world.wake();
    let _ = world.lost(UNAUTHORIZED);
    let _ = world.start();
    assert_eq!(credentials(&world.wake()), Some(Credentials::Current));
    let _ = world.lost(UNAUTHORIZED);
    assert_eq!(credentials(&world.wake()), Some(Credentials::Refresh));
}

#[test]
fn a_policy_with_another_classifier_prints_the_policy() {
    let policy = plain();
    let printed = format!("{:?}", policy.clone().with_classifier(classify));
    assert_eq!(printed, format!("WithClassifier {{ policy: {policy:?}, .. }}"));
}

#[test]
fn fresh_credentials_are_tried_at_no_slower_a_pace() {
    let mut world = World::new();
    let _ = world.start();
    let _ = world.lost(UNAUTHORIZED);
    assert_eq!(world.wait(), millis(500));
}
