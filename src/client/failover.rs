//! Several endpoints, one after the other.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use pin_project::pin_project;

use super::{Dial, DialContext};
use crate::{
    Credentials, Seed,
    rng::{SplitMix64, spread},
};

/// Dials several endpoints that offer the same, such as a server in each of several regions.
///
/// Each attempt dials one of them, so that each has the whole connect timeout, and the policy
/// counts every failure and waits after it: trying all of them within one attempt would hammer them
/// when all are down, and one that never answers would use up the time of the others. The rules:
///
/// - An endpoint whose dial has failed, or whose connection was lost, goes to the end of the line.
///   So it is not the next, and with k endpoints, k failures in a row are those of k different ones.
/// - When a *stable* connection is lost, the line is put back into its [`EndpointOrder`], except that
///   the lost endpoint goes to the end. Stability shows in the [attempt](DialContext::attempt), which
///   counts from 1 again. A working connection is never given up for a preferred endpoint. A
///   connection lost before it was stable is one more failure in a row: an endpoint that accepts and
///   drops cannot hide the others.
/// - If the first dial after a start succeeds, the next in line follows that connection, however long
///   it was open: nothing was counted before it, so the attempt after it is 1 either way. That makes
///   a difference only if the start came while endpoints were failing; otherwise the line was in
///   order already.
/// - A start after a stop of an open connection also restores the order, with no endpoint moved to
///   the end, as none has failed.
/// - There is one exception: when a server has refused the credentials, the same endpoint is dialed
///   once more with [fresh ones](Credentials::Refresh).
///
/// A permanent failure, such as an answer of 404 or an invalid certificate, ends the client,
/// whichever endpoint it came from. Set a [classifier](crate::Policy::with_classifier) that retries
/// if the others may do better. A `Retry-After` of one endpoint holds for the next dial, whichever
/// that goes to.
///
/// Its errors are those of the dialers, and say which endpoint failed if those do.
///
/// ```
/// # #[cfg(feature = "tungstenite")] {
/// use steadfast::{client::{Builder, Failover, EndpointOrder}, transport::{AsyncIoClock, Dialer}};
///
/// let mut endpoints = Vec::new();
/// for url in ["ws://eu.example.org/feed", "ws://us.example.org/feed"] {
///     endpoints.push(Dialer::new(url)?.with_header("Authorization", "Bearer secret")?);
/// }
/// let dialer = Failover::new(endpoints)?.with_order(EndpointOrder::Shuffled);
/// let connection = Builder::new(dialer, AsyncIoClock::new()).build();
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Failover<D> {
    /// In line: the first is the one in use. Each with its rank.
    endpoints: Vec<(usize, D)>,
    order: EndpointOrder,
    last: Option<Last>,
}

/// In which order endpoints are tried.
///
/// ```
/// use steadfast::client::{EndpointOrder, Failover};
///
/// // One of three that are all alike.
/// let dialers = ["a", "b", "c"];
/// let failover = Failover::new(dialers)?.with_order(EndpointOrder::Shuffled);
/// # Ok::<(), steadfast::client::NoEndpoints>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a list is kept or it is not")]
pub enum EndpointOrder {
    /// As they were given: the first is preferred, and the others stand in for it. The default.
    #[default]
    Listed,
    /// At random, by the [entropy](DialContext::entropy) of the dial, so that many clients spread
    /// evenly over all. The same seed gives the same.
    Shuffled,
}

/// A list of endpoints with nothing in it.
///
/// ```
/// use steadfast::client::{Failover, NoEndpoints};
///
/// let none: [&str; 0] = [];
/// let error: NoEndpoints = Failover::new(none).unwrap_err();
/// assert_eq!(error.to_string(), "there is no endpoint to dial");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no endpoint to dial")]
#[non_exhaustive]
pub struct NoEndpoints;

/// The dial before.
#[derive(Clone)]
struct Last {
    attempt: u32,
    credentials: Credentials,
    opened: Arc<AtomicBool>,
}

impl<D> Failover<D> {
    /// These endpoints, in [the order of the list](EndpointOrder::Listed).
    ///
    /// # Errors
    ///
    /// If there are none.
    pub fn new(endpoints: impl IntoIterator<Item = D>) -> Result<Self, NoEndpoints> {
        let endpoints: Vec<_> = endpoints.into_iter().enumerate().collect();
        if endpoints.is_empty() {
            return Err(NoEndpoints);
        }
        Ok(Self { endpoints, order: EndpointOrder::Listed, last: None })
    }

    /// Sets the order in which they are tried.
    #[must_use]
    pub fn with_order(mut self, order: EndpointOrder) -> Self {
        self.order = order;
        self
    }

    /// Puts the one to dial first. That there is a dial at all means that the one before has
    /// failed, or that its connection is over.
    fn line_up(&mut self, context: &DialContext) {
        let Some(Last { attempt, credentials, opened }) = self.last.take() else {
            return self.arrange(context.entropy);
        };
        let was_open = opened.load(Ordering::Acquire);
        let refreshes = (credentials, context.credentials);
        if refreshes == (Credentials::Current, Credentials::Refresh) {
            // The endpoint was reached, and has asked for it.
        } else if was_open && context.attempt == 0 {
            self.arrange(context.entropy);
        } else if was_open && context.attempt <= attempt {
            // Counting has begun anew, so the connection was stable.
            let (lost, _) = self.endpoints[0];
            self.arrange(context.entropy);
            if let Some(place) = self.endpoints.iter().position(|(rank, _)| *rank == lost) {
                self.endpoints[place..].rotate_left(1);
            }
        } else {
            self.endpoints.rotate_left(1);
        }
    }

    fn arrange(&mut self, entropy: u64) {
        self.endpoints.sort_unstable_by_key(|(rank, _)| *rank);
        if self.order == EndpointOrder::Shuffled {
            // Fisher and Yates: each place takes one of those that are left.
            let mut rng = SplitMix64::new(Seed::new(entropy));
            for place in (1..self.endpoints.len()).rev() {
                let chosen = usize::try_from(spread(0, place as u64, rng.next()));
                self.endpoints.swap(place, chosen.unwrap_or(place));
            }
        }
    }
}

impl<D: Dial> Dial for Failover<D> {
    type Conn = D::Conn;
    type Error = D::Error;
    type Future = FailoverDial<D::Future>;

    fn dial(&mut self, context: DialContext) -> Self::Future {
        self.line_up(&context);
        let DialContext { attempt, credentials, .. } = context;
        let opened = Arc::new(AtomicBool::new(false));
        self.last = Some(Last { attempt, credentials, opened: opened.clone() });
        FailoverDial { dial: self.endpoints[0].1.dial(context), opened }
    }
}

impl<D: fmt::Debug> fmt::Debug for Failover<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut endpoints: Vec<_> = self.endpoints.iter().collect();
        endpoints.sort_unstable_by_key(|(rank, _)| *rank);
        let endpoints: Vec<_> = endpoints.into_iter().map(|(_, dialer)| dialer).collect();
        f.debug_struct("Failover")
            .field("endpoints", &endpoints)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

/// A dial of one of several endpoints.
#[pin_project]
#[derive(Debug)]
pub struct FailoverDial<F> {
    #[pin]
    dial: F,
    opened: Arc<AtomicBool>,
}

impl<F, C, E> Future for FailoverDial<F>
where
    F: Future<Output = Result<C, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let dialed = ready!(this.dial.poll(cx));
        this.opened.store(dialed.is_ok(), Ordering::Release);
        Poll::Ready(dialed)
    }
}
