//! Whether a server has heard all that its plan expects, and from whom.

use futures::SinkExt;
use steadfast::testing::{Act, Answer, Plan, RunError, Server, VirtualTime};

use crate::support::{SECOND, World, client, listen};

fn expecting(texts: &[&str]) -> Answer {
    Answer::accept().with_acts(texts.iter().map(|text| Act::Expect((*text).into())))
}

fn heard(texts: &[&str], sent: &[&str]) -> World {
    let mut world = World::new(Plan::new().then(expecting(texts)));
    world.told(SECOND);
    for text in sent {
        world.time.run(world.client.send((*text).into())).unwrap().unwrap();
    }
    world
}

#[test]
fn a_script_is_played_once_all_that_it_expects_has_come() {
    let mut world = heard(&["one", "two"], &["one", "two"]);
    world.told(2 * SECOND);
    world.server.assert_played();
}

#[test]
#[should_panic(expected = r#"the script still expects "two", "three""#)]
fn a_message_that_has_not_come_yet_fails_the_test_in_the_end() {
    let mut world = heard(&["one", "two", "three"], &["one"]);
    world.told(2 * SECOND);
    world.server.assert_played();
}

#[test]
#[should_panic(expected = r#"the script still expects "one""#)]
fn a_wrong_message_that_nobody_has_read_fails_the_test_in_the_end() {
    heard(&["one"], &["wrong"]).server.assert_played();
}

#[test]
#[should_panic(expected = r#"the script still expects "never dialed""#)]
fn an_expectation_of_an_answer_that_no_dial_has_got_fails_the_test_in_the_end() {
    let plan = Plan::new().then(Answer::accept()).then(expecting(&["never dialed"]));
    let mut world = World::new(plan);
    world.told(SECOND);
    world.server.assert_played();
}

#[test]
#[should_panic(expected = r#"the script still expects "too late""#)]
fn an_expectation_of_a_client_that_did_not_wait_for_the_answer_fails_the_test_in_the_end() {
    let mut world = World::new(Plan::new().then(expecting(&["too late"]).with_delay(20 * SECOND)));
    world.told(30 * SECOND);
    world.server.assert_played();
}

#[test]
fn dials_of_two_clients_are_told_apart() {
    let mut time = VirtualTime::new();
    let server = Server::new(&time, Plan::new());
    let (mut one, mut two) = (client(&time, &server), client(&time, &server));
    let clock = time.clock();
    time.run(async {
        listen(&mut one, &clock, SECOND).await;
        listen(&mut two, &clock, 2 * SECOND).await;
    })
    .unwrap();
    let seen: Vec<_> = server.log().iter().map(|seen| (seen.dial, seen.epoch.get())).collect();
    assert_eq!(seen, [(1, 1), (2, 1), (1, 1), (2, 1)]);
    let error = time.run(std::future::pending::<()>());
    let RunError::Deadlock { waiting, .. } = error.unwrap_err() else { panic!() };
    assert_eq!(waiting, ["connection 1", "connection 2", "main"]);
}
