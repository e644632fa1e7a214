//! A heartbeat in the application's own words.

use std::{fmt, sync::Arc};

use super::{Message, json_type};
use crate::Nonce;

/// A heartbeat of application messages, for a server that does not support Ping frames, or that is
/// behind something which answers them in its place.
///
/// It is sent where a Ping frame would be: when the machine asks for one
/// ([`Action::Ping`](crate::Action::Ping)), before messages that wait for room, at most one at a time
/// and none once the connection is closing. It counts as no message of the application's: not in
/// [`unflushed`](super::Connection::unflushed), and not in what was accepted.
///
/// A message that is an answer counts as the Pong to the newest heartbeat that was sent, and is not
/// delivered, unless that is [asked for](Self::delivering_answers). Like anything else that comes in
/// it is a sign of life.
///
/// ```
/// use steadfast::client::{HeartbeatMessage, Message};
///
/// // {"type":"ping"}, answered by {"type":"pong"}.
/// let usual = HeartbeatMessage::json();
///
/// // What Phoenix channels say.
/// let phoenix = HeartbeatMessage::new(
///     r#"[null,"0","phoenix","heartbeat",{}]"#,
///     |message| message.as_text().is_some_and(|text| text.contains(r#""phoenix","phx_reply""#)),
/// );
///
/// // With a number in each.
/// let numbered = HeartbeatMessage::json()
///     .with_request(|nonce| Message::text(format!(r#"{{"type":"ping","id":{}}}"#, nonce.get())));
/// ```
#[derive(Clone)]
pub struct HeartbeatMessage {
    request: Arc<dyn Fn(Nonce) -> Message + Send + Sync>,
    is_answer: Arc<dyn Fn(&Message) -> bool + Send + Sync>,
    delivers_answers: bool,
}

impl HeartbeatMessage {
    /// The text `{"type":"ping"}`, answered by a text that is a JSON object (RFC 8259) whose
    /// `"type"` is `"pong"`.
    ///
    /// White space, the order of its members and further ones do not matter. A text is an answer
    /// only if there is no second way to read it: all of it must be JSON, with one member `"type"`
    /// on the outside, that name, its value and the names beside it written without escapes. A text
    /// of more than 1024 bytes, or nested deeper than 32, is none.
    pub fn json() -> Self {
        Self::new(r#"{"type":"ping"}"#, |message| {
            message.as_text().is_some_and(|text| json_type::is_of_type(text, "pong"))
        })
    }

    /// This message, answered by any that `is_answer` says is one. It is asked about each message
    /// that comes in, so it should be quick.
    pub fn new(
        request: impl Into<Message>,
        is_answer: impl Fn(&Message) -> bool + Send + Sync + 'static,
    ) -> Self {
        let request = request.into();
        Self {
            request: Arc::new(move |_| request.clone()),
            is_answer: Arc::new(is_answer),
            delivers_answers: false,
        }
    }

    /// With a message that is made afresh for each heartbeat. The nonce differs from that of the
    /// one before.
    #[must_use]
    pub fn with_request(
        mut self,
        request: impl Fn(Nonce) -> Message + Send + Sync + 'static,
    ) -> Self {
        self.request = Arc::new(request);
        self
    }

    /// With the answers delivered to the application, too.
    #[must_use]
    pub fn delivering_answers(mut self) -> Self {
        self.delivers_answers = true;
        self
    }

    pub(super) fn request(&self, nonce: Nonce) -> Message {
        (self.request)(nonce)
    }

    pub(super) fn is_answer(&self, message: &Message) -> bool {
        (self.is_answer)(message)
    }

    pub(super) fn delivers_answers(&self) -> bool {
        self.delivers_answers
    }
}

/// Neither message nor matcher: the one may be secret, and the other cannot be shown.
impl fmt::Debug for HeartbeatMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeartbeatMessage")
            .field("delivers_answers", &self.delivers_answers)
            .finish_non_exhaustive()
    }
}
