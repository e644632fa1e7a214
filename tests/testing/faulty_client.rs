//! Each fault, as a real client and its application see it.

use futures::SinkExt;
use steadfast::{
    CloseCode, FailureKind,
    client::{CloseFrame, Frame, SendErrorReason},
    testing::{Act, Answer, Fault, Faults, Observed, Plan, When},
};

use crate::support::{MILLISECOND, MINUTE, SECOND, World, at};

fn world(faults: Faults, acts: impl IntoIterator<Item = Act>) -> World {
    World::new(Plan::new().then(Answer::accept().with_faults(faults).with_acts(acts)))
}

fn with(when: When, fault: Fault) -> World {
    world(Faults::none().with(when, fault), [])
}

#[test]
fn the_latency_of_both_directions_is_the_round_trip() {
    let faults = Faults::none()
        .with_latency_in(150 * MILLISECOND..=150 * MILLISECOND)
        .with_latency_out(100 * MILLISECOND..=100 * MILLISECOND);
    let told = world(faults, []).told(50 * SECOND);
    assert_eq!(told[2..], ["20.25s round trip 250 ms", "40.5s round trip 250 ms"]);
}

#[test]
fn a_stall_is_found_out_by_the_heartbeat() {
    let told = with(When::After(MINUTE), Fault::Stall).told(3 * MINUTE);
    // The last answer to a ping was that of 0:40, because a fault comes before what it meets.
    let down = told.iter().find(|told| told.contains("no answer to ping"));
    assert!(down.is_some_and(|down| down.starts_with("80s ")), "{told:?}");
}

#[test]
fn a_stall_after_a_number_of_frames_loses_messages_that_were_accepted() {
    let mut world = with(When::AfterFrames(3), Fault::Stall);
    world.told(SECOND);
    for number in 0..5 {
        let sent = world.time.run(world.client.send(number.to_string().into())).unwrap();
        assert!(sent.is_ok(), "nobody can know yet");
    }
    let told = world.told(MINUTE);
    assert!(told[0].starts_with("40s no answer to ping, was up 40.0 s"), "{told:?}");
    assert_eq!(world.server.received().len(), 3);
}

#[test]
fn a_full_stalled_connection_makes_send_wait_until_the_heartbeat_ends_it() {
    let mut world = with(When::AfterFrames(0), Fault::Stall);
    world.told(SECOND);
    let client = &mut world.client;
    let sending = world.time.run(async {
        loop {
            if let Err(error) = client.send("more".into()).await {
                break error;
            }
        }
    });
    assert_eq!(sending.unwrap().reason, SendErrorReason::NotOpen);
    assert!(world.told(MINUTE)[0].starts_with("40s no answer to ping"));
}

#[test]
fn a_connection_breaks_with_the_failure_that_was_asked_for() {
    let fault = Fault::Fail(FailureKind::Unreachable.into());
    let told = with(When::After(5 * SECOND), fault).told(10 * SECOND);
    assert_eq!(
        told[2],
        "5s host unreachable: injected fault: host unreachable, was up 5.0 s; retry 1 in 1.0 s"
    );
    assert_eq!(told[4], "6s open again after 1.0 s, retry 1");
}

#[test]
fn a_flush_that_fails_tells_of_messages_unwritten() {
    let mut world = with(When::AfterFrames(1), Fault::FailWrites(FailureKind::Reset.into()));
    world.told(SECOND);
    let error = world.time.run(world.client.send("lost".into())).unwrap().unwrap_err();
    assert_eq!(error.reason, SendErrorReason::Interrupted { unflushed: 1 });
    let told = world.told(2 * SECOND);
    assert!(told[0].contains("connection reset"), "{told:?}");
    assert!(told[0].contains("1 message unwritten"), "{told:?}");
}

#[test]
fn when_writing_fails_a_close_that_came_in_says_why() {
    let frame = CloseFrame::new(CloseCode::SERVICE_RESTART, "");
    let fault = Fault::FailWrites(FailureKind::Reset.into());
    let acts = [Act::Wait(SECOND), Act::Close(Some(frame))];
    let told = world(Faults::none().with(When::After(SECOND), fault), acts).told(2 * SECOND);
    assert!(told[2].contains("1012 (service restart)"), "{told:?}");
}

#[test]
fn blocked_writes_delay_a_message_and_not_the_application() {
    let mut world = with(When::AfterFrames(0), Fault::BlockWrites(5 * SECOND));
    world.told(SECOND);
    world.time.run(world.client.send("late".into())).unwrap().unwrap();
    assert!(world.told(MINUTE).iter().all(|told| told.contains("round trip")));
    let log = world.server.log();
    let message = Observed::Received(Frame::Message("late".into()));
    let received = log.iter().find(|seen| seen.what == message).unwrap();
    assert_eq!(received.at, at(5 * SECOND));
}

#[test]
fn a_short_pause_of_reading_is_survived_and_a_long_one_is_not() {
    let talk = [Act::Wait(2 * SECOND), Act::Send("late".into())];
    let pause = |span| Faults::none().with(When::After(SECOND), Fault::PauseReads(span));
    let told = world(pause(25 * SECOND), talk.clone()).told(MINUTE - SECOND);
    assert_eq!(told[2], "26s says late");
    assert!(told[3..].iter().all(|told| told.contains("round trip")), "{told:?}");

    let told = world(pause(MINUTE), talk).told(MINUTE);
    assert!(told[2].starts_with("40s no answer to ping"), "{told:?}");
}

#[test]
fn a_close_that_is_cut_off_leaves_no_code() {
    let faults = Faults::none().with(When::AfterFrames(0), Fault::TruncateClose);
    let frame = CloseFrame::new(CloseCode::SERVICE_RESTART, "");
    let told = world(faults, [Act::Wait(SECOND), Act::Close(Some(frame))]).told(2 * SECOND);
    assert!(told[2].starts_with("1s connection ended without a Close"), "{told:?}");
}

#[test]
fn spurious_wake_ups_change_nothing_that_is_told() {
    let acts = || [Act::Send("hello".into()), Act::Wait(50 * SECOND), Act::Drop];
    let calm = world(Faults::none(), acts()).told(3 * MINUTE);
    let restless = Faults::none().with_spurious_percent(90);
    assert_eq!(world(restless, acts()).told(3 * MINUTE), calm);
}
