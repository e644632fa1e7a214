//! Any life of a machine: the reference model asserts every promise at every step.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use steadfast::{
    Backoff, CloseCode, Command, Config, Epoch, Event, Failure, FailureKind, FirstConnect,
    Heartbeat, HeartbeatKind, Instant, Jitter, Network, Nonce, PeerClose, Seed, Signal,
    StateMachine, Timeout, testing::model::Checked,
};

/// Makes a machine of the bytes, and drives it.
pub fn run(data: &[u8]) {
    // Running out of bytes is the end of the life, and nothing else.
    let _ = live(&mut Unstructured::new(data));
}

fn live(bytes: &mut Unstructured<'_>) -> Result<()> {
    let (config, policy) = (config(bytes)?, policy(bytes)?);
    let seed = Seed::new(bytes.arbitrary::<u8>()?.into());
    let mut now = Instant::from_nanos(match bytes.arbitrary::<u8>()? {
        255 => u64::MAX - 100_000_000_000,
        _ => 1_000_000_000,
    });
    let mut machine = Checked::new(config, policy, seed, now);
    let mut nonce = 0;
    while !bytes.is_empty() {
        now = instant(bytes, now, machine.wake().instant())?;
        let event = event(bytes, machine.epoch(), nonce)?;
        let step = machine.handle(now, event);
        for action in step.actions {
            if let steadfast::Action::Ping { nonce: pinged, .. } = action {
                nonce = pinged.get();
            }
        }
    }
    Ok(())
}

fn config(bytes: &mut Unstructured<'_>) -> Result<Config> {
    if bytes.arbitrary()? {
        return Ok(Config::default());
    }
    let mut span = || Ok(Duration::from_millis(u64::from(bytes.arbitrary::<u8>()?) * 100 + 1));
    let mut builder = Config::builder()
        .with_connect_timeout(span()?)
        .with_close_timeout(span()?)
        .with_stable_after(span()?)
        .with_probe_timeout(span()?)
        .with_online_spread(span()?);
    let heartbeat = Heartbeat::default().with_interval(span()?).with_pong_timeout(span()?);
    builder = builder.with_heartbeat(match bytes.int_in_range(0..=4)? {
        3 => None,
        4 => Some(heartbeat.with_kind(HeartbeatKind::Expect)),
        reprobes => Some(heartbeat.with_reprobes(reprobes)),
    });
    if bytes.arbitrary()? {
        builder = builder.with_first_connect(FirstConnect::Once);
    }
    Ok(builder.build().expect("no span is zero"))
}

fn policy(bytes: &mut Unstructured<'_>) -> Result<Backoff> {
    let jitters = [Jitter::Full, Jitter::Equal, Jitter::Decorrelated, Jitter::None];
    let mut builder = Backoff::builder().with_jitter(*bytes.choose(&jitters)?);
    match bytes.int_in_range(0..=3)? {
        0 => builder = builder.with_max_retries(bytes.int_in_range(0..=4)?),
        1 => builder = builder.with_max_elapsed(Duration::from_secs(bytes.int_in_range(1..=90)?)),
        2 => builder = builder.with_retry_after_cap(Duration::ZERO),
        _ => {}
    }
    Ok(builder.build().expect("the defaults work with these"))
}

/// Near the wake, mostly: that is where deadlines act.
fn instant(bytes: &mut Unstructured<'_>, now: Instant, wake: Option<Instant>) -> Result<Instant> {
    let due = wake.unwrap_or(now);
    Ok(match bytes.int_in_range(0..=9)? {
        0..=2 => now,
        3..=4 => due,
        5 => Instant::from_nanos(due.as_nanos().saturating_sub(1)),
        6 => due.saturating_add(Duration::from_nanos(1)),
        7 => now.saturating_add(Duration::from_millis(bytes.arbitrary::<u16>()?.into())),
        8 => due.saturating_add(Duration::from_secs(bytes.arbitrary::<u16>()?.into())),
        _ => Instant::from_nanos(now.as_nanos().saturating_sub(bytes.arbitrary()?)),
    })
}

fn event(bytes: &mut Unstructured<'_>, newest: Epoch, nonce: u32) -> Result<Event> {
    Ok(match bytes.int_in_range(0..=15)? {
        0 => Event::Tick,
        1 => Command::Start.into(),
        2 => Command::Stop.into(),
        3 => Command::RetryNow.into(),
        4 => Command::Probe.into(),
        5 => Command::Network(Network::Online).into(),
        6 => Command::Network(Network::Offline).into(),
        7 => {
            let age = bytes.int_in_range(-1..=2_i64)?;
            let epoch = Epoch::new(newest.get().saturating_add_signed(-age));
            Event::Transport(epoch, signal(bytes, nonce)?)
        }
        _ => Event::Transport(newest, signal(bytes, nonce)?),
    })
}

fn signal(bytes: &mut Unstructured<'_>, nonce: u32) -> Result<Signal> {
    Ok(match bytes.int_in_range(0..=11)? {
        0..=3 => Signal::Opened,
        4 => Signal::Received,
        5 => Signal::Pong(Nonce::new(nonce)),
        6 => Signal::Pong(Nonce::new(nonce.wrapping_sub(bytes.arbitrary::<u8>()?.into()))),
        7 => Signal::ReadPaused,
        8 => Signal::ReadResumed,
        9 => {
            let close = PeerClose::from(CloseCode::new(bytes.int_in_range(990..=1_020)?));
            let spread = Duration::from_secs(bytes.arbitrary::<u8>()?.into());
            Signal::CloseReceived(close.with_spread_over(spread))
        }
        _ => Signal::Lost(failure(bytes)?),
    })
}

fn failure(bytes: &mut Unstructured<'_>) -> Result<Failure> {
    let kind = match bytes.int_in_range(0..=5)? {
        0 | 1 => FailureKind::Refused,
        2 => FailureKind::Http(bytes.int_in_range(399..=505)?),
        3 => FailureKind::Closed(CloseCode::new(bytes.arbitrary()?)),
        4 => FailureKind::Timeout(Timeout::Network),
        _ => FailureKind::Certificate,
    };
    let wish = Duration::from_millis(bytes.arbitrary::<u16>()?.into());
    Ok(match bytes.int_in_range(0..=3)? {
        0 => Failure::from(kind).with_retry_after(wish),
        1 => Failure::from(kind).with_spread_over(wish),
        _ => kind.into(),
    })
}
