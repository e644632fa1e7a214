//! Threads that share a handle: whoever waits is woken, and every message arrives once.
#![cfg(feature = "testing")]

use std::{
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use futures::{FutureExt, StreamExt, executor::block_on};
use steadfast::{
    client::{Builder, DialContext, Frame, Handle, Outbox, Overflow},
    testing::{ManualClock, MemoryError, MemoryPeer, pair},
};

const THREADS: usize = 4;
const MESSAGES: usize = 300;

/// Far longer than all of it takes.
const STUCK: Duration = Duration::from_secs(30);

/// Sends, flushes and gives up sending, all at once.
fn send_all(handle: &Handle, thread: usize) {
    block_on(async {
        for number in 0..MESSAGES {
            handle.send(format!("{thread} {number}")).await.unwrap();
            if number % 7 == 0 {
                // If it is accepted at once it arrives; otherwise it never does.
                let _ = handle.send("perhaps").now_or_never();
            }
            if number % 31 == 0 {
                handle.flush().await.unwrap();
            }
        }
        handle.flush().await.unwrap();
    });
}

/// All that comes, but for what may or may not come.
fn hear_all(mut peer: MemoryPeer) -> Vec<String> {
    let mut heard = Vec::new();
    block_on(async {
        while let Some(frame) = peer.recv().await {
            match frame {
                Frame::Message(message) => heard.push(message.as_text().unwrap().to_owned()),
                Frame::Close(close) => {
                    peer.close(close.map(|close| *close)).await;
                    break;
                }
                _ => {}
            }
        }
    });
    heard.retain(|text| text != "perhaps");
    heard
}

fn converse(capacity: usize, time_to_live: Option<Duration>) {
    let (conn, peer) = pair(2);
    let mut conn = Some(conn);
    let dialer = move |_: DialContext| {
        let conn = conn.take().expect("one dial");
        async { Ok::<_, MemoryError>(conn) }
    };
    let outbox = Outbox::default().with_max_messages(capacity).with_overflow(Overflow::Wait);
    let outbox = outbox.with_time_to_live(time_to_live);
    let connection = Builder::new(dialer, ManualClock::new()).build();
    let (handle, driver) = connection.split_with_outbox(outbox);

    let (done, dones) = channel();
    let driving = thread::spawn(|| block_on(driver.for_each(|_| async {})));
    let hearing = thread::spawn(|| hear_all(peer));
    for thread in 0..THREADS {
        let (handle, done) = (handle.clone(), done.clone());
        thread::spawn(move || {
            send_all(&handle, thread);
            done.send(()).unwrap();
        });
    }
    drop(done);
    for _ in 0..THREADS {
        match dones.recv_timeout(STUCK) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => panic!("nobody wakes one: {:?}", handle.snapshot()),
            Err(RecvTimeoutError::Disconnected) => panic!("one has panicked"),
        }
    }
    handle.stop();
    let heard = hearing.join().unwrap();
    driving.join().unwrap();
    for thread in 0..THREADS {
        let own = format!("{thread} ");
        let numbers = heard.iter().filter_map(|text| text.strip_prefix(&own));
        assert!(numbers.eq((0..MESSAGES).map(|number| number.to_string())), "thread {thread}");
    }
    assert_eq!(heard.len(), THREADS * MESSAGES);
}

#[test]
fn threads_that_send_and_flush_through_one_handle_are_all_woken() {
    for capacity in [1, 2, 3, 7, 64] {
        for time_to_live in [None, Some(Duration::from_secs(1))] {
            converse(capacity, time_to_live);
        }
    }
}
