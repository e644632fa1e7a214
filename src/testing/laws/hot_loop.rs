//! The law against hot loops.

use std::time::Duration;

use super::{
    Law,
    counterexample::Exact,
    growth::Envelope,
    outage::{REFUSED, dropped, due, lost, outage, refusals, start},
    search::Finding,
    trial::Trial,
};
use crate::{
    Action, CloseCode, Command, FailureKind, Instant, Network, Policy, Signal,
    testing::strategies::{Input, Line, Script, When},
    trace::Entry,
};

pub(super) fn no_hot_loop<P: Policy>(make: &impl Fn() -> P) -> Finding {
    floods().into_iter().try_for_each(|script| no_hot_loop_in(make, &Trial::of(script)))?;
    kept_waiting(make)
}

pub(super) fn no_hot_loop_in<P: Policy>(make: &impl Fn() -> P, trial: &Trial) -> Finding {
    let floor = make().bounds().floor();
    let run = trial.run(make);
    let Some(close) = too_close(&run.entries, floor) else { return Ok(()) };
    let expected = format!("dials at least {} apart: the floor of a new policy", Exact(floor));
    let found = format!("dials {} apart", Exact(close.apart));
    let asked = run.answers.iter().rev().find(|answer| answer.call <= close.call);
    let asked = asked.map(|answer| answer.attempt);
    Err(run.breaks(Law::NoHotLoop, close.call, asked, expected, found))
}

/// Over how many failures in a row a server that accepts is compared with one that refuses.
const FAILURES: usize = 64;

/// How many machines draw at random for that.
const SEEDS: u64 = 32;

/// Two dials that are too close.
struct Close {
    apart: Duration,
    /// The call with the second.
    call: usize,
}

fn too_close(entries: &[Entry], floor: Duration) -> Option<Close> {
    let mut now = Instant::ORIGIN;
    let mut last_dial: Option<Instant> = None;
    for (call, entry) in entries.iter().enumerate() {
        now = now.max(entry.at);
        let dials = entry.step.actions.iter().filter(|act| matches!(act, Action::Dial { .. }));
        for _ in dials {
            let apart = last_dial.map(|last| now.saturating_duration_since(last));
            if let Some(apart) = apart.filter(|apart| *apart < floor) {
                return Some(Close { apart, call });
            }
            last_dial = Some(now);
        }
    }
    None
}

/// What an impatient application, a flapping network or a server in trouble throws at a machine.
fn floods() -> [Script; 7] {
    let closed = |code| lost(FailureKind::Closed(CloseCode::new(code)));
    let soon = |command| Line::new(When::After(Duration::from_millis(1)), command);
    let opened = Line::new(When::Same, Signal::Opened);
    let [online, offline] = [Network::Online, Network::Offline].map(Command::Network).map(soon);
    let [hurry, stop, begin] = [Command::RetryNow, Command::Stop, Command::Start].map(soon);
    let refused = lost(REFUSED);
    let flood = |trouble: &[Line]| {
        let again = trouble.iter().copied().cycle().take(trouble.len() * 200);
        std::iter::once(start()).chain(again).collect()
    };
    [
        outage(&dropped(Duration::ZERO), FAILURES),
        outage(&[lost(FailureKind::Http(401)), due(), opened, closed(4401)], FAILURES),
        flood(&[hurry, refused]),
        flood(&[online, refused, offline]),
        flood(&[opened, stop, lost(FailureKind::Reset), begin]),
        flood(&[stop, begin, refused]),
        flood(&[
            hurry,
            opened,
            lost(FailureKind::Reset),
            online,
            Line::new(When::Same, Input::Tick),
        ]),
    ]
}

/// A server that accepts and drops at once gets no more dials than one that refuses.
fn kept_waiting<P: Policy>(make: &impl Fn() -> P) -> Finding {
    let refused = Envelope::of(make, &refusals(FAILURES), SEEDS).longest;
    let accepted = Envelope::of(make, &outage(&dropped(Duration::ZERO), FAILURES), SEEDS).longest;
    for (nth, (longest, trial)) in accepted.iter().enumerate().skip(2) {
        let Some([(sooner, _), (as_soon, _)]) = refused.get(nth - 1..=nth) else { break };
        // A delay that is built on the one before may be a step behind. That delays shrink is a
        // matter for growth.
        let least = *sooner.min(as_soon) / 2;
        if *longest >= least {
            continue;
        }
        let run = trial.run(make);
        let answer = run.answers.get(nth).copied();
        let expected = format!(
            "a longest draw for retry {} of at least {}: half of that for a server that refuses",
            nth + 1,
            Exact(least),
        );
        let found = format!(
            "a longest draw of {}, because the server accepts before it drops",
            Exact(*longest)
        );
        let call = answer.map_or(0, |answer| answer.call);
        let asked = answer.map(|answer| answer.attempt);
        return Err(run.breaks(Law::NoHotLoop, call, asked, expected, found));
    }
    Ok(())
}
