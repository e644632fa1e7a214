//! An application that asks for numbers and resynchronises, through whatever proptest thinks of.

use futures::{SinkExt, StreamExt};
use proptest::prelude::*;
use steadfast::{
    Seed,
    client::{Builder, Event},
    testing::{Answer, Fault, Faults, Observation, Plan, RunError, Server, VirtualTime, When},
};

use crate::support::{Client, SECOND};

/// How many answers the application wants, and how many questions it asks ahead.
const GOAL: usize = 30;
const AHEAD: usize = 3;

#[derive(Clone, Copy, PartialEq)]
enum After {
    Resynchronise,
    GoOnAsIfNothingHadHappened,
}

/// Asks for each number and takes what comes.
async fn count(mut client: Client, after_reconnect: After) -> Vec<usize> {
    let (mut answers, mut asked) = (Vec::new(), 0);
    while answers.len() < GOAL {
        match client.next().await {
            Some(Event::Up { .. }) if after_reconnect == After::Resynchronise => {
                asked = answers.len();
            }
            Some(Event::Message(answer)) => {
                answers.extend(answer.as_text().and_then(|text| text.parse::<usize>().ok()));
            }
            Some(_) => {}
            None => break,
        }
        while client.is_open() && asked < GOAL.min(answers.len() + AHEAD) {
            if client.send(asked.to_string().into()).await.is_err() {
                break;
            }
            asked += 1;
        }
    }
    answers
}

struct Run {
    answers: Result<Vec<usize>, RunError>,
    log: Vec<Observation>,
    most_alive: usize,
}

/// Runs it against a server that answers each number with itself, after three seconds.
fn run(plan: Plan, seed: u64, after_reconnect: After) -> Run {
    let mut time = VirtualTime::new();
    let clock = time.clock();
    let server = Server::with_handler(&time, plan, move |_, mut peer| {
        let clock = clock.clone();
        async move {
            while let Some(question) = peer.recv_message().await {
                if !peer.wait(clock.sleep(3 * SECOND)).await || !peer.send_message(question).await {
                    break;
                }
            }
        }
    });
    let client = Builder::new(server.dialer(), time.clock()).with_seed(Seed::new(seed)).build();
    let answers = time.run(count(client, after_reconnect));
    Run { answers, log: server.log(), most_alive: server.most_alive() }
}

proptest! {
    #[test]
    fn an_application_that_resynchronises_misses_nothing_and_sees_nothing_twice(
        plan in any::<Plan>(),
        seed in any::<u64>(),
    ) {
        let Run { answers, most_alive, .. } = run(plan, seed, After::Resynchronise);
        prop_assert_eq!(answers, Ok((0..GOAL).collect()));
        prop_assert_eq!(most_alive, 1);
    }

    #[test]
    fn a_plan_and_a_seed_are_all_that_a_run_depends_on(
        plan in any::<Plan>(),
        seed in any::<u64>(),
    ) {
        let [once, again] = [(), ()].map(|()| run(plan.clone(), seed, After::Resynchronise));
        prop_assert_eq!(once.log, again.log);
    }
}

#[test]
fn an_application_that_does_not_resynchronise_is_found_out() {
    let faults = Faults::none().with(When::AfterFrames(5), Fault::Stall);
    let plan = Plan::new().then(Answer::accept().with_faults(faults));
    let naive = run(plan.clone(), 1, After::GoOnAsIfNothingHadHappened);
    assert!(matches!(naive.answers, Err(RunError::TimeLimit { .. })), "it waits for ever");
    let careful = run(plan, 1, After::Resynchronise);
    assert!(careful.answers.unwrap().into_iter().eq(0..GOAL));
}
