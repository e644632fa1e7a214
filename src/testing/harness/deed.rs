use std::fmt;

use crate::{Command, Epoch, Failure, client::Frame};

/// What a driver did, as it shows from outside.
///
/// ```
/// use steadfast::testing::harness::{Deed, DriverFailure};
///
/// fn last(failure: &DriverFailure) -> Option<Deed> {
///     failure.deeds.last().map(|(_, deed)| deed.clone())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deed {
    /// It took a command from its stream.
    Took(Command),
    /// It began a dial.
    Dialed(Epoch),
    /// It was given the connection that it dialed.
    Connected(Epoch),
    /// It read a frame.
    Read(Epoch, Frame),
    /// It was told that a dial or a connection has ended; without a failure, by the end of the
    /// stream.
    Ended(Epoch, Option<Failure>),
    /// A frame of its own reached the peer.
    Wrote(Epoch, Frame),
    /// It dropped a dial or a connection.
    Dropped(Epoch),
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Took(command) => write!(f, "took {command:?}"),
            Self::Dialed(epoch) => write!(f, "dialed {epoch}"),
            Self::Connected(epoch) => write!(f, "was given connection {epoch}"),
            Self::Read(epoch, frame) => write!(f, "read {frame:?} from {epoch}"),
            Self::Ended(epoch, Some(failure)) => {
                write!(f, "was told of the end of {epoch}: {failure}")
            }
            Self::Ended(epoch, None) => write!(f, "was told of the end of {epoch}"),
            Self::Wrote(epoch, frame) => write!(f, "wrote {frame:?} to {epoch}"),
            Self::Dropped(epoch) => write!(f, "dropped {epoch}"),
        }
    }
}
