//! The client: produces a number every few milliseconds, whatever the link does, and sees to it
//! that each arrives once.

use std::{error::Error, rc::Rc, time::Duration};

use async_io::Timer;
use futures::{FutureExt, SinkExt, StreamExt, select};
use steadfast::{
    Backoff, Config, FailureKind, Heartbeat, Seed, Timeout,
    client::{Connection, Event, Message, SendError},
    transport::{AsyncIoClock, Dialer},
};

use super::{server::Server, timeline::Timeline};

type Client = Connection<Dialer, AsyncIoClock>;

const PRODUCE_EVERY: Duration = Duration::from_millis(2);
/// How long the stream goes on after the last act.
const EPILOGUE: Duration = Duration::from_millis(500);
/// The demo ends by then, come what may.
const CURTAIN: Duration = Duration::from_secs(19);

/// What the client saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Numbers produced.
    pub(crate) sent: u64,
    /// Times a number was put on the wire again, because its first copy went down with a link.
    pub(crate) resent: u64,
    pub(crate) dials: u64,
    pub(crate) reconnects: u64,
    pub(crate) drops: Vec<Drop>,
}

/// One end of an open connection, and how the way back was found.
#[derive(Clone, Debug)]
pub(crate) struct Drop {
    /// Since the start.
    pub(crate) at: Duration,
    /// What was seen, from the end of the connection to its return: each cause once, in order.
    pub(crate) causes: Vec<String>,
    pub(crate) by_heartbeat: bool,
    /// When the link was up again, since the start, and the number of the dial that did it.
    pub(crate) recovery: Option<(Duration, u32)>,
}

/// Quicker than the defaults, so that the whole play fits into a few seconds.
fn config() -> Result<Config, steadfast::ConfigError> {
    let heartbeat = Heartbeat::default()
        .with_interval(Duration::from_millis(500))
        .with_pong_timeout(Duration::from_millis(250));
    Config::builder()
        .with_connect_timeout(Duration::from_millis(800))
        .with_close_timeout(Duration::from_millis(500))
        .with_stable_after(Duration::from_millis(400))
        .with_probe_timeout(Duration::from_millis(500))
        .with_heartbeat(heartbeat)
        .build()
}

fn policy() -> Result<Backoff, steadfast::ConfigError> {
    Backoff::builder()
        .with_floor(Duration::from_millis(50))
        .with_base(Duration::from_millis(150))
        .with_first(Duration::from_millis(300))
        .with_cap(Duration::from_millis(1_000))
        .build()
}

pub(crate) async fn run(
    server: Rc<Server>,
    timeline: Rc<Timeline>,
    seed: u32,
) -> Result<Outcome, Box<dyn Error>> {
    let connection = steadfast::connect(&format!("ws://{}/feed", server.address()))?
        .with_config(config()?)
        .with_policy(policy()?)
        .with_seed(Seed::new(seed.into()))
        .build();
    let mut session = Session {
        connection,
        timeline,
        server,
        outcome: Outcome::default(),
        produced: 0,
        written: 0,
        high_water: 0,
        confirmed: None,
        quiet_since: None,
        stopping: false,
    };
    let mut ticks = StreamExt::fuse(Timer::interval(PRODUCE_EVERY));
    loop {
        select! {
            event = session.connection.next().fuse() => match event {
                Some(event) => session.hear(event).await,
                None => break,
            },
            _ = ticks.next() => session.tick().await,
        }
    }
    session.outcome.sent = session.produced;
    session.outcome.dials = session.connection.stats().dials;
    Ok(session.outcome)
}

struct Session {
    connection: Client,
    timeline: Rc<Timeline>,
    server: Rc<Server>,
    outcome: Outcome,
    /// The highest number produced.
    produced: u64,
    /// The highest number given to the present connection, and to any.
    written: u64,
    high_water: u64,
    /// What the server said it has, on the present connection: until then nothing is sent.
    confirmed: Option<u64>,
    /// Since when the script is over.
    quiet_since: Option<Duration>,
    stopping: bool,
}

impl Session {
    async fn hear(&mut self, event: Event) {
        self.timeline.client(&event);
        match event {
            Event::Up(up) => {
                self.confirmed = None;
                self.outcome.reconnects += u64::from(up.reconnected);
                if let Some(drop) = self.outcome.drops.last_mut() {
                    drop.recovery = Some((self.timeline.elapsed(), up.attempt));
                }
                let _ = self.ask().await;
                self.connection.probe();
            }
            Event::Message(message) => self.read(&message),
            Event::Down(down) => {
                self.confirmed = None;
                self.quiet_since = None;
                if let Some(failure) = down.failure {
                    self.outcome.drops.push(Drop {
                        at: self.timeline.elapsed(),
                        causes: vec![failure.kind().to_string()],
                        by_heartbeat: failure.kind() == FailureKind::Timeout(Timeout::Heartbeat),
                        recovery: None,
                    });
                }
            }
            Event::DialFailed(failed) => {
                let cause = failed.failure.kind().to_string();
                if let Some(drop) =
                    self.outcome.drops.last_mut().filter(|drop| !drop.causes.contains(&cause))
                {
                    drop.causes.push(cause);
                }
            }
            _ => {}
        }
    }

    /// Asks what the server has.
    async fn ask(&mut self) -> Result<(), SendError> {
        self.connection.send(Message::text("last?")).await
    }

    fn read(&mut self, message: &Message) {
        let Some(last) = message.as_text().and_then(|text| text.strip_prefix("last ")) else {
            return;
        };
        let Ok(last) = last.parse() else { return };
        if self.confirmed.is_none() {
            self.timeline.resynchronised(last, self.high_water);
            self.written = last;
        }
        self.confirmed = Some(last);
    }

    async fn tick(&mut self) {
        if self.stopping {
            return;
        }
        let now = self.timeline.elapsed();
        if self.server.is_over() && self.confirmed.is_some() {
            self.quiet_since.get_or_insert(now);
        }
        let ending = self.quiet_since.is_some_and(|since| now >= since + EPILOGUE);
        if !ending && now < CURTAIN {
            self.produced += 1;
        } else if self.confirmed == Some(self.produced) || now >= CURTAIN {
            self.stopping = true;
            return self.connection.stop();
        }
        // A link that ends under this is told of by its event; what it took with it is sent again.
        let _ = self.send_what_is_due(ending).await;
    }

    async fn send_what_is_due(&mut self, ending: bool) -> Result<(), SendError> {
        if self.confirmed.is_none() {
            return Ok(());
        }
        while self.written < self.produced {
            let number = self.written + 1;
            self.connection.feed(Message::text(format!("seq {number}"))).await?;
            self.written = number;
            if number <= self.high_water {
                self.outcome.resent += 1;
            }
            self.high_water = self.high_water.max(number);
        }
        if ending {
            self.ask().await?;
        }
        self.connection.flush().await
    }
}
