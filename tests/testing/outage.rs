//! An outage of three hours.

use std::time::Duration;

use futures::StreamExt;
use steadfast::{
    FailureKind, Instant, Seed,
    client::{Builder, Clock, Event},
    testing::{Answer, Observation, Outage, Plan, Server, VirtualTime},
};

use crate::support::{HOUR, MILLISECOND, MINUTE, SECOND, World, client, listen, since_origin};

const BEGIN: Duration = MINUTE;
const END: Duration = Duration::from_secs(3 * 3_600 + 60);

#[test]
fn through_three_hours_of_refusals_it_dials_at_the_instants_of_its_policy() {
    let mut world = World::new(Plan::new().with_outage(Outage::new(BEGIN..END)));
    let told = world.told(4 * HOUR);
    // Down at the first instant of the outage; then waits of 1, 2, 4, 8, 16, and ever after 30 s.
    let mut expected = vec![Duration::ZERO];
    let (mut at, mut wait) = (BEGIN, SECOND);
    while at < END {
        at += wait;
        expected.push(at);
        wait = (2 * wait).min(30 * SECOND);
    }
    assert_eq!(world.dialed(), expected);
    let attempts = world.server.dials().into_iter().map(|(_, context)| context.attempt);
    assert!(attempts.eq([0].into_iter().chain(1..365)));
    assert_eq!(world.server.most_alive(), 1);
    let up = told.iter().find(|told| told.contains("open again")).unwrap();
    assert_eq!(*up, "10861s open again after 10801.0 s, retry 364");
}

#[test]
fn through_three_hours_of_silence_it_dials_at_the_instants_of_its_policy_and_timeout() {
    let mut world = World::new(Plan::new().with_outage(Outage::silent(BEGIN..END)));
    world.told(4 * HOUR);
    // The pings of 0:60 and 0:70 go unanswered. Each dial waits for ten seconds.
    let mut expected = vec![Duration::ZERO];
    let (mut at, mut wait) = (BEGIN + 20 * SECOND + SECOND, SECOND);
    while at < END {
        expected.push(at);
        wait = (2 * wait).min(30 * SECOND);
        at += 10 * SECOND + wait;
    }
    expected.push(at);
    assert_eq!(world.dialed(), expected);
    assert_eq!(world.server.most_alive(), 1);
}

/// A client with all defaults and this seed, through the outage: what its server saw.
fn run(seed: u64) -> Vec<Observation> {
    let mut time = VirtualTime::new();
    let server = Server::new(&time, Plan::new().with_outage(Outage::new(BEGIN..END)));
    let builder = Builder::new(server.dialer(), time.clock()).with_seed(Seed::new(seed));
    let mut client = builder.build();
    let clock = time.clock();
    let reconnected = time.run(async {
        loop {
            if matches!(client.next().await, Some(Event::Up(up)) if up.reconnected) {
                break clock.now();
            }
        }
    });
    let late = since_origin(reconnected.unwrap()).saturating_sub(END);
    assert!(late <= 30 * SECOND, "{late:?} after the end");
    let dials: Vec<Instant> = server.dials().into_iter().map(|(at, _)| at).collect();
    let mut waits = dials.windows(2).skip(1).map(|two| two[1].saturating_duration_since(two[0]));
    assert!(waits.all(|wait| (100 * MILLISECOND..=30 * SECOND).contains(&wait)));
    server.log()
}

