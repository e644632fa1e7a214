//! What a counterexample says, and that it can be had again.

use core::time::Duration;

use steadfast::{
    Attempt, Config, Decision, FailureKind, Instant, Machine, Timeout,
    testing::{check_policy, laws::Law},
};

use super::{Bounded, caught, ceiling, drawn};

const TIMED_OUT: FailureKind = FailureKind::Timeout(Timeout::Network);

fn gives_up_once(attempt: &Attempt) -> Decision {
    match attempt.number {
        3 => Decision::GiveUp,
        number => Decision::RetryAfter(drawn(attempt, ceiling(number))),
    }
}

fn down_to_zero() -> Bounded<impl FnMut(&Attempt) -> Duration> {
    Bounded(|attempt: &Attempt| Duration::from_millis(attempt.entropy % ceiling(attempt.number)))
}

#[test]
fn a_counterexample_says_what_is_wrong_and_what_leads_there() {
    let broken = check_policy(|| gives_up_once).unwrap_err();
    assert_eq!(
        broken.to_string(),
        "\
the policy breaks the law Limit
  law       Once the policy has given up, it gives up on every later retry until it is reset, and after a reset it answers like a new one.
  expected  to give up, as on retry 3 after 1.253 s, because there was no reset since
  found     a delay of 3.272 s when asked again
  asked     retry 4 (connection refused), 31536001.253 s after the trouble began, previous delay 877 ms, entropy 0x6c45d188009454f
  seed      0

time     state            event                        actions; wake
0 s      connecting       start                        dial 1 (attempt 0); connect due in 10 s
0 s      backoff          lost 1 (connection refused)  tell dial failed 1 (attempt 0, connection refused, retry 1 in 376 ms); retry due in 0.376 s
0.376 s  connecting       tick                         dial 2 (attempt 1); connect due in 10 s
0.376 s  backoff          lost 2 (connection refused)  tell dial failed 2 (attempt 1, connection refused, retry 2 in 877 ms); retry due in 0.877 s
1.253 s  connecting       tick                         dial 3 (attempt 2); connect due in 10 s
1.253 s  closed, gave up  lost 3 (connection refused)  tell dial failed 3 (attempt 2, connection refused, no retry); tell closed (gave up: connection refused); no wake"
    );
}

#[test]
fn unwrapping_a_counterexample_reads_as_well() {
    let broken = check_policy(down_to_zero).unwrap_err();
    assert_eq!(
        format!("{broken:?}"),
        "\
the policy breaks the law Bounds
  law       Every delay that the policy answers lies between the floor and the cap that it declares.
  expected  a delay from 100 ms to 30 s, as the policy declares
  found     a delay of 35 ms
  asked     retry 1 (connection refused), 0 ns after the trouble began, entropy 0xe220a8397b1dcdaf
  seed      0

time  state       event                        actions; wake
0 s   connecting  start                        dial 1 (attempt 0); connect due in 10 s
0 s   backoff     lost 1 (connection refused)  tell dial failed 1 (attempt 0, connection refused, retry 1 in 100 ms); retry due in 0.1 s"
    );
}

#[test]
fn what_a_machine_cannot_reach_is_told_to_the_policy_instead() {
    let broken = caught(Law::Bounds, || {
        Bounded(|attempt: &Attempt| match attempt.number {
            5_000.. => Duration::from_millis(20_000 + attempt.entropy % 20_000),
            number => drawn(attempt, ceiling(number)),
        })
    });
    let text = broken.to_string();
    let told = "told      4999 more failures before, the entropy 0xffffffffffffffff, in place of";
    assert!(text.contains(told), "{text}");
    assert_eq!(broken.entries().len(), 2);
}

#[test]
fn the_middle_of_a_long_way_is_left_out() {
    let broken = check_policy(|| {
        Bounded(|attempt: &Attempt| match attempt.number {
            101 => Duration::ZERO,
            number => drawn(attempt, ceiling(number)),
        })
    });
    let broken = broken.unwrap_err();
    assert_eq!(broken.entries().len(), 202);
    let text = broken.to_string();
    let table: Vec<_> = text.lines().skip_while(|line| !line.starts_with("time")).collect();
    assert_eq!(table.len(), 1 + 12 + 1 + 12);
    assert_eq!(table[13], "… 178 more calls …");
    assert!(table[12].contains("retry 6 in") && table[14].contains("dial 96 "), "{text}");
    assert!(table[25].contains("retry 101 in 100 ms"), "{text}");
}

#[test]
fn the_same_policy_gives_the_same_counterexample() {
    for make in [gives_up_once as fn(&Attempt) -> Decision, |_| Decision::RetryAfter(Duration::MAX)]
    {
        let [first, again] = [check_policy(|| make), check_policy(|| make)];
        assert_eq!(first, again);
        assert!(first.is_err());
    }
}

#[test]
fn the_script_of_a_counterexample_leads_there_again() {
    let broken = check_policy(down_to_zero).unwrap_err();
    let config = Config::default();
    let mut machine = Machine::new(config, down_to_zero(), broken.seed(), Instant::ORIGIN);
    assert_eq!(broken.script().play(&mut machine), broken.entries());
}

#[test]
fn what_only_a_random_script_meets_is_found_and_told_in_as_few_lines_as_possible() {
    let broken = caught(Law::Bounds, || {
        Bounded(|attempt: &Attempt| match attempt.failure.kind() == TIMED_OUT {
            true => Duration::ZERO,
            false => drawn(attempt, ceiling(attempt.number)),
        })
    });
    let events: Vec<_> = broken.entries().iter().map(|entry| entry.to_string()).collect();
    assert_eq!(events.len(), 2, "{broken}");
    assert!(events[1].contains("lost 1 (network timed out"), "{broken}");
}
