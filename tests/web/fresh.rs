//! A request that is made afresh for each attempt.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use steadfast::{
    ClosedReason, Credentials, FailureKind,
    client::{Dial, DialContext, DialError},
    transport::Dialer,
};

use crate::{
    server::{Server, header},
    watch::{closed, connection, failed, open, retries},
};

/// A service that issues tokens, unless it is down, and keeps the one it has issued last.
#[derive(Clone, Default)]
struct TokenService {
    down: Rc<RefCell<VecDeque<bool>>>,
    issued: Rc<Cell<u32>>,
}

impl TokenService {
    async fn token(&self, credentials: Credentials) -> Result<String, DialError> {
        // As a request to it would, this takes a while.
        futures::pending!();
        if self.down.borrow_mut().pop_front().unwrap_or(false) {
            return Err(DialError::new(FailureKind::Request, "the token service is down"));
        }
        if credentials == Credentials::Refresh || self.issued.get() == 0 {
            self.issued.set(self.issued.get() + 1);
        }
        Ok(format!("Bearer token-{}", self.issued.get()))
    }

    /// Dials with its token, and at another path each time.
    fn dialer(&self, url: &str) -> impl Dial<Error = DialError> + use<> {
        let (service, url) = (self.clone(), url.to_owned());
        move |context: DialContext| {
            let (service, url) = (service.clone(), url.clone());
            async move {
                let mut token = Box::pin(service.token(context.credentials));
                let token = futures::future::poll_fn(|cx| {
                    cx.waker().wake_by_ref();
                    token.as_mut().poll(cx)
                })
                .await?;
                let dialer = Dialer::new(&format!("{url}feed/{}", context.attempt))?;
                dialer.with_header("Authorization", &token)?.dial(context).await
            }
        }
    }
}

/// A server that takes no token but this, and what it was asked for, by which token.
fn server(count: usize, valid: &'static str) -> Server<(String, String)> {
    Server::start(count, move |_, mut peer| {
        let request = peer.request();
        let token = header(&request, "authorization").unwrap_or_default().to_owned();
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let key = header(&request, "sec-websocket-key").unwrap();
        let accept = async_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        if token == valid {
            peer.write(format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            ));
        } else {
            peer.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        }
        (path, token)
    })
}

#[test]
fn a_token_that_cannot_be_had_is_asked_for_again_by_the_same_policy() {
    let service = TokenService::default();
    service.down.borrow_mut().extend([true, true, false]);
    let server = server(1, "Bearer token-1");
    let mut client = connection(service.dialer(&server.url()));
    for _ in 0..2 {
        let (kind, told, next) = failed(&mut client);
        assert_eq!((kind, told.as_str()), (FailureKind::Request, "the token service is down"));
        assert!(retries(next));
    }
    open(&mut client);
    drop(client);
    assert_eq!(server.join_one(), ("/feed/2".to_owned(), "Bearer token-1".to_owned()));
}

#[test]
fn a_token_that_is_refused_is_replaced_by_a_fresh_one() {
    let service = TokenService::default();
    let server = server(2, "Bearer token-2");
    let mut client = connection(service.dialer(&server.url()));
    assert_eq!(failed(&mut client).0, FailureKind::Http(401));
    open(&mut client);
    drop(client);
    let tokens: Vec<_> = server.join().into_iter().map(|(_, token)| token).collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2"]);
}

#[test]
fn a_fresh_token_that_cannot_be_had_is_still_asked_for_afterwards() {
    let service = TokenService::default();
    service.down.borrow_mut().extend([false, true, false]);
    let server = server(2, "Bearer token-2");
    let mut client = connection(service.dialer(&server.url()));
    assert_eq!(failed(&mut client).0, FailureKind::Http(401));
    assert_eq!(failed(&mut client).0, FailureKind::Request);
    open(&mut client);
    drop(client);
    server.join();
}

#[test]
fn a_fresh_token_that_is_refused_as_well_is_the_end() {
    let service = TokenService::default();
    let server = server(2, "none");
    let mut client = connection(service.dialer(&server.url()));
    assert!(retries(failed(&mut client).2));
    assert!(!retries(failed(&mut client).2));
    assert_eq!(closed(&mut client), ClosedReason::Fatal(FailureKind::Http(401).into()));
    drop(client);
    server.join();
}

#[test]
fn a_request_that_can_never_be_sent_is_the_end() {
    type Make = fn() -> Result<Dialer, DialError>;
    let bad_url: Make = || Ok(Dialer::new("http://x/?c4n4ry")?);
    let bad_header: Make = || Ok(Dialer::new("ws://x/")?.with_header("X", "c4n4ry\n")?);
    for make in [bad_url, bad_header] {
        let mut client = connection(move |context| async move { make()?.dial(context).await });
        let (kind, told, next) = failed(&mut client);
        assert_eq!(kind, FailureKind::Misconfigured);
        assert!(!retries(next) && !told.contains("c4n4ry"), "{told}");
    }
}

#[test]
fn each_attempt_has_a_url_headers_and_subprotocols_of_its_own() {
    let server = Server::start(3, |index, mut peer| {
        if index == 2 {
            return peer.upgrade_with("Sec-WebSocket-Protocol: feed.v2\r\n");
        }
        let request = peer.request();
        peer.write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        request
    });
    let url = server.url();
    let mut client = connection(move |context: DialContext| {
        let url = url.clone();
        async move {
            let attempt = context.attempt;
            Dialer::new(&format!("{url}{attempt}"))?
                .with_header("X-Attempt", &attempt.to_string())?
                .with_subprotocol(&format!("feed.v{attempt}"))?
                .dial(context)
                .await
        }
    });
    failed(&mut client);
    failed(&mut client);
    open(&mut client);
    drop(client);
    for (attempt, request) in server.join().iter().enumerate() {
        let attempt = attempt.to_string();
        assert!(request.starts_with(&format!("GET /{attempt} ")), "{request}");
        assert_eq!(header(request, "x-attempt"), Some(attempt.as_str()));
        let offered = header(request, "sec-websocket-protocol").unwrap();
        assert_eq!(offered, format!("feed.v{attempt}"));
    }
}
