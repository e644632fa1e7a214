//! tokio's paused time: it moves on by itself to the next timer when all tasks wait.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    time::{Duration, Instant as StdInstant},
};

use futures::{FutureExt, StreamExt};
use steadfast::{
    Backoff, Config, FailureKind, Heartbeat, Instant, Jitter, Next, Timeout,
    client::{Builder, Clock, DialContext, Event},
    testing::{MemoryError, MemoryPeer, pair},
    transport::TokioClock,
};
use tokio::{runtime, time};

const HOUR: Duration = Duration::from_secs(3600);

/// Runs `test` in paused time, and answers how long that took of it.
fn paused<F: Future<Output = ()>>(test: impl FnOnce() -> F) -> Duration {
    let mut builder = runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let begun = time::Instant::now();
        test().await;
        begun.elapsed()
    })
}

#[test]
fn a_heartbeat_of_hours_runs_out_in_paused_time() {
    let heartbeat = Heartbeat::default().with_interval(2 * HOUR).with_pong_timeout(HOUR);
    let config =
        Config::builder().with_heartbeat(heartbeat).with_stable_after(HOUR).build().unwrap();
    let policy = Backoff::builder().with_jitter(Jitter::None).build().unwrap();
    let begun = StdInstant::now();
    let took = paused(|| async move {
        let mut peers: Vec<MemoryPeer> = Vec::new();
        let dialer = |_: DialContext| {
            let (conn, peer) = pair(16);
            // It is there and says nothing.
            peers.push(peer);
            async { Ok::<_, MemoryError>(conn) }
        };
        let clock = TokioClock::try_current().unwrap();
        let mut connection =
            Builder::new(dialer, clock).with_config(config).with_policy(policy).build();
        let down = loop {
            if let Event::Down(down) = connection.next().await.unwrap() {
                break down;
            }
        };
        let timeout = FailureKind::Timeout(Timeout::Heartbeat);
        assert_eq!(down.failure.map(|failure| failure.kind()), Some(timeout));
        assert!(matches!(down.next, Next::Retry { attempt: 1, .. }), "{:?}", down.next);
        // An hour for the answer to the first ping, and one for the answer to the second.
        assert_eq!(down.uptime, 4 * HOUR);
        while !matches!(connection.next().await.unwrap(), Event::Up(_)) {}
        time::advance(HOUR).await;
        let up = connection.now().saturating_duration_since(connection.machine().since());
        assert_eq!(up, HOUR);
    });
    assert_eq!(took, 5 * HOUR + Duration::from_secs(1));
    assert!(begun.elapsed() < HOUR);
}

/// What the clock answers when it is asked about `deadline` once.
async fn is_due(clock: &mut TokioClock, deadline: Instant) -> bool {
    poll_fn(|cx| Pin::new(&mut *clock).poll_until(cx, deadline)).now_or_never().is_some()
}

#[test]
fn the_clock_moves_when_time_is_advanced_and_only_then() {
    paused(|| async {
        let mut clock = TokioClock::try_current().unwrap();
        let deadline = Instant::ORIGIN.saturating_add(HOUR);
        assert_eq!(clock.now(), Instant::ORIGIN);
        assert!(!is_due(&mut clock, deadline).await);
        time::advance(HOUR - Duration::from_millis(1)).await;
        assert!(!is_due(&mut clock, deadline).await);
        time::advance(Duration::from_millis(1)).await;
        assert!(is_due(&mut clock, deadline).await);
        assert_eq!(clock.now(), deadline);
    });
}

#[test]
fn a_deadline_that_moves_nearer_is_kept_and_one_that_moves_away_is_not_early() {
    let took = paused(|| async {
        let mut clock = TokioClock::try_current().unwrap();
        let at = |hours| Instant::ORIGIN.saturating_add(hours * HOUR);
        assert!(!is_due(&mut clock, at(9)).await);
        assert!(!is_due(&mut clock, at(1)).await);
        poll_fn(|cx| Pin::new(&mut clock).poll_until(cx, at(3))).await;
        assert_eq!(clock.now(), at(3));
        poll_fn(|cx| Pin::new(&mut clock).poll_until(cx, at(4))).await;
        assert_eq!(clock.now(), at(4));
    });
    assert_eq!(took, 4 * HOUR);
}

#[test]
fn a_deadline_at_the_end_of_time_is_not_due() {
    paused(|| async {
        let mut clock = TokioClock::try_current().unwrap();
        assert!(!is_due(&mut clock, Instant::from_nanos(u64::MAX)).await);
        assert!(is_due(&mut clock, Instant::ORIGIN).await);
    });
}
