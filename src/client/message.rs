//! What travels: messages for the application, frames for the transport.

use std::{fmt, ops::Deref};

use bytes::Bytes;

use crate::CloseCode;

/// A message, as the application sends and receives it.
///
/// ```
/// use steadfast::client::Message;
///
/// let message = Message::text("hello");
/// assert_eq!(message.as_text(), Some("hello"));
/// assert_eq!(message.len(), 5);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 6455 has two kinds of messages")]
pub enum Message {
    /// Text.
    Text(Text),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// The text, if it is a text message.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The payload, of either kind.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The length of the payload in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Kind and length, never the payload: it may be secret, and it may be long.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Text(_) => "Text",
            Self::Binary(_) => "Binary",
        };
        write!(f, "{kind}({} bytes)", self.len())
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::binary(bytes)
    }
}

// Text is checked once, where it comes in. With tungstenite that has happened when a message
// arrives, so its own type is kept rather than checked again.
#[cfg(feature = "tungstenite")]
type Checked = async_tungstenite::tungstenite::Utf8Bytes;
#[cfg(not(feature = "tungstenite"))]
type Checked = std::sync::Arc<str>;

/// The text of a message: UTF-8, cheap to clone.
///
/// ```
/// use steadfast::client::Text;
///
/// let text = Text::from("hello");
/// assert_eq!(text.to_uppercase(), "HELLO"); // it is a `str`
/// assert_eq!(format!("{text:?}"), "Text(5 bytes)"); // and not shown in logs
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Text(Checked);

impl Text {
    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(feature = "tungstenite")]
    pub(crate) fn from_checked(text: Checked) -> Self {
        Self(text)
    }

    #[cfg(feature = "tungstenite")]
    pub(crate) fn into_checked(self) -> Checked {
        self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Checked::from(text))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Checked::from(text))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.len())
    }
}

/// What a transport carries: messages, the three control frames (RFC 6455 §5.5), and a sign that
/// part of a frame has arrived.
///
/// ```
/// use steadfast::client::{Frame, Message};
///
/// let frame = Frame::Message(Message::text("hello"));
/// assert_eq!(format!("{frame:?}"), "Text(5 bytes)");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 6455 has no other frames without an extension")]
pub enum Frame {
    /// A whole message.
    Message(Message),
    /// A Ping with its payload. The transport answers it.
    Ping(Bytes),
    /// A Pong with its payload.
    Pong(Bytes),
    /// A Close, with a code and a reason if it has them.
    Close(Option<Box<CloseFrame>>),
    /// Part of a frame was received: nothing to read yet, but a sign of life. A transport need not
    /// report it, and is never given one to send.
    Part,
}

impl From<CloseFrame> for Frame {
    fn from(close: CloseFrame) -> Self {
        Self::Close(Some(Box::new(close)))
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => message.fmt(f),
            Self::Ping(payload) => write!(f, "Ping({} bytes)", payload.len()),
            Self::Pong(payload) => write!(f, "Pong({} bytes)", payload.len()),
            Self::Close(close) => f.debug_tuple("Close").field(close).finish(),
            Self::Part => f.write_str("Part"),
        }
    }
}

/// The content of a Close frame (RFC 6455 §5.5.1).
///
/// ```
/// use steadfast::{CloseCode, client::CloseFrame};
///
/// let frame = CloseFrame::new(CloseCode::GOING_AWAY, "back in a minute");
/// assert_eq!(frame.code.to_string(), "1001 (going away)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame {
    /// Why, for programs.
    pub code: CloseCode,
    /// Why, for people; at most 123 bytes.
    pub reason: Text,
}

impl CloseFrame {
    /// How many bytes the reason may have: a control frame's 125, less two for the code.
    pub const MAX_REASON: usize = 123;

    /// A Close frame. A reason that is too long is cut at a character's end.
    pub fn new(code: CloseCode, reason: &str) -> Self {
        let mut end = reason.len().min(Self::MAX_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Self { code, reason: Text::from(&reason[..end]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_payload() {
        let shown = format!("{:?} {:?}", Message::text("secret"), Message::binary(&b"secret"[..]));
        assert_eq!(shown, "Text(6 bytes) Binary(6 bytes)");
    }

    #[test]
    fn a_close_reason_is_cut_at_a_character() {
        let frame = CloseFrame::new(CloseCode::NORMAL, &"é".repeat(100));
        assert_eq!(frame.reason.len(), 122);
    }
}
