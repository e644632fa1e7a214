//! Each answer to a dial and each act on a connection, as a real client sees them.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use steadfast::{
    CloseCode, Failure, FailureKind, State,
    client::{Clock, CloseFrame, Event, Frame, Message},
    testing::{Act, Answer, Observation, Observed, Outage, Plan, RunError, Server, VirtualTime},
};

use crate::support::{HOUR, MILLISECOND, MINUTE, SECOND, World, client, since_origin};

fn accepted(acts: impl IntoIterator<Item = Act>) -> World {
    World::new(Plan::new().then(Answer::accept().with_acts(acts)))
}

#[test]
fn a_dial_is_accepted_at_once_or_after_a_delay() {
    let plan = Plan::new().then(Answer::accept());
    assert_eq!(World::new(plan).told(SECOND), ["0ns dialing", "0ns open after 0 µs"]);
    let plan = Plan::new().then(Answer::accept().with_delay(3 * SECOND));
    assert_eq!(World::new(plan).told(4 * SECOND), ["0ns dialing", "3s open after 3.0 s"]);
}

#[test]
fn a_dial_is_refused_with_any_failure() {
    let busy = Failure::from(FailureKind::Http(503)).with_retry_after(30 * SECOND);
    let plan = Plan::new()
        .then(Answer::refuse(busy))
        .then(Answer::refuse(FailureKind::Refused).with_delay(2 * SECOND));
    let mut world = World::new(plan);
    let told = world.told(MINUTE);
    assert!(told[1].starts_with("0ns upgrade refused with HTTP 503, retry after 30.0 s"));
    assert!(told[3].contains("connection refused"));
    assert!(told[5].contains("open after"));
    let dialed = world.dialed();
    assert!(dialed[1] > 30 * SECOND, "Retry-After has reached the client");
    assert_eq!(dialed[2] - dialed[1], 2 * SECOND + 2 * SECOND, "the delay, and the wait");
}

#[test]
fn a_dial_that_is_ignored_runs_into_the_clients_timeout() {
    let mut world = World::new(Plan::new().then(Answer::Ignore));
    let told = world.told(20 * SECOND);
    assert_eq!(told[1], "10s connecting timed out; retry 1 in 1.0 s");
    assert_eq!(told[3], "11s open after 11.0 s");
    assert_eq!(world.server.most_alive(), 1);
}

#[test]
fn when_the_answers_have_run_out_every_dial_gets_the_last_one() {
    let plan = Plan::new().finally(Answer::refuse(FailureKind::Refused));
    let mut world = World::new(plan);
    world.told(7 * SECOND);
    world.server.then(Answer::refuse(FailureKind::Reset));
    let told = world.told(MINUTE);
    assert!(told[1].starts_with("15s connection reset"), "{told:?}");
    assert!(told[3].starts_with("31s connection refused"), "{told:?}");
    assert_eq!(world.dialed(), [0, 1, 3, 7, 15, 31].map(|seconds| seconds * SECOND));
}

#[test]
fn an_outage_fails_dials_and_spares_the_answers() {
    let plan = Plan::new()
        .then(Answer::accept().with_acts([Act::Send("hello".into())]))
        .with_outage(Outage::new(Duration::ZERO..3 * SECOND));
    let told = World::new(plan).told(4 * SECOND);
    assert_eq!(
        told,
        [
            "0ns dialing",
            "0ns host unreachable; retry 1 in 1.0 s",
            "1s dialing, retry 1",
            "1s host unreachable; retry 2 in 2.0 s",
            "3s dialing, retry 2",
            "3s open after 3.0 s",
            "3s says hello",
        ]
    );
}

#[test]
fn an_outage_swallows_a_dial_that_is_under_way() {
    let slow = Answer::accept().with_delay(2 * SECOND);
    let plan = Plan::new().then(slow).with_outage(Outage::silent(SECOND..5 * SECOND));
    let mut world = World::new(plan);
    assert_eq!(world.told(11 * SECOND)[1], "10s connecting timed out; retry 1 in 1.0 s");
}

