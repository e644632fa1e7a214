use async_tungstenite::tungstenite::protocol::WebSocketConfig;

/// What a server may make a client hold in memory.
///
/// The answer to the upgrade request is limited in any case, to 128 headers, and to 64 KiB with any
/// interim answers before it; one that is longer fails the dial with
/// [`FailureKind::Handshake`](crate::FailureKind::Handshake). TLS holds one record of 16 KiB, and
/// 64 KiB of a handshake message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest message, in bytes; a longer one closes the connection with 1009. Default
    /// 16 MiB.
    pub max_message_size: usize,
    /// The longest frame, in bytes; a longer one closes the connection with 1009. Default 16 MiB.
    pub max_frame_size: usize,
    /// The read buffer, in bytes, held for as long as the connection is open. Default 16 KiB;
    /// 4 KiB suits a fleet of idle connections.
    pub read_buffer_size: usize,
    /// How much is gathered before it is written, in bytes; beyond it the sink is not ready.
    /// Default 16 KiB.
    pub write_buffer_size: usize,
}

impl Limits {
    pub(super) fn config(&self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(self.read_buffer_size)
            // It panics unless this is below its own limit, which is the largest number.
            .write_buffer_size(self.write_buffer_size.min(usize::MAX - 1))
            .max_message_size(Some(self.max_message_size))
            .max_frame_size(Some(self.max_frame_size))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_size: 16 << 20,
            max_frame_size: 16 << 20,
            read_buffer_size: 16 << 10,
            write_buffer_size: 16 << 10,
        }
    }
}
