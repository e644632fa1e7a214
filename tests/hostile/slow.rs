//! A peer that is slow but there.

use std::{thread, time::Duration};

use steadfast::{Config, Heartbeat, client::Event};

use crate::{
    server::Server,
    watch::{dial, until},
};

#[test]
fn a_frame_that_takes_longer_than_the_heartbeat_allows_is_not_silence() {
    let server = Server::upgraded(|mut peer| {
        let length: u16 = 40_000;
        peer.write([0x82, 126]);
        peer.write(length.to_be_bytes());
        for _ in 0..40 {
            peer.write(vec![7; 1_000]);
            thread::sleep(Duration::from_millis(30));
        }
        peer.drain();
    });
    let heartbeat = Heartbeat::default()
        .with_interval(Duration::from_millis(400))
        .with_pong_timeout(Duration::from_millis(200));
    let config = Config::builder().with_heartbeat(heartbeat).build().unwrap();
    let mut connection = dial(&server.url()).with_config(config).build();
    let events =
        until(&mut connection, |event| matches!(event, Event::Down(_) | Event::Message(_)));
    assert!(
        matches!(events.last(), Some(Event::Message(message)) if message.len() == 40_000),
        "{events:?}"
    );
    drop(connection);
    server.join_one();
}
