//! The exit statuses, the same for every command.

use std::process::ExitCode;

/// How a command ends.
///
/// | status | when |
/// |---|---|
/// | 0 | all went well: a clean end by us, the end of the input, or, with `--no-reconnect`, a Close of the peer with 1000 or 1001 |
/// | 1 | it gave up: the limit of retries is reached, or what it needs has failed |
/// | 2 | the arguments or the configuration cannot work |
/// | 3 | the server has refused for good: 401, 403, 404, no subprotocol in common |
/// | 4 | closed by the peer: with a code that is final or, with `--no-reconnect`, with any but 1000 and 1001 |
/// | 5 | the protocol was broken, or TLS has failed for good |
/// | 6 | a trace, replayed, differs |
/// | 130 | interrupted: `SIGINT` |
/// | 143 | terminated: `SIGTERM` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Clean = 0,
    GaveUp = 1,
    Usage = 2,
    Refused = 3,
    ClosedByPeer = 4,
    Protocol = 5,
    Difference = 6,
    Interrupted = 130,
    Terminated = 143,
}

impl Exit {
    /// Of an interruption: which it was.
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::Terminated => "terminated",
            _ => "interrupted",
        }
    }

    pub(crate) const fn status(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
