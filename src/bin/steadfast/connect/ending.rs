//! Why it ends, and what that means as an exit status.

use std::{error::Error, fmt, io, iter};

use steadfast::{CloseCode, ClosedReason, Failure, FailureKind, client::SharedError};

use super::input::InputError;
use crate::exit::Exit;

/// Why it ends.
#[derive(Debug)]
pub(super) enum Ending {
    /// Stdin is at its end, and all of it has been sent.
    EndOfInput,
    /// As many messages have come in as were asked for.
    Received(u64),
    /// Nobody reads what is written any more.
    OutputClosed,
    OutputFailed(io::Error),
    InputFailed(InputError),
    /// As many messages are kept as may be, and there is one more.
    Full,
    /// `SIGINT`.
    Interrupted,
    /// `SIGTERM`.
    Terminated,
    /// The connection is over, and we did not ask for it.
    Over(Over),
}

/// The last failure, after which nothing is tried again.
#[derive(Clone, Debug)]
pub(crate) struct Over {
    pub(crate) failure: Failure,
    pub(crate) error: Option<SharedError>,
    /// What was dialed, if it is a dial that has failed.
    pub(crate) url: Option<String>,
    /// The text of the peer's Close.
    pub(crate) close_reason: Option<String>,
    /// What ended it.
    pub(crate) rule: Rule,
    /// How many retries there were.
    pub(crate) retries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// There is a limit of retries, or of time.
    Limit,
    /// There is none at all.
    NoReconnect,
    /// Another attempt would change nothing.
    Final,
}

impl Over {
    pub(crate) fn rule(reason: ClosedReason, no_reconnect: bool) -> Option<(Failure, Rule)> {
        match reason {
            ClosedReason::Fatal(failure) => Some((failure, Rule::Final)),
            ClosedReason::GaveUp(failure) if no_reconnect => Some((failure, Rule::NoReconnect)),
            ClosedReason::GaveUp(failure) => Some((failure, Rule::Limit)),
            _ => None,
        }
    }

    /// Of the Close that ended it, if there was one.
    pub(crate) fn close_code(&self) -> Option<u16> {
        match self.failure.kind() {
            FailureKind::Closed(code) | FailureKind::Violation(code) => Some(code.get()),
            _ => None,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        let is_final = self.rule == Rule::Final;
        match (self.failure.kind(), self.rule) {
            // Whatever the limit is.
            (FailureKind::Http(401 | 403 | 404 | 407) | FailureKind::Subprotocol, _) => {
                Exit::Refused
            }
            (_, Rule::Limit) => Exit::GaveUp,
            (FailureKind::Closed(CloseCode::NORMAL | CloseCode::GOING_AWAY), _) => Exit::Clean,
            // There was no Close: the link was lost.
            (FailureKind::Closed(CloseCode::ABNORMAL), _) => Exit::GaveUp,
            (FailureKind::Closed(_), _) => Exit::ClosedByPeer,
            (FailureKind::Http(_), _) if is_final => Exit::Refused,
            (
                FailureKind::Violation(_)
                | FailureKind::Handshake
                | FailureKind::Certificate
                | FailureKind::Tls
                | FailureKind::Misconfigured,
                _,
            ) => Exit::Protocol,
            _ => Exit::GaveUp,
        }
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.rule, self.retries) {
            (Rule::Limit, 0) => f.write_str("gave up: ")?,
            (Rule::Limit, 1) => f.write_str("gave up after 1 retry: ")?,
            (Rule::Limit, retries) => write!(f, "gave up after {retries} retries: ")?,
            (Rule::NoReconnect | Rule::Final, _) => {}
        }
        let cause = cause(self.failure, self.error.as_ref());
        f.write_str(&cause)?;
        // Only a transport names it, and not every failure is the transport's.
        if let Some(url) = self.url.as_deref().filter(|url| !cause.contains(*url)) {
            write!(f, ": {url}")?;
        }
        match self.close_reason.as_deref() {
            None | Some("") => Ok(()),
            Some(reason) => write!(f, " {reason:?}"),
        }
    }
}

