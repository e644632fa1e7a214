//! One of the URLs: a dialer that says which it is, and whose refusals are final if they are.

use std::{cell::Cell, error::Error, future::Future, pin::Pin, rc::Rc};

use steadfast::{
    FailureKind,
    client::{Dial, DialContext, DialError},
    transport::{
        ByteStream, Conn, Dialer,
        tungstenite::{self, error::ProtocolError},
    },
};

pub(super) struct Endpoint {
    dialer: Dialer,
    index: usize,
    /// The index of the one that was dialed last.
    current: Rc<Cell<usize>>,
}

impl Endpoint {
    /// One for each of `dialers`, and where the index of the one in use is kept.
    pub(super) fn all(dialers: Vec<Dialer>) -> (Vec<Self>, Rc<Cell<usize>>) {
        let current = Rc::new(Cell::new(0));
        let endpoint = |(index, dialer)| Self { dialer, index, current: current.clone() };
        (dialers.into_iter().enumerate().map(endpoint).collect(), current)
    }
}

impl Dial for Endpoint {
    type Conn = Conn<ByteStream>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Conn, DialError>>>>;

    fn dial(&mut self, context: DialContext) -> Self::Future {
        self.current.set(self.index);
        let dial = self.dialer.dial(context);
        Box::pin(async move {
            dial.await.map_err(|error| match is_about_subprotocols(&error) {
                // The person who gave the names is there to be told.
                true => {
                    DialError::new(FailureKind::Misconfigured, error.to_string()).with_source(error)
                }
                false => error,
            })
        })
    }
}

/// Whether the server and we have no subprotocol in common.
pub(super) fn is_about_subprotocols(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(|error| {
        matches!(
            error.downcast_ref(),
            Some(tungstenite::Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)))
        )
    })
}
