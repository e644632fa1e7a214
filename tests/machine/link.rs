//! An open link: its heartbeat, probes, and a reader that pauses.

use steadfast::{
    Action, Command, Config, FailureKind, Heartbeat, Next, Nonce, Notice, Outcome, Signal, State,
    Step, Timeout, Timer, Wake,
};

use crate::{
    RESET,
    support::{World, at, brief, plain, secs},
};

fn without_heartbeat() -> World {
    let config = Config::builder().with_heartbeat(None).build().unwrap();
    World::with(config, plain())
}

#[test]
fn heartbeat_does_not_survive_a_reconnect() {
    let mut world = World::new();
    world.open();
    let _ = world.wake();
    let _ = world.pass(secs(9)).lost(RESET);
    let _ = world.wake();
    let _ = world.opened();
    assert_eq!(world.machine.wake(), Wake::At(world.now.saturating_add(secs(20)), Timer::Ping));
}

#[test]
fn a_pong_to_the_last_connection_times_nothing_on_the_next() {
    let mut world = World::new();
    world.open();
    let _ = world.wake();
    let _ = world.lost(RESET);
    let _ = world.wake();
    let _ = world.opened();
    assert_eq!(world.pong().actions.len(), 0);
}

#[test]
fn a_round_trip_is_told_once_and_only_for_the_newest_ping() {
    let mut world = World::new();
    world.open();
    let _ = world.wake();
    assert!(world.pass(secs(1)).signal(Signal::Pong(Nonce::new(9))).actions.is_empty());
    let step = world.pass(secs(1)).pong();
    let expected = Notice::RoundTrip { epoch: world.machine.epoch(), round_trip: secs(2) };
    assert_eq!(step.actions.iter().collect::<Vec<_>>(), [Action::Notify(expected)]);
    assert!(world.pong().actions.is_empty());
}

#[test]
fn pongs_are_told_apart_after_a_reprobe() {
    let mut world = World::new();
    world.open();
    let first = world.wake().actions.iter().next();
    let Some(Action::Ping { nonce, .. }) = first else { panic!("{first:?}") };
    let _ = world.wake();
    assert!(world.signal(Signal::Pong(nonce)).actions.is_empty(), "late, but life");
    assert_eq!(world.wait(), secs(20));
}

#[test]
fn a_second_opened_is_no_second_connection() {
    let mut world = World::new();
    world.open();
    let wake = world.machine.wake();
    let step = world.pass(secs(3)).opened();
    assert_eq!((step.outcome, step.actions.len(), step.wake), (Outcome::Inapplicable, 0, wake));
    assert_eq!(world.machine.stats().opens, 1);
}

#[test]
fn a_network_that_changes_probes_the_open_link() {
    let mut world = World::new();
    world.open();
    let step = world.pass(secs(5)).online();
    assert_eq!((brief(&step).as_str(), step.outcome), ("Ping(1)", Outcome::Applied));
    assert_eq!(step.wake, Wake::At(at(secs(8)), Timer::Pong));
    assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
}

#[test]
fn a_probe_pings_now_and_gives_three_seconds() {
    let mut world = World::new();
    world.open();
    assert_eq!(brief(&world.pass(secs(5)).command(Command::Probe)), "Ping(1)");
    assert_eq!(world.wait(), secs(3));
    assert_eq!(world.command(Command::Probe).outcome, Outcome::Inapplicable);
    assert_eq!(brief(&world.pass(secs(1)).pong()), "RoundTrip(1)");
    assert_eq!(world.wait(), secs(20));
}

#[test]
fn a_probe_shortens_the_wait_for_a_ping_that_is_out_and_sends_no_second() {
    let mut world = World::new();
    world.open();
    let _ = world.wake();
    let step = world.pass(secs(2)).command(Command::Probe);
    assert_eq!((step.outcome, step.actions.len()), (Outcome::Applied, 0));
    assert_eq!(world.wait(), secs(3));
    assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
}

#[test]
fn a_probe_works_with_the_heartbeat_off() {
    let mut world = without_heartbeat();
    world.open();
    assert_eq!(brief(&world.command(Command::Probe)), "Ping(1)");
    assert_eq!(world.wait(), secs(3));
    let _ = world.received();
    assert_eq!(world.machine.wake(), Wake::Idle);
    let _ = world.command(Command::Probe);
    assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
}

#[test]
fn a_probe_means_nothing_without_a_link() {
    let mut world = World::new();
    assert_eq!(world.command(Command::Probe).outcome, Outcome::Inapplicable);
    let _ = world.start();
    assert_eq!(world.command(Command::Probe).outcome, Outcome::Inapplicable);
    let _ = world.lost(RESET);
    assert_eq!(world.command(Command::Probe).outcome, Outcome::Inapplicable);
}

