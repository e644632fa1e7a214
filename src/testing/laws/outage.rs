//! The outages that policies are put through, the simplest first.

use std::time::Duration;

use super::trial::{Premise, Trial};
use crate::{
    CloseCode, Command, Failure, FailureKind, Pace, Seed, Signal,
    rng::SplitMix64,
    testing::strategies::{Input, Line, Script, When},
};

pub(super) const REFUSED: FailureKind = FailureKind::Refused;

/// So many failures in a row reach past every power of two that an integer shift can overflow at.
pub(super) const FAILURES: usize = 140;

pub(super) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A start.
pub(super) fn start() -> Line {
    Line::new(When::Same, Command::Start)
}

/// The end of a dial or a connection, at once.
pub(super) fn lost(failure: impl Into<Failure>) -> Line {
    Line::new(When::Same, Signal::Lost(failure.into()))
}

/// The wait is over.
pub(super) fn due() -> Line {
    Line::new(When::Due, Input::Tick)
}

/// A connection that lasts for `uptime`.
pub(super) fn dropped(uptime: Duration) -> [Line; 2] {
    let reset = Signal::Lost(FailureKind::Reset.into());
    [Line::new(When::Same, Signal::Opened), Line::new(When::After(uptime), reset)]
}

/// A start, and `trouble` with each of so many dials.
pub(super) fn outage(trouble: &[Line], times: usize) -> Script {
    let again = std::iter::once(due()).chain(trouble.iter().copied());
    let rest = again.cycle().take(times.saturating_sub(1) * (trouble.len() + 1));
    std::iter::once(start()).chain(trouble.iter().copied()).chain(rest).collect()
}

/// A start, and as many dials that are refused.
pub(super) fn refusals(times: usize) -> Script {
    outage(&[lost(REFUSED)], times)
}

/// As many dials that are refused, each as late as a driver can be that is suspended for `span`.
pub(super) fn suspended(span: Duration, times: usize) -> Script {
    let late = Line::new(When::Late(span), Input::Tick);
    let again = [late, lost(REFUSED)].into_iter().cycle();
    [start(), lost(REFUSED)].into_iter().chain(again.take(2 * times.saturating_sub(1))).collect()
}

/// A failure of each sort that a policy is told about: each pace, each wish of a server.
fn failures() -> [Failure; 7] {
    let closed = |code| Failure::from(FailureKind::Closed(code));
    let restart = closed(CloseCode::SERVICE_RESTART);
    let busy = Failure::from(FailureKind::Http(503));
    [
        REFUSED.into(),
        closed(CloseCode::POLICY_VIOLATION),
        FailureKind::Handshake.into(),
        restart,
        restart.with_spread_over(Duration::from_secs(90)),
        busy.with_retry_after(Duration::from_secs(7)),
        busy.with_retry_after(Duration::MAX),
    ]
}

/// Outages of every sort that a machine can be driven through, at both ends of the entropy.
fn outages() -> Vec<Trial> {
    let uptimes = [Duration::ZERO, Duration::from_secs(9), Duration::from_secs(600)];
    let mut scripts = Vec::new();
    scripts.extend(failures().map(|failure| outage(&[lost(failure)], FAILURES)));
    scripts.extend(uptimes.map(|uptime| outage(&dropped(uptime), FAILURES)));
    scripts.push(suspended(YEAR, 600));
    let premises = [Premise::default(), Premise::of_entropy(0), Premise::of_entropy(u64::MAX)];
    let trial = |script: &Script| {
        premises.clone().map(|premise| Trial { premise, script: script.clone(), seed: 0 })
    };
    scripts.iter().flat_map(trial).collect()
}

const NUMBERS: [u32; 9] =
    [1, 255, 256, 1_000, 65_536, i32::MAX as u32, 1 << 31, u32::MAX - 1, u32::MAX];

const DELAYS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_secs(3_600),
    YEAR,
    Duration::from_nanos(u64::MAX),
    Duration::MAX,
];

/// What would take a machine years to reach: one question each.
fn extremes() -> Vec<Trial> {
    let paces = [
        Pace::Normal,
        Pace::Twice,
        Pace::StepsUp(1),
        Pace::StepsUp(4),
        Pace::StepsUp(u8::MAX),
        Pace::Spread,
    ];
    let mut premises = Vec::new();
    for number in NUMBERS {
        for entropy in [0, u64::MAX, u64::MAX / 3] {
            let failures = number - 1;
            let plain = Premise { failures, ..Premise::of_entropy(entropy) };
            premises.push(plain.clone());
            for span in DELAYS {
                let previous_delay = Some(span);
                premises.push(Premise { elapsed: span, ..plain.clone() });
                premises.push(Premise { previous_delay, ..plain.clone() });
                premises.push(Premise { uptime: Some(span), ..plain.clone() });
                premises.push(Premise { elapsed: span, previous_delay, ..plain.clone() });
            }
            premises.extend(paces.map(|pace| Premise { pace: Some(pace), ..plain.clone() }));
        }
    }
    let mut rng = SplitMix64::new(Seed::new(1));
    let mut pick = |most: usize| {
        let drawn = crate::rng::spread(0, most as u64 - 1, rng.next());
        usize::try_from(drawn).unwrap_or(0)
    };
    for _ in 0..500 {
        premises.push(Premise {
            failures: NUMBERS[pick(NUMBERS.len())] - 1,
            elapsed: DELAYS[pick(DELAYS.len())],
            previous_delay: Some(DELAYS[pick(DELAYS.len())]),
            uptime: Some(DELAYS[pick(DELAYS.len())]).filter(|uptime| !uptime.is_zero()),
            pace: Some(paces[pick(paces.len())]),
            entropy: Some([0, u64::MAX, 0x5eed << 40][pick(3)]),
        });
    }
    let trial = |premise| Trial { premise, script: refusals(1), seed: 0 };
    premises.into_iter().map(trial).collect()
}

/// All that a policy may be asked, the simplest first.
pub(super) fn hardships() -> impl Iterator<Item = Trial> {
    outages().into_iter().chain(extremes())
}
