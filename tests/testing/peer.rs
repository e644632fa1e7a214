//! The server's end of a connection in memory, with a client that does not read.

use futures::{FutureExt, SinkExt, StreamExt, future::ready};
use steadfast::{
    client::{Frame, Message},
    testing::{MemoryConn, MemoryPeer, pair},
};

fn say(conn: &mut MemoryConn, frame: Frame) {
    assert_eq!(conn.send(frame).now_or_never(), Some(Ok(())));
}

fn read(conn: &mut MemoryConn) -> Option<Frame> {
    conn.next().now_or_never().flatten().map(|frame| frame.unwrap())
}

/// Lets the peer fill all the room that there is. Answers how many frames that took.
fn fill(peer: &mut MemoryPeer) -> usize {
    (0..100).take_while(|_| peer.send_message("full").now_or_never() == Some(true)).count()
}

fn wait(peer: &mut MemoryPeer) -> bool {
    peer.wait(ready(())).now_or_never().unwrap()
}

#[test]
fn answers_that_find_no_room_are_sent_when_there_is_some() {
    let (mut conn, mut peer) = pair(1);
    let filled = fill(&mut peer);
    say(&mut conn, Frame::Ping("?".into()));
    say(&mut conn, Frame::Close(None));
    assert!(wait(&mut peer));
    assert!(wait(&mut peer), "the Ping has not been answered yet, so the Close is not read");
    for _ in 0..filled {
        assert_eq!(read(&mut conn), Some(Frame::Message("full".into())));
    }
    assert!(!wait(&mut peer), "the client has closed");
    assert_eq!(read(&mut conn), Some(Frame::Pong("?".into())));
    assert_eq!(read(&mut conn), Some(Frame::Close(None)));
}

#[test]
fn an_echo_that_is_cut_off_loses_no_message() {
    let (mut conn, mut peer) = pair(1);
    let filled = fill(&mut peer);
    for text in ["one", "two"] {
        say(&mut conn, Frame::Message(text.into()));
    }
    assert_eq!(peer.echo(ready(())).now_or_never(), Some(true));
    for _ in 0..filled {
        assert_eq!(read(&mut conn), Some(Frame::Message("full".into())));
    }
    assert_eq!(peer.recv_message().now_or_never(), Some(Some(Message::text("two"))));
    assert_eq!(read(&mut conn), Some(Frame::Message("one".into())));
}

#[test]
fn a_close_that_was_read_before_is_answered_and_not_waited_for() {
    for look in [false, true] {
        let (mut conn, mut peer) = pair(1);
        say(&mut conn, Frame::Close(None));
        let close = if look { peer.try_recv() } else { peer.recv().now_or_never().unwrap() };
        assert_eq!(close, Some(Frame::Close(None)));
        assert_eq!(peer.close(None).now_or_never(), Some(()));
        assert_eq!(read(&mut conn), Some(Frame::Close(None)));
        assert_eq!(conn.next().now_or_never(), Some(None));
    }
}

#[test]
fn nothing_is_sent_after_the_answer_to_a_close() {
    let (mut conn, mut peer) = pair(1);
    let filled = fill(&mut peer);
    say(&mut conn, Frame::Close(None));
    assert!(wait(&mut peer), "its answer finds no room");
    for _ in 0..filled {
        assert_eq!(read(&mut conn), Some(Frame::Message("full".into())));
    }
    assert_eq!(peer.send_message("too late").now_or_never(), Some(false));
    assert_eq!(peer.recv_message().now_or_never(), Some(None));
    assert_eq!(peer.close(None).now_or_never(), Some(()));
    assert_eq!(read(&mut conn), Some(Frame::Close(None)));
    assert_eq!(conn.next().now_or_never(), Some(None));
}
