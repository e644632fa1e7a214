//! How many clients, for how long, and each one's habits.

use std::{cell::Cell, env, rc::Rc, time::Duration};

use steadfast::{
    Backoff, Config, Heartbeat,
    client::{Outbox, Overflow, Release},
};

/// From `STEADFAST_SOAK_CLIENTS` and `STEADFAST_SOAK_SECONDS`; without these a short run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) clients: usize,
    pub(crate) duration: Duration,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let seconds = variable("STEADFAST_SOAK_SECONDS", 3);
        let clients = variable("STEADFAST_SOAK_CLIENTS", 50);
        let clients = usize::try_from(clients).expect("a number of clients");
        Self { clients, duration: Duration::from_secs(seconds) }
    }

    /// How many tickets one client may need.
    pub(crate) fn tickets(self) -> usize {
        let seconds = usize::try_from(self.duration.as_secs()).expect("less than eternity");
        2_000 + 250 * seconds
    }
}

/// What goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    /// The clients send, and the server kills.
    Storm,
    /// Nothing new: what is under way comes to its end.
    Calm,
    /// The clients settle and stop.
    Over,
}

pub(crate) type SharedPhase = Rc<Cell<Phase>>;

fn variable(name: &str, default: u64) -> u64 {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    }
}

/// What an application does about messages of which it does not know that they arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Again {
    Never,
    /// Those that were not flushed go back into the outbox.
    Unflushed,
    /// All that the server has not acknowledged go ahead of the outbox: nothing is ever missing.
    Unacknowledged,
}

/// The habits of one client.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    pub(crate) outbox: Outbox,
    pub(crate) again: Again,
    pub(crate) retains: bool,
    /// Its messages are long, so that a server that does not read makes it wait.
    pub(crate) is_heavy: bool,
    /// It stops with messages in its outbox.
    pub(crate) leaves_early: bool,
}

impl Habits {
    pub(crate) fn of(client: usize) -> Self {
        let outbox = Outbox::default().with_time_to_live(None);
        let (outbox, again) = match client % 5 {
            0 => (outbox.with_max_messages(64), Again::Never),
            1 => (outbox.with_max_messages(16).with_overflow(Overflow::DropOldest), Again::Never),
            2 => (outbox.with_max_messages(16).with_overflow(Overflow::Wait), Again::Unflushed),
            3 => {
                let overflow = if client % 2 == 0 { Overflow::Wait } else { Overflow::Reject };
                let outbox = outbox.with_overflow(overflow).with_max_messages(WINDOW);
                (outbox.with_release(Release::OnResync), Again::Unacknowledged)
            }
            _ => {
                let outbox = outbox.with_time_to_live(Duration::from_millis(60));
                (outbox.with_release(Release::OnResync), Again::Never)
            }
        };
        let retains = again == Again::Unflushed || client % 2 == 0;
        let is_heavy = client % 3 == 0;
        let leaves_early = again != Again::Unacknowledged && client % 4 == 0;
        Self { outbox, again, retains, is_heavy, leaves_early }
    }

    /// Whether all messages that were given up are told of by the time that anything is.
    pub(crate) fn tells_at_once(&self) -> bool {
        self.outbox.overflow != Overflow::DropOldest && self.outbox.time_to_live.is_none()
    }
}

/// How many messages a client that sends again may have that are not acknowledged.
pub(crate) const WINDOW: usize = 48;

pub(crate) fn config() -> Config {
    let millis = Duration::from_millis;
    let heartbeat = Heartbeat::default().with_interval(millis(250)).with_pong_timeout(millis(250));
    let builder = Config::builder().with_heartbeat(heartbeat);
    let builder = builder.with_connect_timeout(millis(500)).with_close_timeout(millis(200));
    builder.with_stable_after(millis(100)).build().expect("a configuration")
}

/// Dials again soon, whatever the server asks for.
pub(crate) fn policy() -> Backoff {
    let millis = Duration::from_millis;
    let builder = Backoff::builder().with_base(millis(10)).with_first(millis(20));
    let builder = builder.with_spread(millis(60)).with_floor(millis(1)).with_cap(millis(200));
    builder.with_retry_after_cap(millis(100)).build().expect("a policy")
}