#[test]
fn a_paused_reader_is_not_a_dead_peer() {
    let mut world = World::new();
    world.open();
    assert_eq!(world.signal(Signal::ReadPaused).outcome, Outcome::Applied);
    for beat in 1..100 {
        assert_eq!(world.machine.wake(), Wake::At(at(secs(20 * beat)), Timer::Ping));
        assert_eq!(brief(&world.wake()), "Ping(1)", "keepalive pings go on");
    }
    assert_eq!(world.machine.state(), State::Open);
}

#[test]
fn a_reader_that_pauses_with_a_ping_out_has_time() {
    let mut world = World::new();
    world.open();
    let _ = world.wake();
    let _ = world.pass(secs(10)).signal(Signal::ReadPaused);
    assert_eq!(world.wait(), secs(10), "an interval after the last ping");
    assert_eq!(world.signal(Signal::ReadPaused).outcome, Outcome::Inapplicable);
}

#[test]
fn after_a_pause_the_pong_deadline_is_fresh() {
    let mut world = World::new();
    world.open();
    let _ = world.signal(Signal::ReadPaused);
    for _ in 0..5 {
        let _ = world.wake();
    }
    let step = world.pass(secs(19)).signal(Signal::ReadResumed);
    assert_eq!(step.wake, Wake::At(world.now.saturating_add(secs(10)), Timer::Pong));
    assert_eq!(world.signal(Signal::ReadResumed).outcome, Outcome::Inapplicable);
    assert_eq!(brief(&world.wake()), "Ping(1)");
    assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
}

#[test]
fn a_suspended_driver_that_does_not_read_only_keeps_the_path_open() {
    let mut world = World::new();
    world.open();
    let _ = world.signal(Signal::ReadPaused);
    assert_eq!(brief(&world.pass(secs(86_400)).tick()), "Ping(1)");
    assert_eq!(world.wait(), secs(20));
    assert_eq!(world.command(Command::Probe).outcome, Outcome::Inapplicable);
}

#[test]
fn without_reprobes_one_unanswered_ping_is_enough() {
    let heartbeat = Heartbeat::default().with_reprobes(0);
    let mut world =
        World::with(Config::builder().with_heartbeat(heartbeat).build().unwrap(), plain());
    world.open();
    assert_eq!(brief(&world.wake()), "Ping(1)");
    assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
    assert_eq!(world.now, at(secs(30)));
}

#[test]
fn up_tells_whether_how_often_and_for_how_long_it_was_down() {
    let told = |step: Step| match step.actions.iter().next() {
        Some(Action::Notify(Notice::Up { reconnected, attempt, downtime, .. })) => {
            (reconnected, attempt, downtime)
        }
        other => panic!("{other:?}"),
    };
    let mut world = World::new();
    let _ = world.pass(secs(50)).start();
    assert_eq!(told(world.pass(secs(2)).opened()), (false, 0, secs(2)));
    let _ = world.pass(secs(60)).lost(RESET);
    let _ = world.wake();
    let _ = world.pass(secs(4)).lost(RESET);
    let _ = world.wake();
    assert_eq!(told(world.opened()), (true, 2, secs(6)));
}

#[test]
fn down_tells_the_cause_the_uptime_and_what_follows() {
    let mut world = World::new();
    world.open();
    let step = world.pass(secs(30)).lost(FailureKind::Timeout(Timeout::Network));
    let expected = Notice::Down {
        epoch: world.machine.epoch(),
        failure: Some(FailureKind::Timeout(Timeout::Network).into()),
        uptime: secs(30),
        next: Next::Retry { attempt: 1, delay: secs(1) },
    };
    assert_eq!(step.actions.iter().collect::<Vec<_>>(), [Action::Notify(expected)]);
}

#[test]
fn a_probe_that_may_take_long_does_not_postpone_the_end_of_a_silent_peer() {
    let config = Config::builder().with_probe_timeout(secs(60)).build().unwrap();
    let mut world = World::with(config, plain());
    world.open();
    let _ = world.pass(secs(19)).command(Command::Probe);
    assert_eq!(brief(&world.wake()), "Abort(1) Down(1)");
    assert_eq!(world.now, at(secs(29)));
}

#[test]
fn a_reader_that_pauses_again_and_again_does_not_postpone_the_answer() {
    let mut world = World::new();
    world.open();
    assert_eq!(brief(&world.wake()), "Ping(1)");
    for _ in 0..3 {
        let _ = world.pass(secs(2)).signal(Signal::ReadPaused);
        let _ = world.pass(secs(1)).signal(Signal::ReadResumed);
    }
    assert_eq!(world.machine.wake(), Wake::At(at(secs(30)), Timer::Pong));
}

#[test]
fn a_reader_that_resumes_just_when_the_answer_was_due_gives_it_its_time_anew() {
    let mut world = World::new();
    world.open();
    assert_eq!(brief(&world.wake()), "Ping(1)");
    let _ = world.pass(secs(5)).signal(Signal::ReadPaused);
    let step = world.pass(secs(5)).signal(Signal::ReadResumed);
    assert_eq!((brief(&step).as_str(), step.wake), ("", Wake::At(at(secs(40)), Timer::Pong)));
}
