//! Plans and faults for proptest, which shrinks them to the few that matter.

use std::{ops::Range, time::Duration};

use proptest::{collection::vec, prelude::*, sample::select};

use super::{Act, Answer, Fault, Faults, Outage, Plan, When};
use crate::{CloseCode, Failure, FailureKind, Seed, Timeout, client::CloseFrame};

/// Up to a minute of trouble on one connection, with latencies below a second.
impl Arbitrary for Faults {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let latency = || (millis(0..500), millis(0..500));
        let when = prop_oneof![
            (0_u64..50).prop_map(When::AfterFrames),
            millis(0..60_000).prop_map(When::After),
        ];
        let fault = prop_oneof![
            millis(0..60_000).prop_map(Fault::PauseReads),
            millis(0..60_000).prop_map(Fault::BlockWrites),
            Just(Fault::TruncateClose),
            any_break().prop_map(Fault::Fail),
            any_break().prop_map(Fault::FailWrites),
            Just(Fault::Stall),
        ];
        (any::<u64>(), latency(), latency(), 0_u8..50, vec((when, fault), 0..4))
            .prop_map(|(seed, incoming, outgoing, percent, faults)| {
                let calm = Faults::none()
                    .with_seed(Seed::new(seed))
                    .with_latency_in(incoming.0..=incoming.0 + incoming.1)
                    .with_latency_out(outgoing.0..=outgoing.0 + outgoing.1)
                    .with_spurious_percent(percent);
                faults.into_iter().fold(calm, |all, (when, fault)| all.with(when, fault))
            })
            .boxed()
    }
}

/// Trouble that a client gets over with the default configuration, policy and classifier: outages
/// of up to three hours that begin in the first two minutes, and dials that fail, hang, or become connections
/// with trouble of their own. No [`Act`] speaks the application's protocol. In the end every dial
/// is accepted, and all is well.
impl Arbitrary for Plan {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let outage = (millis(0..120_000), millis(1..10_800_000), any::<bool>());
        let outage = outage.prop_map(|(from, span, silent)| match silent {
            true => Outage::silent(from..from + span),
            false => Outage::new(from..from + span),
        });
        (vec(any_answer(), 0..8), vec(outage, 0..3))
            .prop_map(|(answers, outages)| {
                let plan = answers.into_iter().fold(Plan::new(), Plan::then);
                outages.into_iter().fold(plan, Plan::with_outage)
            })
            .boxed()
    }
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let end = prop_oneof![
        millis(0..60_000).prop_map(Act::Wait),
        Just(Act::Mute),
        Just(Act::Drop),
        (1011_u16..1014)
            .prop_map(|code| Act::Close(Some(CloseFrame::new(CloseCode::new(code), "")))),
        any_break().prop_map(Act::Fail),
        Just(Act::GoSilent),
    ];
    let accept = (any::<Faults>(), vec(end, 0..2))
        .prop_map(|(faults, acts)| Answer::accept().with_faults(faults).with_acts(acts));
    let refuse = any_refusal().prop_map(Answer::refuse);
    let answer = prop_oneof![3 => accept, 2 => refuse, 1 => Just(Answer::Ignore)];
    (answer, millis(0..15_000)).prop_map(|(answer, delay)| answer.with_delay(delay))
}

/// Why a dial may fail.
fn any_refusal() -> impl Strategy<Value = Failure> {
    let busy = (502_u16..505, millis(0..60_000))
        .prop_map(|(status, wait)| Failure::from(FailureKind::Http(status)).with_retry_after(wait));
    prop_oneof![Just(FailureKind::Refused.into()), any_break(), busy]
}

/// Why the network may fail, before or after a connection is open.
fn any_break() -> impl Strategy<Value = Failure> {
    let kinds =
        [FailureKind::Reset, FailureKind::Unreachable, FailureKind::Timeout(Timeout::Network)];
    select(kinds.to_vec()).prop_map(Failure::from)
}

fn millis(range: Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}