#[test]
fn two_runs_of_one_seed_are_alike_to_the_nanosecond() {
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_driver_may_be_a_task_of_its_own() {
    let mut time = VirtualTime::new();
    let server = Server::new(&time, Plan::new().with_outage(Outage::new(BEGIN..END)));
    let (handle, mut driver) = client(&time, &server).split(16);
    time.spawn("driver", async move { while driver.next().await.is_some() {} });
    let clock = time.clock();
    time.run(async {
        clock.sleep(SECOND).await;
        handle.send("before").await.unwrap();
        clock.sleep(HOUR).await;
        handle.send("meanwhile").await.unwrap_err();
        clock.sleep(3 * HOUR).await;
        handle.send("after").await.unwrap();
        handle.flush().await.unwrap();
        handle.stop();
        handle.closed().await
    })
    .unwrap();
    assert_eq!(server.received(), ["before", "after"].map(Into::into));
}

#[test]
fn clients_of_one_server_share_an_outage_and_not_their_instants() {
    let mut time = VirtualTime::new();
    let server = Server::new(&time, Plan::new().with_outage(Outage::new(BEGIN..END)));
    for seed in 0..20 {
        let builder = Builder::new(server.dialer(), time.clock()).with_seed(Seed::new(seed));
        let mut client = builder.build();
        time.spawn(format!("client {seed}"), async move { while client.next().await.is_some() {} });
    }
    time.run(time.clock().sleep(END + 31 * SECOND)).unwrap();
    assert_eq!((server.alive(), server.most_alive()), (20, 20));
    let dials = server.dials();
    let back: Vec<_> = dials[dials.len() - 20..].iter().map(|(at, _)| since_origin(*at)).collect();
    assert!(back.iter().all(|at| *at >= END), "{back:?}");
    let within = |second: u64| back.iter().filter(|at| (**at - END).as_secs() == second).count();
    assert!((0..31).all(|second| within(second) <= 5), "a herd: {back:?}");
}

#[test]
fn the_answer_to_a_dial_that_is_swallowed_is_given_to_the_next_one() {
    let plan = Plan::new()
        .then(Answer::refuse(FailureKind::Http(404)).with_delay(8 * SECOND))
        .with_outage(Outage::new(5 * SECOND..36 * SECOND));
    let mut world = World::new(plan);
    let told = world.told(MINUTE);
    assert!(told[1].starts_with("5s host unreachable"), "{told:?}");
    assert_eq!(told[11], "44s upgrade refused with HTTP 404; no retry");
}

#[test]
fn answers_that_are_given_again_are_given_in_their_order() {
    let mut time = VirtualTime::new();
    let refusals = [Answer::refuse(FailureKind::Http(404)), Answer::refuse(FailureKind::Http(410))];
    let plan = refusals
        .map(|refusal| refusal.with_delay(2 * SECOND))
        .into_iter()
        .fold(Plan::new(), Plan::then)
        .with_outage(Outage::new(SECOND..2 * SECOND));
    let server = Server::new(&time, plan);
    let told = ["first", "second"].map(|name| {
        let (mut client, clock) = (client(&time, &server), time.clock());
        let (said, told) = futures::channel::oneshot::channel();
        time.spawn(name, async move {
            let _ = said.send(listen(&mut client, &clock, 5 * SECOND).await.join(" "));
        });
        told
    });
    let told = time.run(futures::future::join_all(told)).unwrap();
    for (told, status) in told.into_iter().zip(["404", "410"]) {
        let told = told.unwrap();
        assert!(told.contains(status), "{told}");
    }
}

#[test]
fn a_dial_that_takes_long_does_not_jump_over_an_outage() {
    let slow = Answer::accept().with_delay(9 * SECOND);
    let outage = Outage::new(2 * SECOND..4 * SECOND);
    let told = World::new(Plan::new().then(slow.clone()).with_outage(outage)).told(30 * SECOND);
    assert!(told[1].starts_with("2s host unreachable"), "{told:?}");
    assert_eq!(told.last().unwrap(), "14s open after 14.0 s");

    let outage = Outage::silent(2 * SECOND..4 * SECOND);
    let told = World::new(Plan::new().then(slow).with_outage(outage)).told(30 * SECOND);
    assert!(told[1].starts_with("10s connecting timed out"), "{told:?}");
}

#[test]
#[should_panic(expected = "an outage must end after it begins, and 50s..20s does not")]
fn an_outage_that_ends_before_it_begins_fails_the_test() {
    let _ = Outage::new(50 * SECOND..20 * SECOND);
}

#[test]
fn a_dial_that_is_first_polled_in_an_outage_is_swallowed() {
    let slow = Answer::accept().with_delay(9 * SECOND);
    let mut world =
        World::new(Plan::new().then(slow).with_outage(Outage::new(2 * SECOND..4 * SECOND)));
    world.time.clock().advance(3 * SECOND);
    let told = world.told(5 * SECOND);
    assert!(told[1].starts_with("3s host unreachable"), "{told:?}");
}
