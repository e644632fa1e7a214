//! The client's side: one dial, and what comes of it.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use async_io::Timer;
use futures::{
    StreamExt,
    executor::block_on,
    future::{Either, select},
};
use steadfast::{
    Config, Credentials, Epoch, Failure, Next,
    client::{Builder, Connection, Dial, DialContext, DialError, Event},
    transport::{
        AsyncIoClock, ByteStream, Conn, Dialer, Tls,
        rustls::{ClientConfig, SupportedProtocolVersion, crypto::ring::default_provider},
    },
};

use crate::server::{AUTHORITY, Identity, authority};

/// A dialer that believes the test authority alone.
pub(crate) fn dialer(url: &str) -> Dialer {
    Dialer::new(url).unwrap().with_tls(Tls::trusting_only(AUTHORITY.as_bytes()).unwrap())
}

/// A configuration of one's own that believes the test authority, and may show who it is.
pub(crate) fn configuration(
    version: &'static SupportedProtocolVersion,
    identity: Option<Identity>,
) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(authority());
    match identity {
        Some(own) => builder.with_client_auth_cert(own.certificates(), own.key()).unwrap(),
        None => builder.with_no_client_auth(),
    }
}

pub(crate) fn dial(mut dialer: Dialer) -> Result<Conn<ByteStream>, DialError> {
    bounded(dialer.dial(DialContext::new(Epoch::new(1), 0, Credentials::Current)))
}

/// Runs a future that must end in time.
pub(crate) fn bounded<T>(future: impl Future<Output = T>) -> T {
    let deadline = Timer::after(Duration::from_secs(20));
    match block_on(select(pin!(future), deadline)) {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => panic!("the test took too long"),
    }
}

pub(crate) fn connection(dialer: Dialer) -> Connection<Dialer, AsyncIoClock> {
    connection_with(dialer, Duration::from_secs(10))
}

pub(crate) fn connection_with(
    dialer: Dialer,
    connect_timeout: Duration,
) -> Connection<Dialer, AsyncIoClock> {
    let config = Config::builder().with_connect_timeout(connect_timeout).with_heartbeat(None);
    Builder::new(dialer, AsyncIoClock::new()).with_config(config.build().unwrap()).build()
}

/// How the first dial fails: for programs, for people, and what follows.
#[track_caller]
pub(crate) fn failure(
    connection: &mut Connection<Dialer, AsyncIoClock>,
) -> (Failure, String, Next) {
    bounded(async {
        while let Some(event) = connection.next().await {
            let text = event.to_string();
            assert!(!text.contains("canary"), "a secret in {text}");
            match event {
                Event::Dialing { .. } => {}
                Event::DialFailed(failed) => return (failed.failure, text, failed.next),
                other => panic!("{other:?}"),
            }
        }
        panic!("no dial has failed")
    })
}

pub(crate) fn retries(next: Next) -> bool {
    matches!(next, Next::Retry { .. })
}
