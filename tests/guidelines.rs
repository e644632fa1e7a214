//! What the Rust API Guidelines ask of types, where the compiler can say whether it is so.
//! `docs/api-guidelines.md` goes through all of them.

use std::{error::Error, fmt, hash::Hash};

use steadfast::{
    Action, Actions, Attempt, Backoff, BackoffBuilder, Bounds, CloseCode, ClosedReason, Command,
    Config, ConfigBuilder, ConfigError, Credentials, Decision, Epoch, Event, Failure, FailureKind,
    FirstConnect, Heartbeat, HeartbeatKind, Instant, Jitter, Machine, Network, Next, Nonce, Notice,
    Outcome, Pace, PeerClose, Policy, RoundTrip, Seed, Signal, State, StateMachine, Stats, Step,
    Timeout, Timer, Verdict, Wake,
};

/// C-COMMON-TRAITS and C-SEND-SYNC, for what is data.
fn is_data<T: Clone + fmt::Debug + Eq + Send + Sync + Unpin + 'static>() {}

/// The same for what may be a key.
fn is_key<T: Hash + Eq>() {}

/// C-GOOD-ERR.
fn is_error<T: Error + Send + Sync + 'static>() {}

macro_rules! all {
    ($check:ident: $($type:ty),+ $(,)?) => { $($check::<$type>();)+ };
}

#[test]
fn what_is_data_has_the_common_traits_and_can_go_anywhere() {
    all!(is_data: Actions, BackoffBuilder, Config, ConfigBuilder, ConfigError, Heartbeat, Step);
    all!(
        is_data: Action, Attempt, Backoff, Bounds, CloseCode, ClosedReason, Command, Credentials,
        Decision, Epoch, Event, Failure, FailureKind, FirstConnect, HeartbeatKind, Instant, Jitter,
        Network, Next, Nonce, Notice, Outcome, Pace, PeerClose, RoundTrip, Seed, Signal, State,
        Stats, Timeout, Timer, Verdict, Wake,
    );
    all!(
        is_key: Action, Attempt, Backoff, Bounds, CloseCode, ClosedReason, Command, Credentials,
        Decision, Epoch, Event, Failure, FailureKind, Instant, Network, Next, Nonce, Notice,
        Outcome, PeerClose, Seed, Signal, State, Stats, Timeout, Timer, Verdict, Wake,
    );
}

#[test]
fn a_machine_is_sent_and_shared_like_its_parts() {
    fn is_send_and_sync<T: Clone + fmt::Debug + Send + Sync + Unpin>() {}
    is_send_and_sync::<Machine>();
    is_send_and_sync::<Machine<&'static Backoff, &'static Config>>();
}

#[test]
fn every_error_is_one_that_can_be_boxed_and_sent() {
    all!(is_error: ConfigError);
    #[cfg(feature = "client")]
    {
        use steadfast::client::{
            DialError, InvalidSessionId, NoEndpoints, SendError, SendErrorReason,
        };
        all!(is_error: DialError, InvalidSessionId, NoEndpoints, SendError, SendErrorReason);
    }
    #[cfg(feature = "tungstenite")]
    {
        use steadfast::transport::{
            EndpointsError, HeaderError, ProxyError, QueryNameError, RedirectError, UrlError,
        };
        all!(
            is_error: EndpointsError, HeaderError, ProxyError, QueryNameError, RedirectError,
            UrlError,
        );
    }
    #[cfg(feature = "tls")]
    all!(is_error: steadfast::transport::TlsError);
    #[cfg(feature = "fleet")]
    all!(is_error: steadfast::fleet::FleetError, steadfast::fleet::ReportError);
    #[cfg(feature = "trace")]
    all!(
        is_error: steadfast::trace::TraceError, steadfast::trace::ReplayError,
        steadfast::trace::Difference,
    );
    #[cfg(feature = "testing")]
    all!(
        is_error: steadfast::testing::RunError, steadfast::testing::MemoryError,
        steadfast::testing::laws::Counterexample, steadfast::testing::model::Violation,
        steadfast::testing::harness::DriverFailure,
    );
}

/// C-SERDE, for what is written down.
#[cfg(feature = "serde")]
#[test]
fn what_is_written_down_is_read_back_by_anyone() {
    fn is_kept<T: serde::Serialize + serde::de::DeserializeOwned>() {}
    all!(
        is_kept: Action, Attempt, Backoff, BackoffBuilder, CloseCode, ClosedReason, Command, Config,
        ConfigBuilder, Credentials, Decision, Epoch, Event, Failure, FailureKind, FirstConnect,
        Heartbeat, HeartbeatKind, Instant, Jitter, Network, Next, Nonce, Notice, Outcome, Pace,
        PeerClose, RoundTrip, Seed, Signal, State, Stats, Step, Timeout, Timer, Verdict, Wake,
    );
}

#[test]
fn what_is_listed_can_be_gone_through_by_reference_and_by_value() {
    let mut machine =
        Machine::new(Config::default(), Backoff::default(), Seed::new(1), Instant::ORIGIN);
    let actions = machine.handle(Instant::ORIGIN, Command::Start.into()).actions;
    let mut by_reference = Vec::new();
    for action in &actions {
        by_reference.push(action);
    }
    assert_eq!(by_reference, actions.iter().collect::<Vec<_>>());
    assert_eq!(by_reference, actions.into_iter().collect::<Vec<_>>());
}

#[test]
fn a_close_code_is_a_number_both_ways() {
    assert_eq!(CloseCode::from(1012), CloseCode::SERVICE_RESTART);
    assert_eq!(u16::from(CloseCode::SERVICE_RESTART), 1012);
}

#[test]
fn a_state_says_its_name() {
    let names = [State::Idle, State::Connecting, State::Open, State::Closing, State::Backoff]
        .map(|state| state.to_string());
    assert_eq!(names, ["idle", "connecting", "open", "closing", "backoff"]);
    let reason = ClosedReason::Fatal(FailureKind::Http(404).into());
    assert_eq!(
        State::Closed(reason).to_string(),
        "closed, not retried: upgrade refused with HTTP 404"
    );
}

/// C-OBJECT.
#[test]
fn a_machine_and_a_policy_can_be_objects() {
    let mut policy: Box<dyn Policy> = Box::new(Backoff::fleet());
    let closure = move |attempt: &Attempt| policy.decide(attempt);
    let machine = Machine::new(Config::default(), closure, Seed::new(1), Instant::ORIGIN);
    let mut machine: Box<dyn StateMachine> = Box::new(machine);
    assert_eq!(machine.handle(Instant::ORIGIN, Command::Start.into()).actions.len(), 1);
}
