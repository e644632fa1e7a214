//! What the machines are made to go through.

use steadfast::{Attempt, Command, Epoch, Event, FailureKind, Instant, Nonce, Signal};

/// What an open connection sees most. Long, so that copying the machine once does not count.
pub(crate) fn received() -> Vec<(Instant, Event)> {
    let event = Event::Transport(Epoch::new(1), Signal::Received);
    (1..=1_024).map(|n| (Instant::from_millis(1_000 + n), event)).collect()
}

/// A life with each kind of event in it. Half of them are frames: on a real link nearly all are.
pub(crate) fn mixed() -> Vec<(Instant, Event)> {
    let frames = |millis: std::ops::RangeInclusive<u64>| {
        millis.step_by(100).map(|at| (at, transport(1, Signal::Received)))
    };
    let opening = [(0, Event::Command(Command::Start)), (50, transport(1, Signal::Opened))];
    let beat = [(20_500, Event::Tick), (20_540, transport(1, Signal::Pong(Nonce::new(1))))];
    let loss = [(25_000, transport(1, lost())), (60_000, Event::Tick)];
    let again = [(60_050, transport(2, Signal::Opened)), (60_060, Event::Command(Command::Stop))];
    let script = opening.into_iter().chain(frames(100..=500)).chain(beat);
    timed(script.chain(frames(20_600..=20_800)).chain(loss).chain(again))
}

/// The same without a quiet moment: most events change the state, one comes too late, and one
/// command makes no sense.
pub(crate) fn upheaval() -> Vec<(Instant, Event)> {
    timed([
        (0, Event::Command(Command::Start)),
        (50, transport(1, Signal::Opened)),
        (100, transport(1, Signal::Received)),
        (200, transport(1, Signal::Received)),
        (20_200, Event::Tick),
        (20_240, transport(1, Signal::Pong(Nonce::new(1)))),
        (20_300, transport(1, Signal::Received)),
        (20_301, Event::Tick),
        (25_000, transport(1, lost())),
        (60_000, Event::Tick),
        (60_050, transport(2, Signal::Opened)),
        (60_060, transport(1, lost())),
        (60_070, Event::Command(Command::Start)),
        (60_100, transport(2, Signal::Received)),
        (61_000, Event::Command(Command::Stop)),
        (61_030, transport(2, lost())),
    ])
}

fn timed(script: impl IntoIterator<Item = (u64, Event)>) -> Vec<(Instant, Event)> {
    script.into_iter().map(|(millis, event)| (Instant::from_millis(millis), event)).collect()
}

fn lost() -> Signal {
    Signal::Lost(FailureKind::Reset.into())
}

fn transport(epoch: u64, signal: Signal) -> Event {
    Event::Transport(Epoch::new(epoch), signal)
}

pub(crate) fn attempts() -> Vec<Attempt> {
    let entropy = |n: u32| u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..64).map(|n| Attempt::new(n % 8 + 1, FailureKind::Refused, entropy(n))).collect()
}
