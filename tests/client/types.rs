//! Promises that the compiler keeps.

use std::{future::Future, marker::PhantomData, rc::Rc};

use steadfast::{
    client::{Builder, Connection, Dial, DialContext, Driver, Event, Handle, Message, SendError},
    testing::{ManualClock, MemoryConn, MemoryError, pair},
};

use crate::rig::{Client, Dialer, Rig};

fn is_send<T: Send>(_: &T) {}
fn is_unpin<T: Unpin>(_: &T) {}
fn is_static_clone_send_sync<T: Clone + Send + Sync + 'static>(_: &T) {}

/// Compiles only for a type that is not `Send`: for another there would be two answers.
trait NotSend<A> {
    fn is_not_send() {}
}
impl<T: ?Sized> NotSend<()> for T {}
struct IsSend;
impl<T: ?Sized + Send> NotSend<IsSend> for T {}

async fn send_dialer(_: DialContext) -> Result<MemoryConn, MemoryError> {
    Ok(pair(1).0)
}

/// A dialer that is `Send` and whose futures are, too, unless `M` says otherwise.
struct Marked<M>(PhantomData<M>);

impl<M> Dial for Marked<M> {
    type Conn = MemoryConn;
    type Error = MemoryError;
    type Future = MarkedFuture<M>;

    fn dial(&mut self, _: DialContext) -> MarkedFuture<M> {
        MarkedFuture(PhantomData)
    }
}

struct MarkedFuture<M>(PhantomData<M>);

impl<M> Future for MarkedFuture<M> {
    type Output = Result<MemoryConn, MemoryError>;

    fn poll(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::task::Poll::Pending
    }
}

#[test]
fn a_connection_whose_parts_are_send_is_send() {
    let connection = Builder::new(send_dialer, ManualClock::new()).build();
    is_send(&connection);
    is_unpin(&connection);
    let (handle, driver) = connection.split(1);
    is_send(&driver);
    is_unpin(&driver);
    is_static_clone_send_sync(&handle);
    is_send(&Builder::new(Marked::<u8>(PhantomData), ManualClock::new()).build());
}

#[test]
fn a_connection_with_a_part_that_is_not_send_works_and_is_not_send() {
    let _ = <Connection<Marked<Rc<()>>, ManualClock> as NotSend<_>>::is_not_send;
    let _ = <Driver<Marked<Rc<()>>, ManualClock> as NotSend<_>>::is_not_send;
    let _ = <Client as NotSend<_>>::is_not_send;
    let _ = <Driver<Dialer<MemoryConn>, ManualClock> as NotSend<_>>::is_not_send;
    // It is not only a type: all the other tests use it.
    let (rig, _peer) = Rig::open();
    is_unpin(&rig.it);
}

#[test]
fn a_connection_is_unpin_although_the_futures_of_its_dialer_are_not() {
    let dialer = |_: DialContext| async {
        futures::future::pending::<()>().await;
        Ok::<_, MemoryError>(pair(1).0)
    };
    let connection = Builder::new(dialer, ManualClock::new()).build();
    is_unpin(&connection);
    is_unpin(&connection.split(1).1);
}

#[test]
fn a_handle_its_errors_and_what_it_is_told_can_go_anywhere() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Handle>();
    check::<Event>();
    check::<Message>();
    check::<SendError>();
}

#[test]
fn the_futures_of_a_handle_are_send() {
    let (handle, _driver) = Builder::new(send_dialer, ManualClock::new()).build().split(1);
    is_send(&handle.send("x"));
    is_send(&handle.send_all(&mut Default::default()));
    is_send(&handle.flush());
    is_send(&handle.closed());
}

#[test]
fn debug_shows_no_payload() {
    let (rig, mut peer) = Rig::open();
    let (handle, mut rig) = rig.split(4);
    rig.told();
    crate::rig::text(&mut peer, "canary");
    let event = rig.one();
    handle.try_send("canary").unwrap();
    let error = (0..4).find_map(|_| handle.try_send("canary").err()).unwrap();
    let shown = format!("{event:?} {event} {error:?} {error} {:?} {handle:?}", rig.it);
    assert!(!shown.contains("canary"), "{shown}");
    rig.told();
    drop(peer);
    let down = rig.one();
    assert!(!format!("{down:?} {down}").contains("canary"));
}
