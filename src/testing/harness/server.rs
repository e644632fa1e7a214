//! How a server treats a client: drawn afresh for each dial.

use std::time::Duration;

use bytes::Bytes;

use super::dice::Dice;
use crate::{
    CloseCode, Config, Failure, FailureKind,
    client::{CloseFrame, Frame, Message},
};

const NANO: Duration = Duration::from_nanos(1);

/// How one dial, and the connection it becomes, is treated.
#[derive(Clone, Debug)]
pub(super) struct Nature {
    /// What becomes of the dial, and after how long; `None` never answers.
    pub(super) dial: Option<(Duration, Result<(), Failure>)>,
    /// How long an answer to a Ping takes; `None` never answers.
    pub(super) pong_after: Option<Duration>,
    /// How long the answer to a Close takes; `None` never answers.
    pub(super) close_after: Option<Duration>,
    /// Whether the connection ends with that answer, or is left to hang.
    pub(super) ends_after_close: bool,
    /// What it sends, each so long after the one before.
    pub(super) chat: Vec<(Duration, Frame)>,
    /// How it ends, so long after it opened.
    pub(super) fate: Option<(Duration, Fate)>,
    /// For how long it takes nothing, from so long after it opened.
    pub(super) stall: Option<(Duration, Duration)>,
}

/// How a server ends a connection.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It closes, as the protocol wants.
    Closes(Option<CloseCode>),
    /// The connection breaks.
    Breaks(Failure),
    /// The stream ends without a word.
    Ends,
    /// Nothing comes any more, and nothing arrives: half-open.
    FallsSilent,
}

impl Nature {
    /// One that does all as it should, at once.
    pub(super) fn kind() -> Self {
        let now = Duration::ZERO;
        Self {
            dial: Some((now, Ok(()))),
            pong_after: Some(now),
            close_after: Some(now),
            ends_after_close: true,
            chat: Vec::new(),
            fate: None,
            stall: None,
        }
    }

    pub(super) fn draw(dice: &mut Dice, config: &Config) -> Self {
        let pong_timeout = config.pong_timeout.duration();
        let close_timeout = config.close_timeout.duration();
        let pong_after = [
            Some(Duration::ZERO),
            Some(dice.millis(500)),
            // At the same instant as the deadline, and just after it.
            Some(pong_timeout),
            Some(pong_timeout + NANO),
            None,
        ];
        let close_after = [
            Some(Duration::ZERO),
            Some(dice.millis(1_000)),
            Some(close_timeout),
            Some(close_timeout + NANO),
            None,
        ];
        Self {
            dial: Self::draw_dial(dice, config.connect_timeout.duration()),
            pong_after: dice.pick(&pong_after),
            close_after: dice.pick(&close_after),
            ends_after_close: dice.percent(70),
            chat: Self::draw_chat(dice),
            fate: dice.percent(70).then(|| (dice.millis(20_000), Self::draw_fate(dice))),
            stall: dice.percent(15).then(|| (dice.millis(10_000), dice.millis(10_000))),
        }
    }

    fn draw_dial(dice: &mut Dice, timeout: Duration) -> Option<(Duration, Result<(), Failure>)> {
        let after = [Duration::ZERO, dice.millis(900), timeout - NANO, timeout, timeout + NANO];
        let after = if dice.percent(70) { after[0] } else { dice.pick(&after) };
        let busy = Failure::from(FailureKind::Http(503)).with_retry_after(dice.millis(4_000));
        let refused = [
            FailureKind::Refused.into(),
            FailureKind::Reset.into(),
            FailureKind::Http(401).into(),
            FailureKind::Http(404).into(),
            busy,
        ];
        match dice.up_to(9) {
            0 => None,
            1..=3 => Some((after, Err(dice.pick(&refused)))),
            _ => Some((after, Ok(()))),
        }
    }

    fn draw_chat(dice: &mut Dice) -> Vec<(Duration, Frame)> {
        let frames = dice.up_to(6);
        (0..frames)
            .map(|_| {
                let frame = match dice.up_to(7) {
                    0 => Frame::Ping(Bytes::from_static(b"there?")),
                    1 => Frame::Pong(Bytes::from_static(b"unasked")),
                    2 => Frame::Part,
                    _ => Frame::Message(Message::text("news")),
                };
                (dice.millis(3_000), frame)
            })
            .collect()
    }

    fn draw_fate(dice: &mut Dice) -> Fate {
        let codes = [1000, 1001, 1012, 1011, 4000, 4401, 1002].map(CloseCode::new);
        match dice.up_to(9) {
            0..=3 => Fate::Closes(dice.percent(90).then(|| dice.pick(&codes))),
            4..=6 => Fate::Breaks(FailureKind::Reset.into()),
            7 => Fate::Ends,
            _ => Fate::FallsSilent,
        }
    }
}

/// A Close frame with this code.
pub(super) fn close_frame(code: Option<CloseCode>) -> Frame {
    code.map_or(Frame::Close(None), |code| CloseFrame::new(code, "").into())
}
