//! Who a client is, and what a dial and an open connection are told of it.

use std::{cell::RefCell, collections::HashSet, future::pending, rc::Rc};

use futures::{FutureExt, StreamExt};
use steadfast::{
    FailureKind, Seed,
    client::{Builder, DialContext, DialError, Event, SessionId, Up},
    testing::{ManualClock, MemoryConn},
};

use crate::rig::{Rig, SECOND};

/// What the first dial of a client with these is told.
fn first_dial(seed: impl Into<Option<u64>>, session: Option<SessionId>) -> DialContext {
    let told = Rc::new(RefCell::new(None));
    let tell = told.clone();
    let dialer = move |context: DialContext| {
        *tell.borrow_mut() = Some(context);
        pending::<Result<MemoryConn, DialError>>()
    };
    let mut builder = Builder::new(dialer, ManualClock::new());
    if let Some(seed) = seed.into() {
        builder = builder.with_seed(Seed::new(seed));
    }
    if let Some(session) = session {
        builder = builder.with_session(session);
    }
    assert!(builder.build().next().now_or_never().is_some());
    told.take().expect("dialed")
}

#[test]
fn each_dial_is_told_the_same_session_and_another_epoch_and_entropy() {
    let mut rig: Rig = Rig::new();
    for _ in 0..3 {
        rig.refuse(FailureKind::Refused);
        rig.told();
        rig.clock.advance(60 * SECOND);
        rig.told();
    }
    let dials = rig.dials.borrow();
    let sessions: HashSet<_> = dials.contexts.iter().map(|context| context.session).collect();
    assert_eq!(sessions, HashSet::from([rig.it.session()]));
    let own: HashSet<_> = dials.contexts.iter().map(|it| (it.epoch, it.entropy)).collect();
    assert!(own.len() == dials.contexts.len() && own.len() >= 3, "{:?}", dials.contexts);
    let entropies: HashSet<_> = dials.contexts.iter().map(|it| it.entropy).collect();
    assert_eq!(entropies.len(), own.len());
}

#[test]
fn a_session_that_is_supplied_is_kept_and_others_differ() {
    let supplied = SessionId::new(7);
    assert_eq!(first_dial(1, Some(supplied)).session, supplied);
    assert_ne!(first_dial(None, None).session, first_dial(None, None).session);
    assert_ne!(first_dial(None, None).session, first_dial(None, Some(supplied)).session);
}

#[test]
fn the_same_seed_gives_a_dial_the_same_entropy_and_session() {
    assert_eq!(first_dial(1, None), first_dial(1, None));
    assert_ne!(first_dial(1, None).entropy, first_dial(2, None).entropy);
    assert_ne!(first_dial(1, None).session, first_dial(2, None).session);
}

#[test]
fn an_up_tells_who_it_is_and_what_ended_the_connection_before() {
    let mut rig: Rig = Rig::new();
    let mut ups: Vec<Up> = Vec::new();
    for _ in 0..2 {
        let peer = rig.listen();
        rig.clock.advance(SECOND);
        ups.extend(rig.events().into_iter().filter_map(|event| match event {
            Event::Up(up) => Some(*up),
            _ => None,
        }));
        drop(peer);
        rig.events();
    }
    let [first, second] = &ups[..] else { panic!("{ups:?}") };
    assert_eq!((first.reconnected, first.cause), (false, None));
    assert!(second.reconnected);
    let cause = second.cause.expect("a cause").to_string();
    assert_eq!(cause, "connection ended without a Close");
    assert_eq!((first.session, second.session), (rig.it.session(), rig.it.session()));
}

#[test]
fn a_connection_that_the_application_stopped_is_no_cause() {
    let (mut rig, peer) = Rig::open();
    rig.ask(|it| it.stop());
    drop(peer);
    rig.events();
    let _peer = rig.listen();
    rig.ask(|it| it.start());
    rig.clock.advance(SECOND);
    let causes: Vec<_> = rig.events().iter().filter_map(up_cause).collect();
    assert_eq!(causes, [None]);
}

fn up_cause(event: &Event) -> Option<Option<steadfast::Failure>> {
    match event {
        Event::Up(up) => Some(up.cause),
        _ => None,
    }
}
