//! Any settings: refused with a reason, or a policy whose answers keep to its bounds.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use steadfast::{
    Attempt, Backoff, BackoffBuilder, CloseCode, Decision, Failure, FailureKind, Jitter, Pace,
    Policy,
};

/// Makes a policy of the bytes, and asks it.
pub fn run(data: &[u8]) {
    // Running out of bytes is the end of the questions, and nothing else.
    let _ = ask(&mut Unstructured::new(data));
}

fn ask(bytes: &mut Unstructured<'_>) -> Result<()> {
    let builder = builder(bytes)?;
    let Ok(backoff) = builder.clone().build() else { return Ok(()) };
    assert_eq!(backoff.to_builder(), builder);
    assert_eq!(backoff.to_builder().build().as_ref(), Ok(&backoff));
    while !bytes.is_empty() {
        check(&backoff, attempt(bytes)?);
    }
    Ok(())
}

fn builder(bytes: &mut Unstructured<'_>) -> Result<BackoffBuilder> {
    let mut builder = Backoff::builder()
        .with_floor(duration(bytes)?)
        .with_base(duration(bytes)?)
        .with_first(duration(bytes)?)
        .with_spread(duration(bytes)?)
        .with_cap(duration(bytes)?)
        .with_factor_percent(bytes.arbitrary()?)
        .with_jitter(*bytes.choose(&[
            Jitter::Full,
            Jitter::Equal,
            Jitter::Decorrelated,
            Jitter::None,
        ])?)
        .with_max_retries(bytes.arbitrary::<Option<u32>>()?)
        .with_retry_after_cap(duration(bytes)?);
    if bytes.arbitrary()? {
        builder = builder.with_max_elapsed(duration(bytes)?);
    }
    // Few raw settings could work, and those that do deserve most of the questions.
    if bytes.arbitrary()? {
        builder.floor = builder.floor.clamp(Duration::from_millis(1), Duration::from_secs(1));
        builder.cap = builder.cap.max(builder.floor);
        builder.base = builder.base.clamp(builder.floor, builder.cap);
        builder.first = builder.first.clamp(builder.floor, builder.cap);
        builder.factor_percent = builder.factor_percent.max(100);
    }
    Ok(builder)
}

fn duration(bytes: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(match bytes.int_in_range(0..=3)? {
        0 => Duration::from_millis(bytes.arbitrary::<u16>()?.into()),
        1 => Duration::from_secs(bytes.arbitrary::<u16>()?.into()),
        2 => Duration::from_nanos(bytes.arbitrary()?),
        _ => bytes.arbitrary()?,
    })
}

fn attempt(bytes: &mut Unstructured<'_>) -> Result<Attempt> {
    let kind = match bytes.int_in_range(0..=2)? {
        0 => FailureKind::Refused,
        1 => FailureKind::Http(bytes.arbitrary()?),
        _ => FailureKind::Closed(CloseCode::new(bytes.arbitrary()?)),
    };
    let failure = match bytes.int_in_range(0..=2)? {
        0 => Failure::from(kind),
        1 => Failure::from(kind).with_retry_after(duration(bytes)?),
        _ => Failure::from(kind).with_spread_over(duration(bytes)?),
    };
    let mut attempt = Attempt::new(bytes.arbitrary()?, failure, bytes.arbitrary()?);
    attempt.pace = match bytes.int_in_range(0..=3)? {
        0 => Pace::Normal,
        1 => Pace::Twice,
        2 => Pace::StepsUp(bytes.arbitrary()?),
        _ => Pace::Spread,
    };
    attempt.elapsed = duration(bytes)?;
    attempt.previous_delay = duration(bytes)?;
    attempt.uptime = if bytes.arbitrary()? { Some(duration(bytes)?) } else { None };
    Ok(attempt)
}

fn check(backoff: &Backoff, attempt: Attempt) {
    let bounds = backoff.bounds();
    let (low, high) = backoff.range(&attempt);
    assert!(bounds.floor() <= low && low <= high && high <= bounds.cap(), "{low:?}..={high:?}");
    assert!(bounds.earliest(attempt.failure) <= bounds.latest(attempt.failure));

    let decided = |entropy| {
        let mut attempt = attempt;
        attempt.entropy = entropy;
        (&mut &*backoff).decide(&attempt)
    };
    let unlimited = {
        let builder = backoff.to_builder().with_max_retries(None).with_max_elapsed(None);
        builder.build().expect("only the limits were lifted")
    };
    let drawn = |entropy| {
        let mut attempt = attempt;
        attempt.entropy = entropy;
        match (&mut &unlimited).decide(&attempt) {
            Decision::RetryAfter(delay) => delay,
            Decision::GiveUp => panic!("gave up without a limit"),
        }
    };
    assert_eq!((drawn(0), drawn(u64::MAX)), (low, high), "the draw reaches both ends");
    let delay = drawn(attempt.entropy);
    assert!((low..=high).contains(&delay));
    assert!(drawn(attempt.entropy / 2) <= delay, "a greater draw is a longer delay");

    let spent = backoff.to_builder().max_retries.is_some_and(|most| attempt.number > most);
    match decided(attempt.entropy) {
        Decision::RetryAfter(decided) => assert!(!spent && decided == delay),
        Decision::GiveUp => assert!(spent || backoff.to_builder().max_elapsed.is_some()),
    }
    let mut later = attempt;
    later.number = attempt.number.saturating_add(1);
    let wider = backoff.range(&later);
    assert!(wider.1 >= high || attempt.number <= 1, "the ceiling does not shrink: {wider:?}");
}
