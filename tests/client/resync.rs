//! Resynchronising before what was kept is sent.

use steadfast::{
    Epoch,
    client::{Event, Release, SendErrorReason},
};

use crate::{
    outbox::{down, send_all, three, wired, words},
    rig::{SECOND, heard},
    wire::Wire,
};

/// The connection that is open now.
fn up(events: &[Event]) -> Epoch {
    let ups = events.iter().filter_map(|event| match event {
        Event::Up(up) => Some(up.epoch),
        _ => None,
    });
    ups.last().expect("an Up")
}

#[test]
fn until_the_application_has_resynchronised_only_what_it_sends_ahead_is_sent() {
    let (handle, mut rig) = down(three().with_release(Release::OnResync));
    send_all(&handle, &["old"]);
    assert_eq!(handle.send_ahead("early").unwrap_err().reason, SendErrorReason::NotOpen);
    let mut peer = rig.listen();
    rig.clock.advance(SECOND);
    let epoch = up(&rig.events());
    assert!(heard(&mut peer).is_empty());
    handle.send_ahead("subscribe").unwrap();
    handle.try_send("new").unwrap();
    rig.told();
    assert_eq!(heard(&mut peer), ["subscribe"]);
    handle.resynchronised(epoch);
    rig.told();
    assert_eq!(heard(&mut peer), ["old", "new"]);
    handle.try_send("later").unwrap();
    rig.told();
    assert_eq!(heard(&mut peer), ["later"]);
}

#[test]
fn a_resynchronisation_that_comes_late_does_not_release_the_next_connection() {
    let (handle, mut rig) = down(three().with_release(Release::OnResync));
    send_all(&handle, &["old"]);
    let peer = rig.listen();
    rig.clock.advance(SECOND);
    let first = up(&rig.events());
    drop(peer);
    rig.told();
    let mut peer = rig.listen();
    rig.clock.advance(2 * SECOND);
    let second = up(&rig.events());
    handle.resynchronised(first);
    rig.told();
    assert!(heard(&mut peer).is_empty());
    handle.resynchronised(second);
    rig.told();
    assert_eq!(heard(&mut peer), ["old"]);
}

#[test]
fn a_new_connection_has_to_be_resynchronised_anew() {
    let (handle, mut rig) = down(three().with_release(Release::OnResync));
    let peer = rig.listen();
    rig.clock.advance(SECOND);
    handle.resynchronised(up(&rig.events()));
    drop(peer);
    rig.told();
    let mut peer = rig.listen();
    rig.clock.advance(2 * SECOND);
    rig.told();
    send_all(&handle, &["a"]);
    rig.told();
    assert!(heard(&mut peer).is_empty());
}

#[test]
fn what_was_sent_ahead_on_a_connection_that_ends_is_given_back_and_not_kept() {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| state.room = 0);
    send_all(&handle, &["kept"]);
    handle.send_ahead("subscribe").unwrap();
    rig.told();
    wire.change(|state| state.ended = true);
    assert_eq!(words(&rig.down().unsent), ["subscribe"]);
    let next = Wire::new();
    rig.accept(next.conn());
    rig.pass(SECOND);
    assert_eq!(next.written(), ["kept"]);
}

#[test]
fn what_is_sent_ahead_overtakes_what_waits_and_has_room_of_its_own() {
    let (handle, mut rig, wire) = wired(three());
    wire.change(|state| state.room = 0);
    send_all(&handle, &["a", "b", "c"]);
    rig.told();
    for word in ["x", "y", "z"] {
        handle.send_ahead(word).unwrap();
    }
    assert_eq!(handle.send_ahead("w").unwrap_err().reason, SendErrorReason::Full);
    wire.change(|state| state.room = 10);
    rig.told();
    assert_eq!(wire.written(), ["x", "y", "z", "a", "b", "c"]);
}