#[test]
fn an_outage_breaks_connections_or_silences_them() {
    let outage = Outage::new(MINUTE..MINUTE + SECOND).with_failure(FailureKind::Reset);
    let slow = Answer::accept().with_delay(5 * SECOND);
    let mut world = World::new(Plan::new().then(slow).with_outage(outage));
    assert!(world.told(MINUTE - MILLISECOND).iter().all(|told| !told.contains("reset")));
    assert_eq!(
        world.told(61 * SECOND)[0],
        "60s connection reset: injected fault: connection reset, was up 55.0 s; retry 1 in 1.0 s"
    );

    let mut world = World::new(Plan::new().with_outage(Outage::silent(MINUTE..MINUTE + SECOND)));
    let told = world.told(2 * MINUTE);
    let down = told.iter().find(|told| told.contains("no answer to ping")).unwrap();
    assert!(down.starts_with("80s "), "{down}");
}

#[test]
fn a_server_reads_and_answers_pings_for_ever() {
    let mut world = World::new(Plan::new());
    let told = world.told(24 * HOUR);
    assert_eq!(world.client.state(), State::Open);
    assert_eq!(told.len(), 2 + 24 * 180 - 1, "round trips of pings every 20 s");
}

#[test]
fn it_sends_and_waits_and_stays_alive_meanwhile() {
    let acts = [Act::Send("one".into()), Act::Wait(10 * MINUTE), Act::Send("two".into())];
    let told = accepted(acts).told(HOUR);
    let said: Vec<_> = told.into_iter().filter(|told| told.contains("says")).collect();
    assert_eq!(said, ["0ns says one", "600s says two"]);
}

#[test]
fn it_expects_messages_and_finds_those_that_came_while_it_waited() {
    let expected = ["one", "two"].map(|text| Act::Expect(text.into()));
    let acts = [Act::Wait(MINUTE)].into_iter().chain(expected).chain([Act::Send("thanks".into())]);
    let mut world = accepted(acts);
    world.told(SECOND);
    for text in ["one", "two"] {
        world.time.run(world.client.send(text.into())).unwrap().unwrap();
    }
    assert!(world.told(HOUR).contains(&"60s says thanks".to_owned()));
}

#[test]
#[should_panic(expected = r#"the script expects "one", and gets "two""#)]
fn an_unexpected_message_fails_the_test() {
    let mut world = accepted([Act::Expect("one".into())]);
    world.told(SECOND);
    world.time.run(world.client.send("two".into())).unwrap().unwrap();
    world.told(MINUTE);
}

#[test]
#[should_panic(expected = r#"the script expects "one", and gets the end of the connection"#)]
fn a_message_that_never_comes_fails_the_test() {
    let mut world = accepted([Act::Expect("one".into())]);
    world.told(SECOND);
    world.client.stop();
    world.told(MINUTE);
}

#[test]
fn it_echoes_for_a_while() {
    let mut world = accepted([Act::Echo(MINUTE)]);
    world.told(SECOND);
    world.time.run(world.client.send("echo".into())).unwrap().unwrap();
    assert_eq!(world.told(2 * SECOND), ["1s says echo"]);
    world.told(2 * MINUTE);
    world.time.run(world.client.send("no echo".into())).unwrap().unwrap();
    assert!(world.told(3 * MINUTE).iter().all(|told| !told.contains("says")));
    assert_eq!(world.server.received(), ["echo", "no echo"].map(Message::text));
}

#[test]
fn one_that_is_mute_answers_no_pings() {
    let mut world = accepted([Act::Mute, Act::Wait(35 * SECOND), Act::Send("still here".into())]);
    let told = world.told(76 * SECOND);
    assert_eq!(told[2], "35s says still here");
    assert!(told[3].starts_with("75s no answer to ping"), "{told:?}");
}

