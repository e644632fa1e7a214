//! No bytes at all.

use futures::{
    StreamExt,
    channel::mpsc,
    executor::block_on,
    future::{join, ready},
};
use steadfast::{
    CloseCode,
    client::{CloseFrame, DialContext},
    testing::{MemoryError, MemoryPeer, pair},
    transport::AsyncIoClock,
};

use crate::conversation::{RESTART, converse};

#[test]
fn a_pair_in_memory() {
    let (to_server, peers) = mpsc::unbounded::<MemoryPeer>();
    let dialer = move |_: DialContext| {
        let (conn, peer) = pair(16);
        to_server.unbounded_send(peer).unwrap();
        ready(Ok::<_, MemoryError>(conn))
    };
    let server = peers.for_each(|mut peer| async move {
        while let Some(message) = peer.recv_message().await {
            match message.as_text() {
                Some(RESTART) => {
                    let close = CloseFrame::new(CloseCode::SERVICE_RESTART, "back soon");
                    return peer.close(Some(close)).await;
                }
                _ => assert!(peer.send_message(message).await),
            }
        }
    });
    block_on(join(converse(dialer, AsyncIoClock::new()), server));
}
