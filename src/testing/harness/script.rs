//! What one seed asks of a driver: a configuration, commands, leaps of the clock, and an end at
//! which all must be well.

use std::time::Duration;

use super::{
    dice::Dice,
    scene::{Happening, Scene},
};
use crate::{Command, Config, FirstConnect, Heartbeat, Network, policy::Backoff};

/// For how long things go wrong, in milliseconds.
const TROUBLE: u64 = 60_000;
/// How long a client has to be open after that.
const RECOVERY: Duration = Duration::from_secs(40);

pub(super) fn config(dice: &mut Dice) -> Config {
    let short = Heartbeat::default()
        .with_interval(Duration::from_millis(1_500))
        .with_pong_timeout(Duration::from_millis(700))
        .with_reprobes(1);
    let heartbeat = match dice.up_to(9) {
        0 | 1 => None,
        2..=4 => Some(Heartbeat::default()),
        _ => Some(short),
    };
    let once = dice.percent(10);
    let config = Config::builder()
        .with_heartbeat(heartbeat)
        .with_stable_after(Duration::from_secs(5))
        .with_connect_timeout(Duration::from_secs(4))
        .with_first_connect(if once { FirstConnect::Once } else { FirstConnect::Retry });
    // All its spans are longer than zero and shorter than a day.
    config.build().unwrap_or_default()
}

pub(super) fn policy() -> Backoff {
    let policy = Backoff::builder()
        .with_cap(Duration::from_secs(2))
        .with_retry_after_cap(Duration::from_secs(3));
    policy.build().unwrap_or_default()
}

/// Schedules all of it, from now on.
pub(super) fn schedule(scene: &mut Scene) {
    scene.schedule(Duration::ZERO, Happening::Asked(Command::Start));
    for _ in 0..scene.dice.up_to(12) {
        let after = scene.dice.millis(TROUBLE);
        let command = command(&mut scene.dice);
        scene.schedule(after, Happening::Asked(command));
        if command == Command::Stop {
            let again = scene.dice.millis(5_000);
            scene.schedule(after + again, Happening::Asked(Command::Start));
        }
    }
    for _ in 0..scene.dice.up_to(2) {
        let after = scene.dice.millis(TROUBLE);
        let sleep = match scene.dice.up_to(2) {
            0 => Duration::from_secs(scene.dice.up_to(10_000)),
            _ => scene.dice.millis(20_000),
        };
        scene.schedule(after, Happening::Sleeps(sleep));
        // Who wakes the computer wants something, and asks before anyone has looked at what came in.
        if scene.dice.percent(50) {
            let command = command(&mut scene.dice);
            scene.schedule(after, Happening::Asked(command));
        }
    }
    for _ in 0..scene.dice.up_to(4) {
        let after = scene.dice.millis(TROUBLE);
        scene.schedule(after, Happening::Nudged);
    }
    let healed = Duration::from_millis(TROUBLE + 5_000);
    let stopped = healed + RECOVERY;
    let close_timeout = scene.config.close_timeout.duration();
    let closed = stopped + close_timeout;
    let online = Command::Network(Network::Online);
    for (after, happening) in [
        (healed, Happening::Heals),
        (healed, Happening::Asked(online)),
        (healed, Happening::Asked(Command::Start)),
        // A server that was just then closing for good has the last word on that connection.
        (healed + close_timeout, Happening::Asked(Command::Start)),
        (stopped, Happening::MustBeOpen),
        (stopped, Happening::Asked(Command::Stop)),
        (closed + Duration::from_nanos(1), Happening::MustBeClosed),
        (closed + Duration::from_nanos(1), Happening::Finishes),
    ] {
        scene.schedule(after, happening);
    }
}

fn command(dice: &mut Dice) -> Command {
    dice.pick(&[
        Command::Stop,
        Command::Start,
        Command::RetryNow,
        Command::Probe,
        Command::Network(Network::Offline),
        Command::Network(Network::Online),
    ])
}
