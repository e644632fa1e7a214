//! What tungstenite's errors mean to the policy. The same error means one thing while the upgrade
//! is under way and another on an open connection.

use std::io;

use async_tungstenite::tungstenite::{
    self,
    error::{CapacityError, ProtocolError},
};

use super::{UrlError, refusal};
use crate::{
    CloseCode, Failure, FailureKind,
    client::{DialError, TransportError},
};

/// A header that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name is not a token (RFC 9110 §5.1).
    #[error("not a header name: {name:?}")]
    InvalidName {
        /// The name.
        name: String,
    },
    /// The value has characters that no header may have, such as a line break. It is not shown:
    /// it may be secret.
    #[error("the value of header {name:?} has characters that no header may have")]
    InvalidValue {
        /// The name.
        name: String,
    },
    /// The header belongs to the handshake itself.
    #[error("header {name:?} belongs to the WebSocket handshake and cannot be set")]
    Reserved {
        /// The name.
        name: String,
    },
    /// The user name has a colon or a control character (RFC 7617 §2). It is not shown.
    #[error("a user name must not have a colon or a control character")]
    InvalidUser,
    /// The password has a control character (RFC 7617 §2). It is not shown.
    #[error("a password must not have a control character")]
    InvalidPassword,
    /// The subprotocol is not a token (RFC 6455 §4.1). It is not shown: it may be secret.
    #[error("a subprotocol has characters that none may have")]
    InvalidSubprotocol,
}

/// The meaning of an error of the byte stream, which may be one of TLS.
pub(super) fn io_failure(error: &io::Error) -> Failure {
    #[cfg(feature = "tls")]
    if let Some(kind) = super::secure::tls_failure(error) {
        return kind.into();
    }
    error.failure()
}

/// The meaning of an error on an open connection.
fn connection_failure(error: &tungstenite::Error) -> Failure {
    use tungstenite::Error;
    match error {
        Error::Io(error) => return io_failure(error),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
        ) => FailureKind::Closed(CloseCode::ABNORMAL),
        Error::Capacity(_) => FailureKind::Violation(CloseCode::MESSAGE_TOO_BIG),
        Error::Utf8(_) => FailureKind::Violation(CloseCode::INVALID_PAYLOAD),
        Error::Protocol(_) => FailureKind::Violation(CloseCode::PROTOCOL_ERROR),
        Error::Tls(_) => FailureKind::Tls,
        _ => FailureKind::Io,
    }
    .into()
}

/// The meaning of an error during the upgrade.
fn handshake_failure(error: &tungstenite::Error) -> Failure {
    use tungstenite::Error;
    match error {
        Error::Io(error) => return io_failure(error),
        Error::Http(response) => return refusal::failure(response.status(), response.headers()),
        // The server may just have been stopped; a failed handshake proper has said something.
        Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            FailureKind::Closed(CloseCode::ABNORMAL)
        }
        Error::Tls(_) => FailureKind::Tls,
        // A version or a status that is wrong may be the answer's: HTTP/1.0 is what some gateways
        // refuse with.
        Error::Url(_)
        | Error::Protocol(ProtocolError::InvalidHeader(_) | ProtocolError::WrongHttpMethod) => {
            FailureKind::Misconfigured
        }
        _ => FailureKind::Handshake,
    }
    .into()
}

/// Whether only an upgrade fails like this.
fn is_of_the_upgrade(error: &tungstenite::Error) -> bool {
    use tungstenite::Error;
    matches!(
        error,
        Error::Http(_)
            | Error::HttpFormat(_)
            | Error::Url(_)
            | Error::AttackAttempt
            | Error::Capacity(CapacityError::TooManyHeaders)
            | Error::Protocol(
                ProtocolError::WrongHttpMethod
                    | ProtocolError::WrongHttpVersion
                    | ProtocolError::MissingConnectionUpgradeHeader
                    | ProtocolError::MissingUpgradeWebSocketHeader
                    | ProtocolError::MissingSecWebSocketVersionHeader
                    | ProtocolError::MissingSecWebSocketKey
                    | ProtocolError::InvalidSecWebSocketKey
                    | ProtocolError::SecWebSocketAcceptKeyMismatch
                    | ProtocolError::SecWebSocketSubProtocolError(_)
                    | ProtocolError::JunkAfterRequest
                    | ProtocolError::CustomResponseSuccessful
                    | ProtocolError::InvalidHeader(_)
                    | ProtocolError::HandshakeIncomplete
                    | ProtocolError::HttparseError(_),
            )
    )
}

/// Of an open connection, or of an upgrade. A dialer does better to convert it to a [`DialError`]
/// with `?`: the `Debug` of this one shows the headers of a refusal.
impl TransportError for tungstenite::Error {
    fn failure(&self) -> Failure {
        if is_of_the_upgrade(self) { handshake_failure(self) } else { connection_failure(self) }
    }
}

impl From<tungstenite::Error> for DialError {
    fn from(error: tungstenite::Error) -> Self {
        let failure = handshake_failure(&error);
        let told = Self::new(failure, "WebSocket upgrade failed");
        match error {
            tungstenite::Error::Http(_) => told,
            error => told.with_source(error),
        }
    }
}

/// For a dialer that makes its own request each time: what cannot be dialed never can.
impl From<UrlError> for DialError {
    fn from(error: UrlError) -> Self {
        Self::new(FailureKind::Misconfigured, error.to_string())
    }
}

/// For a dialer that makes its own request each time: what cannot be sent never can.
impl From<HeaderError> for DialError {
    fn from(error: HeaderError) -> Self {
        Self::new(FailureKind::Misconfigured, error.to_string())
    }
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        Self::new(io_failure(&error), "connecting failed").with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_tungstenite::tungstenite::handshake::client::Response;
    use http::header::RETRY_AFTER;

    use super::*;

    #[test]
    fn the_same_error_means_one_thing_before_the_upgrade_and_another_after() {
        let error = tungstenite::Error::Protocol(ProtocolError::InvalidCloseSequence);
        assert_eq!(handshake_failure(&error).kind(), FailureKind::Handshake);
        let violation = FailureKind::Violation(CloseCode::PROTOCOL_ERROR);
        assert_eq!(error.failure().kind(), violation);
    }

    #[test]
    fn an_error_that_only_an_upgrade_has_means_the_same_without_being_told_so() {
        let mut refused = Response::new(None);
        *refused.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        refused.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("7"));
        let refused = tungstenite::Error::Http(Box::new(refused));
        let unavailable = Failure::from(FailureKind::Http(503));
        assert_eq!(refused.failure(), unavailable.with_retry_after(Duration::from_secs(7)));
        for error in [
            ProtocolError::HandshakeIncomplete,
            ProtocolError::SecWebSocketAcceptKeyMismatch,
            ProtocolError::WrongHttpVersion,
        ] {
            let error = tungstenite::Error::Protocol(error);
            assert_eq!(error.failure(), handshake_failure(&error));
        }
    }
}
