//! What a driver tells the machine.

use crate::{Epoch, Failure, Nonce, PeerClose};

/// Everything that can happen to a machine.
///
/// ```
/// use steadfast::{Command, Event, Instant, Signal, State};
///
/// # use steadfast::{Backoff, Config, Machine, Seed};
/// # let mut machine = Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// let _ = machine.handle(Instant::ORIGIN, Event::Command(Command::Start));
/// let opened = Event::Transport(machine.epoch(), Signal::Opened);
/// let _ = machine.handle(Instant::from_millis(80), opened);
/// assert_eq!(machine.state(), State::Open);
/// let _ = machine.handle(Instant::from_millis(90), Event::Tick); // harmless: nothing is due
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Event {
    /// The application, or the platform on its behalf, wants something.
    Command(Command),
    /// Something happened to the transport that was dialed for this epoch.
    Transport(Epoch, Signal),
    /// Time has passed. Due at the instant of the last [`Wake`](crate::Wake), harmless at any
    /// other.
    Tick,
}

impl From<Command> for Event {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

/// What the application or the platform wants.
///
/// ```
/// use steadfast::{Command, Event};
///
/// assert_eq!(Event::from(Command::RetryNow), Event::Command(Command::RetryNow));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Command {
    /// Connect, and stay connected. Starting what runs already changes nothing.
    Start,
    /// Close the connection, if there is one, and do not dial again until [`Start`](Self::Start).
    Stop,
    /// Do not wait for the backoff to end: dial now, or as soon as the policy's floor and a
    /// server's `Retry-After` allow.
    RetryNow,
    /// Ping the peer now, for example after the laptop woke up.
    Probe,
    /// The platform says that the network came or went.
    Network(Network),
}

/// Whether the platform reports that there is a network.
///
/// ```
/// use steadfast::{Command, Event, Network};
///
/// // Passes on what the platform reports.
/// fn reachability_changed(is_reachable: bool) -> Event {
///     let network = if is_reachable { Network::Online } else { Network::Offline };
///     Command::Network(network).into()
/// }
/// # assert_eq!(reachability_changed(true), Event::Command(Command::Network(Network::Online)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Network {
    /// There is a network, perhaps a different one than before. Probes an open connection and
    /// shortens a wait.
    Online,
    /// There is no network. Waits are suspended; a connection or dial under way is left to its
    /// own deadlines, because the platform may be wrong.
    Offline,
}

/// What happened to a transport.
///
/// ```
/// use steadfast::{Nonce, Signal};
///
/// // What a transport has read.
/// fn signal(opcode: u8, payload: &[u8]) -> Signal {
///     match (opcode, Nonce::from_payload(payload)) {
///         (0xA, Some(nonce)) => Signal::Pong(nonce),
///         _ => Signal::Received,
///     }
/// }
/// assert_eq!(signal(0xA, &[0, 0, 0, 7]), Signal::Pong(Nonce::new(7)));
/// assert_eq!(signal(0x1, b"hello"), Signal::Received);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Signal {
    /// The upgrade succeeded: messages can flow.
    Opened,
    /// Something was received: any frame, data or control, except a Pong or a Close. Once is enough
    /// for all frames of one instant.
    Received,
    /// A Pong with this payload was received, or the application's own answer to the ping with this
    /// nonce.
    Pong(Nonce),
    /// The peer's Close frame was received.
    CloseReceived(PeerClose),
    /// The driver has stopped reading, because the application does not take what was received.
    /// Until [`ReadResumed`](Self::ReadResumed), silence proves nothing about the peer.
    ReadPaused,
    /// The driver reads again.
    ReadResumed,
    /// The transport is gone: dialing failed, or the connection ended.
    Lost(Failure),
}
