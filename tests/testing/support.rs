//! A client in virtual time, and what it is told, in words.

use std::{pin::pin, time::Duration};

use futures::{
    StreamExt,
    future::{Either, select},
};
use steadfast::{
    Backoff, Instant, Jitter, Seed,
    client::{Builder, Clock, Connection, Event},
    testing::{ManualClock, MemoryDialer, Plan, RunError, Server, VirtualTime},
};

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) type Client = Connection<MemoryDialer, ManualClock>;

pub(crate) fn at(span: Duration) -> Instant {
    Instant::ORIGIN.saturating_add(span)
}

pub(crate) fn since_origin(at: Instant) -> Duration {
    at.saturating_duration_since(Instant::ORIGIN)
}

/// A client of `server` that waits for 1, 2, 4 … 30 s, without jitter.
pub(crate) fn client(time: &VirtualTime, server: &Server) -> Client {
    let policy = Backoff::builder().with_jitter(Jitter::None).with_base(SECOND).build().unwrap();
    Builder::new(server.dialer(), time.clock()).with_policy(policy).with_seed(Seed::new(1)).build()
}

/// A server with this plan and its client.
pub(crate) struct World {
    pub(crate) time: VirtualTime,
    pub(crate) server: Server,
    pub(crate) client: Client,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let time = VirtualTime::new();
        let server = Server::new(&time, plan);
        let client = client(&time, &server);
        Self { time, server, client }
    }

    /// What the client is told until then, each time with when.
    #[track_caller]
    pub(crate) fn told(&mut self, until: Duration) -> Vec<String> {
        let (clock, client) = (self.time.clock(), &mut self.client);
        let told = self.time.run(listen(client, &clock, until));
        told.unwrap_or_else(|error: RunError| panic!("{error}"))
    }

    /// When the client dialed.
    pub(crate) fn dialed(&self) -> Vec<Duration> {
        self.server.dials().iter().map(|(at, _)| since_origin(*at)).collect()
    }
}

/// What `client` is told until then, each time with when.
pub(crate) async fn listen(
    client: &mut Client,
    clock: &ManualClock,
    until: Duration,
) -> Vec<String> {
    let mut told = Vec::new();
    let mut end = pin!(clock.sleep_until(at(until)));
    while let Either::Left((Some(event), _)) = select(client.next(), &mut end).await {
        told.push(format!("{:?} {}", since_origin(clock.now()), tell(&event)));
    }
    told
}

fn tell(event: &Event) -> String {
    match event {
        Event::Message(message) => format!("says {}", message.as_text().unwrap_or("?")),
        other => other.to_string(),
    }
}
