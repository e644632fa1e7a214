//! Frames as tungstenite has them.

use async_tungstenite::tungstenite::{
    Message as Wire,
    protocol::{CloseFrame as WireClose, frame::Frame as WireFrame},
};
use bytes::Bytes;

use crate::{
    CloseCode,
    client::{CloseFrame, Frame, Message, Text},
};

impl From<Wire> for Frame {
    #[inline]
    fn from(message: Wire) -> Self {
        match message {
            Wire::Text(text) => Self::Message(Message::Text(Text::from_checked(text))),
            Wire::Binary(bytes) => Self::Message(Message::Binary(bytes)),
            Wire::Ping(payload) => Self::Ping(payload),
            Wire::Pong(payload) => Self::Pong(payload),
            Wire::Close(close) => Self::Close(read_close(close)),
            Wire::Frame(frame) => read_raw(frame),
        }
    }
}

/// Raw frames are for writing only; tungstenite never reads one.
pub(super) fn read_raw(frame: WireFrame) -> Frame {
    Frame::Ping(frame.into_payload())
}

/// What the peer closed with, or `None` if tungstenite does not know the code. It then says that
/// the peer closed with 1002 and this very text: taken at its word, a code that is merely new, or
/// 1014, would be a protocol error, and final.
#[cold]
#[inline(never)]
pub(super) fn read_close(close: Option<WireClose>) -> Option<Box<CloseFrame>> {
    let close = close?;
    let code = CloseCode::new(close.code.into());
    let unknown =
        code == CloseCode::PROTOCOL_ERROR && close.reason.as_str() == "Protocol violation";
    (!unknown).then(|| Box::new(CloseFrame::new(code, close.reason.as_str())))
}

/// [`Frame::Part`], which is never to be sent, becomes a Pong that nobody asked for and nobody
/// answers (RFC 6455 §5.5.3).
impl From<Frame> for Wire {
    #[inline]
    fn from(frame: Frame) -> Self {
        match frame {
            Frame::Message(Message::Text(text)) => Self::Text(text.into_checked()),
            Frame::Message(Message::Binary(bytes)) => Self::Binary(bytes),
            control => write_control(control),
        }
    }
}

#[cold]
#[inline(never)]
fn write_control(frame: Frame) -> Wire {
    match frame {
        Frame::Message(message) => Frame::Message(message).into(),
        Frame::Ping(payload) => Wire::Ping(payload),
        Frame::Pong(payload) => Wire::Pong(payload),
        Frame::Close(close) => Wire::Close(close.map(|close| WireClose {
            code: close.code.get().into(),
            reason: close.reason.into_checked(),
        })),
        Frame::Part => Wire::Pong(Bytes::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_is_read() {
        let close = CloseFrame::new(CloseCode::GOING_AWAY, "bye");
        let (text, bytes) = (Message::text("grüß dich"), Message::binary(&b"\0\x9f"[..]));
        for frame in [
            Frame::Message(text),
            Frame::Message(bytes),
            Frame::Ping("?".into()),
            Frame::Pong("!".into()),
            Frame::Close(Some(Box::new(close))),
            Frame::Close(None),
        ] {
            assert_eq!(Frame::from(Wire::from(frame.clone())), frame);
        }
    }

    #[test]
    fn part_of_a_frame_says_no_more_than_a_pong_when_it_is_sent() {
        assert_eq!(Wire::from(Frame::Part), Wire::Pong(Bytes::new()));
    }
}
