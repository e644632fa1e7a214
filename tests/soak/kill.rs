//! What the server does to its clients.

use std::time::Duration;

use fastrand::Rng;

/// What it does with a dial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Welcome {
    Accept,
    /// 503 in place of the upgrade.
    Refuse,
    Reset,
    /// Nothing, for longer than a client waits.
    Stall,
}

impl Welcome {
    pub(crate) fn draw(rng: &mut Rng, is_stormy: bool) -> Self {
        match rng.u32(..100) {
            _ if !is_stormy => Self::Accept,
            0..5 => Self::Refuse,
            5..8 => Self::Reset,
            8..10 => Self::Stall,
            _ => Self::Accept,
        }
    }
}

/// What it does to a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kill {
    /// A TCP reset.
    Reset,
    /// The end of the stream, without a Close frame.
    End,
    /// A Close frame with this code and reason.
    Close(u16, &'static str),
    /// It reads nothing for so long.
    Mute(Duration),
    /// The same, and then a reset: what it was sent meanwhile may not even have left the client.
    MuteAndReset(Duration),
    /// It reads nothing until the client comes back.
    HalfOpen,
}

impl Kill {
    pub(crate) fn draw(rng: &mut Rng, is_stormy: bool) -> Option<Self> {
        let mute = Duration::from_millis(rng.u64(200..900));
        match rng.u32(..100) {
            _ if !is_stormy => None,
            0..20 => Some(Self::Reset),
            20..35 => Some(Self::End),
            35..40 => Some(Self::Close(1012, "restart")),
            40..45 => Some(Self::Close(1012, "retry-after=1")),
            45..50 => Some(Self::Close(1001, "")),
            50..55 => Some(Self::Close(4000, "application")),
            55..65 => Some(Self::Mute(mute)),
            65..85 => Some(Self::MuteAndReset(mute)),
            _ => Some(Self::HalfOpen),
        }
    }
}
