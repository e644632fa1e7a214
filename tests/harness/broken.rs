//! Broken drivers, each with the promise that its machine cannot keep because of it.

use std::cell::Cell;

use futures::{StreamExt, TryFutureExt, future::Either};
use steadfast::{
    client::{Dial, DialContext},
    testing::{
        harness::{DriverFailure, Report, Stage, check_driver},
        model::Promise::{self, *},
    },
};

use crate::{
    flawed::{Flaw, Flawed, NeverFlushed},
    foreign::Loop,
};

/// How many seeds a flaw may hide from.
const SEEDS: u64 = 60;

fn check(flaw: Flaw) -> Result<Report, DriverFailure> {
    let runs = Cell::new(0);
    check_driver(0..SEEDS, |stage: Stage| {
        let Stage { machine, mut dialer, clock, commands, .. } = stage;
        let machine = Flawed { machine, flaw, run: runs.replace(runs.get() + 1), last: None };
        let commands = match flaw {
            Flaw::ComesToItsEndTooSoon => Either::Left(commands.take(1)),
            _ => Either::Right(commands),
        };
        async move {
            if flaw == Flaw::NeverFlushes {
                let dialer = move |context: DialContext| dialer.dial(context).map_ok(NeverFlushed);
                Loop::new(machine, dialer, clock).run(commands).await;
            } else {
                Loop::new(machine, dialer, clock).run(commands).await;
            }
        }
    })
}

#[test]
fn each_broken_driver_is_found_out() {
    let expected: [(Flaw, &[Promise]); 24] = [
        (Flaw::TicksWithoutEnd, &[Progress]),
        (Flaw::ForgetsToDial, &[NoStall]),
        (Flaw::SleepsThroughItsWake, &[NoStall, EveryPhaseHasADeadline]),
        (Flaw::ComesToItsEndTooSoon, &[NoStall]),
        (Flaw::DialsTwice, &[OneConnection]),
        (Flaw::ForgetsAborts, &[OneConnection]),
        (Flaw::HangsUpInsteadOfClosing, &[OneConnection]),
        (Flaw::NeverCloses, &[OneConnection]),
        (Flaw::ClosesWithItsOwnCode, &[OneConnection]),
        (Flaw::ReportsFromTheFirstEpoch, &[StaleIsInert]),
        (Flaw::SwallowsPongs, &[EvidenceBeatsTheClock]),
        (Flaw::SwallowsLosses, &[EvidenceBeatsTheClock]),
        (Flaw::TellsOfTimeFirst, &[EvidenceBeatsTheClock]),
        (Flaw::InventsLife, &[OnlyInboundIsLife]),
        (Flaw::NeverPings, &[OnlyInboundIsLife]),
        (Flaw::PingsWithItsOwnPayload, &[OnlyInboundIsLife]),
        (Flaw::PingsByItself, &[OnlyInboundIsLife]),
        (Flaw::NeverFlushes, &[OnlyInboundIsLife, OneConnection]),
        (Flaw::TellsOldTime, &[TimeIsClamped]),
        (Flaw::DialsWithOldCredentials, &[LastErrorSurvives]),
        (Flaw::IgnoresStop, &[StopMeansStop]),
        (Flaw::StartsByItself, &[StopMeansStop]),
        (Flaw::DialsAfterTheEnd, &[StopMeansStop]),
        (Flaw::IsNotTheSameTwice, &[DeterministicReplay]),
    ];
    for (flaw, promises) in expected {
        match check(flaw) {
            Ok(report) => panic!("{flaw:?} has hidden from {} seeds", report.runs),
            Err(failure) => {
                let promise = failure.violation.promise;
                assert!(promises.contains(&promise), "{flaw:?}: {failure}");
            }
        }
    }
}

#[test]
fn a_failure_is_the_same_each_time_and_shows_what_led_to_it() {
    let [first, again] = [(), ()].map(|()| check(Flaw::NeverCloses).unwrap_err().to_string());
    assert_eq!(first, again);
    let told = ["with seed ", "promise 3, one connection", "the Close to ", "close ", "took "];
    for words in told {
        assert!(first.contains(words), "{words:?} is not in {first}");
    }
}

#[test]
#[should_panic(expected = "a defect of its own")]
fn a_driver_that_panics_does_so_under_test_too() {
    let _ = check_driver(0..1, |_: Stage| async { panic!("a defect of its own") });
}