#[test]
fn it_closes_with_a_code() {
    let frame = CloseFrame::new(CloseCode::TRY_AGAIN_LATER, "too many");
    let mut world = accepted([Act::Wait(SECOND), Act::Close(Some(frame.clone()))]);
    let told = world.told(2 * SECOND);
    assert!(told[2].starts_with(r#"1s closed by the peer with 1013 (try again later) "too many""#));
    let closes = world.server.log().into_iter().filter_map(|seen| match seen.what {
        Observed::Received(Frame::Close(close)) => close,
        _ => None,
    });
    let codes: Vec<_> = closes.map(|close| close.code).collect();
    assert_eq!(codes, [frame.code], "the closing handshake is done");
}

#[test]
fn it_fails_or_drops_the_connection() {
    let mut world = accepted([Act::Wait(SECOND), Act::Fail(FailureKind::Reset.into())]);
    assert!(world.told(2 * SECOND)[2].starts_with("1s connection reset"));
    let mut world = accepted([Act::Wait(SECOND), Act::Drop]);
    assert!(world.told(2 * SECOND)[2].starts_with("1s connection ended without a Close"));
}

#[test]
fn one_that_goes_silent_takes_what_is_written_and_is_found_out_by_the_heartbeat() {
    let mut world = accepted([Act::Wait(SECOND), Act::GoSilent]);
    world.told(2 * SECOND);
    for _ in 0..1_000 {
        world.time.run(world.client.send("into the void".into())).unwrap().unwrap();
    }
    let told = world.told(MINUTE);
    assert!(told[0].starts_with("40s no answer to ping"), "{told:?}");
    assert!(world.server.received().is_empty());
}

#[test]
fn a_script_ends_when_the_client_leaves() {
    let mut world = accepted([Act::Wait(HOUR), Act::Send("too late".into())]);
    world.told(SECOND);
    world.client.stop();
    let told = world.told(2 * HOUR);
    assert_eq!(told, ["1s stopped, was up 1.0 s; no retry", "1s stopped"]);
    let error = world.time.run(std::future::pending::<()>()).unwrap_err();
    let RunError::Deadlock { after, waiting } = error else { panic!("{error}") };
    assert_eq!(waiting, ["main"], "the script waits for nobody");
    assert!(after < MINUTE, "{after:?}");
}

#[test]
fn the_handler_has_the_connection_after_the_acts() {
    let mut time = VirtualTime::new();
    let acts = [Act::Send("welcome".into()), Act::Wait(MINUTE)];
    let plan = Plan::new().then(Answer::accept().with_acts(acts));
    let server = Server::with_handler(&time, plan, |context, mut peer| async move {
        while let Some(message) = peer.recv_message().await {
            let answer = format!("{}: {}", context.epoch, message.as_text().unwrap());
            peer.send_message(answer).await;
        }
    });
    let (mut client, clock) = (client(&time, &server), time.clock());
    let messages = time.run(async {
        let mut messages = Vec::new();
        while messages.len() < 2 {
            match client.next().await.unwrap() {
                Event::Up { .. } => client.send("first".into()).await.unwrap(),
                Event::Message(message) => {
                    let at = since_origin(clock.now());
                    messages.push((at, message.as_text().unwrap().to_owned()));
                }
                _ => {}
            }
        }
        messages
    });
    let expected = [(Duration::ZERO, "welcome"), (MINUTE, "1: first")];
    assert!(messages.unwrap().iter().map(|(at, text)| (*at, text.as_str())).eq(expected));
}

#[test]
fn all_is_written_down_in_order() {
    let plan = Plan::new()
        .then(Answer::refuse(FailureKind::Refused))
        .then(Answer::accept().with_delay(MILLISECOND).with_acts([Act::Send("hi".into())]));
    let mut world = World::new(plan);
    world.told(2 * SECOND);
    world.time.run(world.client.send("hello".into())).unwrap().unwrap();
    assert_eq!(world.server.alive(), 1);
    world.client.stop();
    world.told(3 * SECOND);
    assert_eq!((world.server.alive(), world.server.most_alive()), (0, 1));

    let seen: Vec<_> = world
        .server
        .log()
        .into_iter()
        .map(|seen| {
            let Observation { at, epoch, what, .. } = seen;
            let what = match what {
                Observed::Dialed(context) => format!("dialed {}", context.attempt),
                other => format!("{other:?}"),
            };
            format!("{:?} #{epoch} {what}", since_origin(at))
        })
        .collect();
    let close = r#"Close(Some(CloseFrame { code: CloseCode(1000), reason: Text(0 bytes) }))"#;
    assert_eq!(
        seen,
        [
            "0ns #1 dialed 0",
            "0ns #1 Refused(Failure { kind: Refused, wish: None })",
            "0ns #1 Dropped",
            "1s #2 dialed 1",
            "1.001s #2 Accepted",
            "1.001s #2 Sent(Text(2 bytes))",
            "2s #2 Received(Text(5 bytes))",
            &format!("2s #2 Received({close})"),
            &format!("2s #2 Sent({close})"),
            "2s #2 Dropped",
        ]
    );
}