impl Ending {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::EndOfInput | Self::Received(_) | Self::OutputClosed => Exit::Clean,
            Self::OutputFailed(_) | Self::Full => Exit::GaveUp,
            Self::InputFailed(_) => Exit::Usage,
            Self::Interrupted => Exit::Interrupted,
            Self::Terminated => Exit::Terminated,
            Self::Over(over) => over.exit(),
        }
    }

    pub(super) fn http_status(&self) -> Option<u16> {
        match self {
            Self::Over(Over { failure, .. }) => match failure.kind() {
                FailureKind::Http(status) => Some(status),
                _ => None,
            },
            _ => None,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfInput => f.write_str("end of input"),
            Self::Received(1) => f.write_str("received 1 message"),
            Self::Received(count) => write!(f, "received {count} messages"),
            Self::OutputClosed => f.write_str("nobody reads stdout any more"),
            Self::OutputFailed(error) => write!(f, "stdout cannot be written: {error}"),
            Self::InputFailed(error) => error.fmt(f),
            Self::Full => f.write_str("the buffer is full (--when-full fail)"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Terminated => f.write_str("terminated"),
            Self::Over(over) => over.fmt(f),
        }
    }
}

/// A failure, and what the errors below it say more.
pub(super) fn cause(failure: Failure, error: Option<&SharedError>) -> String {
    let mut text = failure.to_string();
    let first = error.map(|error| &**error as &(dyn Error + 'static));
    for error in iter::successors(first, |&error| error.source()) {
        let told = error.to_string();
        // Libraries like to repeat their source's text in their own.
        if !text.contains(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(kind: FailureKind, rule: Rule) -> Exit {
        let failure = kind.into();
        let over = Over { failure, error: None, url: None, close_reason: None, rule, retries: 0 };
        Ending::Over(over).exit()
    }

    #[test]
    fn each_failure_has_the_exit_status_of_the_table() {
        use FailureKind::{
            Certificate, Closed, Handshake, Http, Refused, Reset, Subprotocol, Tls, Violation,
        };
        let closed = |code| Closed(CloseCode::new(code));
        for (kind, alone, is_final) in [
            (closed(1000), Exit::Clean, Exit::Clean),
            (closed(1001), Exit::Clean, Exit::Clean),
            (closed(1005), Exit::ClosedByPeer, Exit::ClosedByPeer),
            (closed(1006), Exit::GaveUp, Exit::GaveUp),
            (closed(1008), Exit::ClosedByPeer, Exit::ClosedByPeer),
            (closed(4401), Exit::ClosedByPeer, Exit::ClosedByPeer),
            (Http(401), Exit::Refused, Exit::Refused),
            (Http(404), Exit::Refused, Exit::Refused),
            (Http(301), Exit::GaveUp, Exit::Refused),
            (Http(503), Exit::GaveUp, Exit::Refused),
            (Subprotocol, Exit::Refused, Exit::Refused),
            (Handshake, Exit::Protocol, Exit::Protocol),
            (Violation(CloseCode::PROTOCOL_ERROR), Exit::Protocol, Exit::Protocol),
            (Certificate, Exit::Protocol, Exit::Protocol),
            (Tls, Exit::Protocol, Exit::Protocol),
            (Refused, Exit::GaveUp, Exit::GaveUp),
            (Reset, Exit::GaveUp, Exit::GaveUp),
        ] {
            assert_eq!(exit(kind, Rule::NoReconnect), alone, "{kind:?}");
            assert_eq!(exit(kind, Rule::Final), is_final, "{kind:?}");
            let limited = if alone == Exit::Refused { alone } else { Exit::GaveUp };
            assert_eq!(exit(kind, Rule::Limit), limited, "{kind:?}");
        }
    }
}
