//! A real socket that is slow, and ready when it is not.

use std::time::Duration;

use futures::executor::block_on;
use steadfast::{
    client::{Dial, DialContext},
    testing::{Faults, Faulty},
    transport::{AsyncIoClock, Dialer},
};

use crate::{conversation::converse, server};

#[test]
fn a_socket_that_is_slow_and_spurious() {
    let (address, server) = server::over_tcp();
    let mut dialer = Dialer::new(&format!("ws://{address}/")).unwrap();
    let (least, most) = (Duration::from_millis(1), Duration::from_millis(9));
    let faults = Faults::none()
        .with_latency_in(least..=most)
        .with_latency_out(least..=most)
        .with_spurious_percent(50);
    let dialer = move |context: DialContext| {
        let (dial, faults) = (dialer.dial(context), faults.clone());
        async { dial.await.map(|conn| Faulty::new(conn, AsyncIoClock::new(), faults)) }
    };
    block_on(converse(dialer, AsyncIoClock::new()));
    server.join().unwrap();
}
