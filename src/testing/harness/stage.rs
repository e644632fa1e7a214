//! What a driver under test is given, and the seams through which it is watched.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures::{Sink, Stream};

use super::{
    super::{ManualClock, MemoryError},
    Deed, Watched,
    scene::{Happening, Scene},
};
use crate::{
    Command, Epoch, FailureKind,
    client::{Dial, DialContext, Frame},
};

/// All that a driver under test is given.
///
/// It must drive the machine as the [`Machine`](crate::Machine) wants it, tell it of each command,
/// in order, and go on until the commands end.
///
/// ```
/// use steadfast::testing::harness::Stage;
///
/// /// The driver under test gets all that it needs, and nothing else.
/// async fn drive(stage: Stage) {
///     let Stage { machine, dialer, clock, commands, .. } = stage;
///     # drop((machine, dialer, clock, commands));
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Stage {
    /// The machine. It has been told nothing yet; the first command is a
    /// [`Start`](Command::Start), and a driver may give one by itself before it.
    pub machine: Watched,
    /// What dials.
    pub dialer: StageDialer,
    /// What tells the time, and wakes.
    pub clock: ManualClock,
    /// What the application wants.
    pub commands: Commands,
}

#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Scene>>);

impl Shared {
    pub(super) fn new(scene: Scene) -> Self {
        Self(Arc::new(Mutex::new(scene)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Scene> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the scene, then wakes whom it concerns.
    pub(super) fn act<R>(&self, act: impl FnOnce(&mut Scene) -> R) -> R {
        let mut scene = self.lock();
        let done = act(&mut scene);
        let wakes = std::mem::take(&mut scene.wakes);
        drop(scene);
        for waker in wakes {
            waker.wake();
        }
        done
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared(..)")
    }
}

/// The commands of a [`Stage`], a stream that ends when the driver may.
///
/// ```
/// use futures::StreamExt;
/// use steadfast::{Command, testing::harness::Commands};
///
/// /// As an application would.
/// async fn next(commands: &mut Commands) -> Option<Command> {
///     commands.next().await
/// }
/// ```
#[derive(Debug)]
pub struct Commands(pub(super) Shared);

impl Stream for Commands {
    type Item = Command;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Command>> {
        let mut scene = self.0.lock();
        if let Some(command) = scene.asked.pop_front() {
            scene.taken.push_back(command);
            scene.saw(Deed::Took(command));
            return Poll::Ready(Some(command));
        }
        if scene.finished {
            return Poll::Ready(None);
        }
        scene.listener = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// The dialer of a [`Stage`].
#[derive(Debug)]
pub struct StageDialer(pub(super) Shared);

impl Dial for StageDialer {
    type Conn = StageConn;
    type Error = MemoryError;
    type Future = StageDial;

    fn dial(&mut self, context: DialContext) -> StageDial {
        let epoch = context.epoch;
        self.0.act(|scene| {
            let dialed = scene.dialed(context);
            scene.keep(dialed);
            scene.saw(Deed::Dialed(epoch));
            scene.report.dials += 1;
            let Some(link) = scene.links.get_mut(&epoch) else { return };
            link.held = true;
            if let Some((after, outcome)) = link.nature.dial {
                scene.schedule(after, Happening::DialEnds(epoch, outcome));
            }
        });
        StageDial { held: Some(Held { shared: self.0.clone(), epoch }) }
    }
}

/// A dial under way.
#[derive(Debug)]
pub struct StageDial {
    held: Option<Held>,
}

/// What the driver has in its hands: it is seen when it lets go.
#[derive(Debug)]
struct Held {
    shared: Shared,
    epoch: Epoch,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.act(|scene| {
            scene.saw(Deed::Dropped(self.epoch));
            if let Some(link) = scene.links.get_mut(&self.epoch) {
                link.held = false;
            }
        });
    }
}

impl Future for StageDial {
    type Output = Result<StageConn, MemoryError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(Held { shared, epoch }) = &self.held else { return Poll::Pending };
        let epoch = *epoch;
        let outcome = shared.act(|scene| {
            let link = scene.links.get_mut(&epoch)?;
            let Some(outcome) = link.outcome.take() else {
                link.reader = Some(cx.waker().clone());
                return None;
            };
            match outcome {
                Ok(()) => {
                    link.owed.extend((!link.over).then_some(crate::Signal::Opened));
                    scene.connected(epoch);
                    scene.report.opens += 1;
                    scene.saw(Deed::Connected(epoch));
                }
                Err(failure) => {
                    link.ends.push(Some(failure));
                    scene.saw(Deed::Ended(epoch, Some(failure)));
                }
            }
            Some(outcome)
        });
        match outcome {
            None => Poll::Pending,
            Some(outcome) => {
                // Of a dial that failed nothing is left to be held.
                let held = self.held.take();
                Poll::Ready(outcome.map(|()| StageConn { held }).map_err(MemoryError))
            }
        }
    }
}

/// A connection that a [`StageDialer`] has made.
#[derive(Debug)]
pub struct StageConn {
    held: Option<Held>,
}

impl StageConn {
    fn act<R>(&self, act: impl FnOnce(&mut Scene, Epoch) -> Option<R>) -> Option<R> {
        let held = self.held.as_ref()?;
        held.shared.act(|scene| act(scene, held.epoch))
    }
}

impl Stream for StageConn {
    type Item = Result<Frame, MemoryError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let read = self.act(|scene, epoch| {
            let link = scene.links.get_mut(&epoch)?;
            if let Some(frame) = link.inbox.pop_front() {
                if !link.over {
                    link.owe(&frame);
                }
                scene.report.frames += 1;
                scene.saw(Deed::Read(epoch, frame.clone()));
                return Some(Some(Ok(frame)));
            }
            let Some(end) = link.end else {
                link.reader = Some(cx.waker().clone());
                return None;
            };
            link.ends.push(end);
            scene.saw(Deed::Ended(epoch, end));
            Some(end.map(|failure| Err(MemoryError(failure))))
        });
        read.map_or(Poll::Pending, Poll::Ready)
    }
}

impl StageConn {
    /// Ready when the connection takes what is written, or will never again.
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        let room = self.act(|scene, epoch| {
            let link = scene.links.get_mut(&epoch)?;
            if let Some(end) = link.end {
                let failure = end.unwrap_or(FailureKind::Reset.into());
                link.ends.push(Some(failure));
                scene.saw(Deed::Ended(epoch, Some(failure)));
                return Some(Err(MemoryError(failure)));
            }
            if link.has_room {
                return Some(Ok(()));
            }
            link.writer = Some(cx.waker().clone());
            None
        });
        room.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Sink<Frame> for StageConn {
    type Error = MemoryError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        self.poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), MemoryError> {
        self.act(|scene, epoch| {
            let link = scene.links.get_mut(&epoch)?;
            let sent = if link.over { Ok(()) } else { link.send(&frame) };
            link.outbox.push_back(frame);
            scene.keep(sent);
            Some(())
        });
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        futures::ready!(self.poll_room(cx))?;
        self.act(|scene, epoch| {
            let frames = std::mem::take(&mut scene.links.get_mut(&epoch)?.outbox);
            for frame in frames {
                scene.arrived(epoch, frame);
            }
            Some(())
        });
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), MemoryError>> {
        self.poll_flush(cx)
    }
}
