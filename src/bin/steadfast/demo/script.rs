//! What the server will do, drawn from a seed.

use std::{collections::VecDeque, time::Duration};

use fastrand::Rng;

/// One act: how a healthy connection ends, and what the next dials meet.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) name: &'static str,
    /// How long the connection is left in peace first.
    pub(crate) after: Duration,
    pub(crate) ending: Ending,
    pub(crate) welcome: Vec<Welcome>,
}

/// How the server ends a healthy connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A Close frame.
    Close(u16, &'static str),
    /// A TCP reset.
    Reset,
    /// It neither reads nor writes any more, and keeps the socket.
    Mute,
}

/// How the server meets a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    /// HTTP 503 with `Retry-After`, in seconds.
    Refuse { retry_after: u32 },
    /// It accepts the upgrade and resets the connection.
    AcceptThenDrop,
    /// It takes the request and does not answer.
    Stall,
}

pub(crate) struct Script {
    acts: VecDeque<Act>,
    welcome: VecDeque<Welcome>,
}

impl Script {
    /// Each kind of trouble once, in an order and at times that depend on the seed alone.
    pub(crate) fn new(seed: u32) -> Self {
        const AWAY: Ending = Ending::Close(1001, "going away");
        let mut rng = Rng::with_seed(seed.into());
        let drops = rng.usize(2..=3);
        let mut acts = [
            ("polite restart", Ending::Close(1012, "rolling restart"), vec![]),
            ("TCP reset", Ending::Reset, vec![]),
            ("half-open", Ending::Mute, vec![]),
            ("refused upgrade", AWAY, vec![Welcome::Refuse { retry_after: 1 }]),
            ("accept then drop", Ending::Reset, vec![Welcome::AcceptThenDrop; drops]),
            ("slow handshake", AWAY, vec![Welcome::Stall]),
        ];
        rng.shuffle(&mut acts);
        let mut act = |(name, ending, welcome)| {
            let after = Duration::from_millis(rng.u64(500..=900));
            Act { name, after, ending, welcome }
        };
        Self { acts: acts.map(&mut act).into(), welcome: VecDeque::new() }
    }

    /// The act that the next healthy connection will see.
    pub(crate) fn next_act(&self) -> Option<&Act> {
        self.acts.front()
    }

    /// Begins that act.
    pub(crate) fn begin(&mut self) -> Option<Act> {
        let act = self.acts.pop_front()?;
        self.welcome.extend(&act.welcome);
        Some(act)
    }

    /// How to meet a dial; `None` is in peace.
    pub(crate) fn welcome(&mut self) -> Option<Welcome> {
        self.welcome.pop_front()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.acts.is_empty() && self.welcome.is_empty()
    }
}
