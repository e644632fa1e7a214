//! Configuration, policy and traces as text.
#![cfg(feature = "serde")]

use core::time::Duration;

use serde_json::{Value, from_value, json, to_value};
use steadfast::{
    Action, Actions, Backoff, CloseCode, ClosedReason, Command, Config, Credentials, Decision,
    Epoch, Event, Failure, FailureKind, FirstConnect, Heartbeat, Instant, Jitter, Machine, Network,
    Next, Nonce, Notice, Outcome, Pace, PeerClose, Seed, Signal, State, Stats, Timeout, Timer,
    Verdict, Wake,
};

fn round_trips<T>(value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + core::fmt::Debug,
{
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
}

#[test]
fn a_configuration_is_written_with_durations_that_people_read() {
    assert_eq!(
        to_value(Config::default()).unwrap(),
        json!({
            "connect_timeout": "10s",
            "close_timeout": "2s",
            "stable_after": "10s",
            "probe_timeout": "3s",
            "online_spread": "1s",
            "heartbeat": {
                "interval": "20s",
                "pong_timeout": "10s",
                "reprobes": 1,
                "kind": "ping",
            },
            "first_connect": "retry",
        })
    );
}

#[test]
fn a_backoff_is_written_with_durations_that_people_read() {
    assert_eq!(
        to_value(Backoff::default()).unwrap(),
        json!({
            "base": "500ms",
            "first": "1s",
            "factor_percent": 200,
            "floor": "100ms",
            "cap": "30s",
            "jitter": "full",
            "max_retries": null,
            "max_elapsed": null,
            "retry_after_cap": "5m",
            "spread": "5s",
        })
    );
}

#[test]
fn a_configuration_reads_back_as_it_was_written() {
    round_trips(&Config::default());
    let config = Config::builder()
        .with_connect_timeout(Duration::from_nanos(1))
        .with_close_timeout(Duration::from_micros(1_500))
        .with_stable_after(Duration::from_secs(90))
        .with_probe_timeout(Duration::from_secs(7_200))
        .with_online_spread(Duration::ZERO)
        .with_heartbeat(Heartbeat::default().with_reprobes(255))
        .with_first_connect(FirstConnect::Once);
    round_trips(&config.clone().build().unwrap());
    let expecting = Heartbeat::expect(Duration::from_secs(40));
    round_trips(&config.clone().with_heartbeat(expecting).build().unwrap());
    round_trips(&config.with_heartbeat(None).build().unwrap());
}

#[test]
fn a_backoff_reads_back_as_it_was_written() {
    round_trips(&Backoff::default());
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated, Jitter::None] {
        let backoff = Backoff::builder()
            .with_jitter(jitter)
            .with_factor_percent(150)
            .with_max_retries(7)
            .with_max_elapsed(Duration::from_secs(3_600))
            .with_retry_after_cap(Duration::ZERO);
        round_trips(&backoff.build().unwrap());
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    let config: Config = from_value(json!({ "connect_timeout": "5s" })).unwrap();
    let expected = Config::builder().with_connect_timeout(Duration::from_secs(5)).build();
    assert_eq!(Ok(config), expected);
    let quiet: Config = from_value(json!({ "heartbeat": null })).unwrap();
    assert_eq!(quiet.to_builder().heartbeat, None);
    let slow: Config = from_value(json!({ "heartbeat": { "interval": "1m" } })).unwrap();
    let heartbeat = Heartbeat::default().with_interval(Duration::from_secs(60));
    assert_eq!(slow.to_builder().heartbeat, Some(heartbeat));
    let busy: Config =
        from_value(json!({ "heartbeat": { "kind": "expect", "interval": "1m" } })).unwrap();
    let heartbeat = Heartbeat::expect(Duration::from_secs(60));
    assert_eq!(busy.to_builder().heartbeat, Some(heartbeat));
    assert_eq!(from_value::<Config>(json!({})).unwrap(), Config::default());
    assert_eq!(from_value::<Backoff>(json!({})).unwrap(), Backoff::default());
}

fn refused<T: serde::de::DeserializeOwned + core::fmt::Debug>(value: Value) -> String {
    from_value::<T>(value).unwrap_err().to_string()
}

#[test]
fn a_field_that_does_not_exist_is_refused_by_name() {
    let typo = "connect_timeuot";
    assert!(refused::<Config>(json!({ typo: "5s" })).contains(typo));
    assert!(refused::<Config>(json!({ "heartbeat": { typo: "5s" } })).contains(typo));
    assert!(refused::<Backoff>(json!({ typo: "5s" })).contains(typo));
}

#[test]
fn a_value_that_cannot_work_is_refused_with_its_field() {
    for (value, field) in [
        (json!({ "connect_timeout": "0s" }), "connect_timeout"),
        (json!({ "heartbeat": { "interval": "0ms" } }), "heartbeat.interval"),
        (json!({ "online_spread": "6000000h" }), "online_spread"),
    ] {
        assert!(refused::<Config>(value.clone()).contains(field), "{value}");
    }
    for (value, field) in [
        (json!({ "base": "1ms" }), "base"),
        (json!({ "first": "1m" }), "first"),
        (json!({ "floor": "1m" }), "floor"),
        (json!({ "floor": "1us" }), "floor"),
        (json!({ "factor_percent": 50 }), "factor_percent"),
        (json!({ "max_elapsed": "6000000h" }), "max_elapsed"),
    ] {
        assert!(refused::<Backoff>(value.clone()).contains(field), "{value}");
    }
}

#[test]
fn a_duration_without_a_unit_is_refused_with_an_example() {
    for value in [json!({ "base": "5" }), json!({ "base": 5 }), json!({ "base": "5 s" })] {
        assert!(refused::<Backoff>(value).contains("\"500ms\""));
    }
}

fn failures() -> Vec<Failure> {
    let closed = CloseCode::GOING_AWAY;
    [
        FailureKind::Closed(closed),
        FailureKind::Violation(CloseCode::PROTOCOL_ERROR),
        FailureKind::Http(503),
        FailureKind::Handshake,
        FailureKind::Subprotocol,
        FailureKind::Refused,
        FailureKind::Reset,
        FailureKind::Unreachable,
        FailureKind::NameResolution,
        FailureKind::Timeout(Timeout::Connect),
        FailureKind::Timeout(Timeout::Heartbeat),
        FailureKind::Timeout(Timeout::Silence),
        FailureKind::Timeout(Timeout::Network),
        FailureKind::Certificate,
        FailureKind::Tls,
        FailureKind::Request,
        FailureKind::Misconfigured,
        FailureKind::Io,
    ]
    .into_iter()
    .flat_map(|kind| {
        let failure = Failure::from(kind);
        let span = Duration::from_millis(1_500);
        [failure, failure.with_retry_after(span), failure.with_spread_over(span)]
    })
    .collect()
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    round_trips(&Event::Tick);
    for command in [
        Command::Start,
        Command::Stop,
        Command::RetryNow,
        Command::Probe,
        Command::Network(Network::Online),
        Command::Network(Network::Offline),
    ] {
        round_trips(&Event::from(command));
    }
    let signals = [
        Signal::Opened,
        Signal::Received,
        Signal::Pong(Nonce::new(u32::MAX)),
        Signal::CloseReceived(CloseCode::NO_STATUS.into()),
        Signal::CloseReceived(
            PeerClose::from(CloseCode::SERVICE_RESTART).with_spread_over(Duration::from_secs(9)),
        ),
        Signal::ReadPaused,
        Signal::ReadResumed,
    ];
    for signal in signals.into_iter().chain(failures().into_iter().map(Signal::Lost)) {
        round_trips(&Event::Transport(Epoch::new(u64::MAX), signal));
    }
}

#[test]
fn every_action_and_notice_reads_back_as_it_was_written() {
    let epoch = Epoch::new(7);
    for action in [
        Action::Dial { epoch, attempt: 3, credentials: Credentials::Current },
        Action::Dial { epoch, attempt: u32::MAX, credentials: Credentials::Refresh },
        Action::Ping { epoch, nonce: Nonce::new(1) },
        Action::Close { epoch, code: Some(CloseCode::NORMAL) },
        Action::Close { epoch, code: None },
        Action::Abort { epoch },
    ] {
        round_trips(&action);
    }
    let span = Duration::from_nanos(1_234_567_890);
    let failure = failures()[1];
    let next = Next::Retry { attempt: 1, delay: span };
    for notice in [
        Notice::Up { epoch, reconnected: true, attempt: 2, downtime: span },
        Notice::Down { epoch, failure: Some(failure), uptime: span, next },
        Notice::Down { epoch, failure: None, uptime: span, next: Next::Closed },
        Notice::DialFailed { epoch, attempt: 0, failure, next: Next::Offline { attempt: 1 } },
        Notice::Rescheduled { next },
        Notice::RoundTrip { epoch, round_trip: span },
        Notice::Closed { reason: ClosedReason::Stopped },
        Notice::Closed { reason: ClosedReason::Fatal(failure) },
        Notice::Closed { reason: ClosedReason::GaveUp(failure) },
    ] {
        round_trips(&notice);
        round_trips(&Action::Notify(notice));
    }
}

/// Open, and its first ping answered after 40 ms.
fn answered_once() -> Machine {
    let (config, policy) = (Config::default(), Backoff::default());
    let mut machine = Machine::new(config, policy, Seed::new(7), Instant::ORIGIN);
    let mut tell = |millis, event| {
        let _ = machine.handle(Instant::from_millis(millis), event);
    };
    let signal = |signal| Event::Transport(Epoch::new(1), signal);
    tell(0, Command::Start.into());
    tell(0, signal(Signal::Opened));
    tell(20_000, Event::Tick);
    tell(20_040, signal(Signal::Pong(Nonce::new(1))));
    machine
}

#[test]
fn what_was_counted_is_written_without_a_round_trip_unless_there_is_one() {
    let counted = json!({
        "dials": 0, "opens": 0, "stale": 0, "inapplicable": 0, "clock_regressions": 0,
    });
    assert_eq!(to_value(Stats::default()).unwrap(), counted);
    assert_eq!(from_value::<Stats>(counted).unwrap(), Stats::default());
    assert_eq!(
        to_value(answered_once().stats()).unwrap()["round_trip"],
        json!({ "smoothed": "40ms", "variation": "20ms" })
    );
}

#[test]
fn what_a_trace_is_made_of_reads_back_as_it_was_written() {
    round_trips(&Seed::new(u64::MAX));
    round_trips(&Instant::from_nanos(u64::MAX));
    round_trips(&Stats::default());
    round_trips(&answered_once().stats());
    for outcome in [Outcome::Applied, Outcome::Stale, Outcome::Inapplicable] {
        round_trips(&outcome);
    }
    round_trips(&Wake::Idle);
    for timer in
        [Timer::Connect, Timer::Ping, Timer::Pong, Timer::Silence, Timer::Close, Timer::Retry]
    {
        round_trips(&Wake::At(Instant::from_nanos(1), timer));
    }
    let closed = State::Closed(ClosedReason::Fatal(failures()[0]));
    for state in [State::Idle, State::Connecting, State::Open, State::Closing, closed] {
        round_trips(&state);
    }
    for verdict in [Verdict::Refresh, Verdict::Stop, Verdict::Retry(Pace::StepsUp(4))] {
        round_trips(&verdict);
    }
    round_trips(&Decision::RetryAfter(Duration::from_millis(5)));
}

#[test]
fn a_step_reads_back_as_it_was_written() {
    let (config, policy) = (Config::default(), Backoff::default());
    let mut machine = Machine::new(config, policy, Seed::new(7), Instant::ORIGIN);
    let started = machine.handle(Instant::ORIGIN, Command::Start.into());
    round_trips(&started);
    let epoch = machine.epoch();
    let refused = Event::Transport(epoch, Signal::Lost(FailureKind::Http(404).into()));
    let closed = machine.handle(Instant::from_millis(5), refused);
    assert_eq!(closed.actions.len(), 2);
    round_trips(&closed);
    assert_eq!(
        to_value(started).unwrap(),
        json!({
            "actions": [{ "Dial": { "epoch": 1, "attempt": 0, "credentials": "Current" } }],
            "wake": { "At": [10_000_000_000_u64, "Connect"] },
            "outcome": "Applied",
        })
    );
}

#[test]
fn a_list_of_more_actions_than_a_step_can_have_is_refused() {
    let abort = json!({ "Abort": { "epoch": 1 } });
    assert_eq!(from_value::<Actions>(vec![abort.clone(); 4].into()).unwrap().len(), 4);
    let error = from_value::<Actions>(vec![abort; 5].into()).unwrap_err().to_string();
    assert_eq!(error, "invalid length 5, expected a list of at most 4 actions");
}
