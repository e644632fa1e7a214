//! One connection, and pings on it.

use std::{pin::pin, time::Duration};

use async_io::Timer;
use futures::{
    StreamExt,
    future::{Either, select},
};
use steadfast::{
    Backoff, Config, ConfigError, Failure, FailureKind, Timeout,
    client::{Builder, Connection, Event, SessionId, SharedError},
    transport::{AsyncIoClock, Dialer},
};

use crate::exit::Exit;

pub(super) struct Pinging {
    pub(super) count: u32,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) session: Option<SessionId>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Pinged {
    /// How long it took to open.
    pub(super) opened: Option<Duration>,
    pub(super) sent: u32,
    pub(super) round_trips: Vec<Duration>,
    pub(super) smoothed: Option<Duration>,
    pub(super) trouble: Option<Trouble>,
}

/// Why it ended before all pings were answered.
#[derive(Debug)]
pub(super) enum Trouble {
    Failed(Failed),
    /// With the exit status that this calls for.
    Interrupted(Exit),
}

/// The connection is over, or as good as.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) error: Option<SharedError>,
    pub(super) close_reason: Option<String>,
}

type Client = Connection<Dialer, AsyncIoClock>;

impl Pinging {
    /// # Errors
    ///
    /// If the durations cannot work.
    pub(super) async fn run(
        &self,
        dialer: Dialer,
        interrupted: impl Future<Output = Exit>,
    ) -> Result<Pinged, ConfigError> {
        let config = Config::builder()
            .with_connect_timeout(self.connect_timeout)
            .with_probe_timeout(self.timeout)
            // The pings are ours.
            .with_heartbeat(None)
            .build()?;
        let once = Backoff::builder().with_max_retries(0).build()?;
        let builder = Builder::new(dialer, AsyncIoClock::new()).with_config(config);
        let builder = self.session.into_iter().fold(builder, Builder::with_session);
        let mut client = builder.with_policy(once).build();
        let mut pinged = Pinged::default();
        let pinging = self.ping(&mut client, &mut pinged);
        let trouble = match select(pin!(pinging), pin!(interrupted)).await {
            Either::Left((pinging, _)) => pinging.err().map(Trouble::Failed),
            Either::Right((exit, _)) => Some(Trouble::Interrupted(exit)),
        };
        pinged.trouble = trouble;
        client.stop();
        // How it leaves says nothing about its health.
        while client.next().await.is_some() {}
        Ok(pinged)
    }

    async fn ping(&self, client: &mut Client, pinged: &mut Pinged) -> Result<(), Failed> {
        loop {
            if let Event::Up(up) = next(client).await? {
                pinged.opened = Some(up.downtime);
                break;
            }
        }
        for number in 1..=self.count {
            pinged.sent = number;
            client.probe();
            pinged.round_trips.push(self.answer(client).await?);
            pinged.smoothed = client.stats().round_trip.map(|it| it.smoothed);
            if number < self.count {
                self.pause(client).await?;
            }
        }
        Ok(())
    }

    /// A server that is heard of, and does not answer, is not healthy: that is for us to say, for
    /// its connection is alive.
    async fn answer(&self, client: &mut Client) -> Result<Duration, Failed> {
        let answer = async {
            loop {
                if let Event::RoundTrip(round_trip) = next(client).await? {
                    return Ok(round_trip);
                }
            }
        };
        match select(pin!(answer), Timer::after(self.timeout)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(FailureKind::Timeout(Timeout::Heartbeat).into()),
        }
    }

    async fn pause(&self, client: &mut Client) -> Result<(), Failed> {
        let fail = async {
            loop {
                if let Err(failed) = next(client).await {
                    return failed;
                }
            }
        };
        match select(pin!(fail), Timer::after(self.interval)).await {
            Either::Left((failed, _)) => Err(failed),
            Either::Right(_) => Ok(()),
        }
    }
}

impl From<FailureKind> for Failed {
    fn from(kind: FailureKind) -> Self {
        Self { failure: kind.into(), error: None, close_reason: None }
    }
}

/// What happens next, if it is not the end.
async fn next(client: &mut Client) -> Result<Event, Failed> {
    match client.next().await {
        Some(Event::DialFailed(failed)) => {
            Err(Failed { failure: failed.failure, error: failed.error, close_reason: None })
        }
        Some(Event::Down(down)) => Err(Failed {
            failure: down.failure.unwrap_or(FailureKind::Io.into()),
            error: down.error,
            close_reason: down.close_reason,
        }),
        Some(event) => Ok(event),
        None => Err(FailureKind::Io.into()),
    }
}
