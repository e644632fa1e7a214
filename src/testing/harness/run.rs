//! Running a driver through what one seed asks of it, in virtual time and on one thread.

use std::{
    future::Future,
    panic::{self, AssertUnwindSafe},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{self, Context, Poll},
};

use super::{
    super::{
        ManualClock,
        model::{
            Promise::{EveryPhaseHasADeadline, NoStall, Progress, StopMeansStop},
            Violation,
        },
    },
    Commands, Deed, Report, Stage, StageDialer, Watched,
    dice::Dice,
    scene::{Happening, Scene},
    script,
    stage::Shared,
    watched::HotLoop,
};
use crate::{Command, Instant, Timer, Wake, client::Clock, trace::Entry};

/// How often a driver may be polled at one instant.
const POLLS: u32 = 2_000;

/// All that a run has shown.
#[derive(Debug, PartialEq)]
pub(super) struct Run {
    pub(super) calls: Vec<Entry>,
    pub(super) deeds: Vec<(Instant, Deed)>,
    pub(super) report: Report,
    pub(super) violation: Option<Violation>,
}

/// Whether the one task there is has something to do.
#[derive(Debug)]
struct Woken(AtomicBool);

impl task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Runner<'a, F> {
    shared: Shared,
    clock: ManualClock,
    woken: Arc<Woken>,
    driver: Pin<&'a mut F>,
    done: bool,
}

pub(super) fn run<F: Future<Output = ()>>(seed: u64, drive: impl Fn(Stage) -> F) -> Run {
    let mut dice = Dice::new(seed);
    let (config, clock) = (script::config(&mut dice), ManualClock::new());
    let mut scene = Scene::new(clock.clone(), config.clone(), dice);
    script::schedule(&mut scene);
    let shared = Shared::new(scene);
    let stage = Stage {
        machine: Watched::new(config, script::policy(), seed, shared.clone()),
        dialer: StageDialer(shared.clone()),
        clock: clock.clone(),
        commands: Commands(shared.clone()),
    };
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let checked = {
        let driver = pin!(drive(stage));
        Runner { shared: shared.clone(), clock, woken, driver, done: false }.run()
    };
    let mut scene = shared.lock();
    scene.keep(checked);
    Run {
        calls: std::mem::take(&mut scene.calls),
        deeds: std::mem::take(&mut scene.deeds),
        report: scene.report,
        violation: scene.violation.take(),
    }
}

impl<F: Future<Output = ()>> Runner<'_, F> {
    fn run(&mut self) -> Result<(), Violation> {
        loop {
            self.happen();
            self.poll()?;
            let scene = self.shared.lock();
            if scene.violation.is_some() {
                return Ok(());
            }
            NoStall.requires(!self.done || scene.finished, || {
                "the driver came to its end before the commands did".to_owned()
            })?;
            scene.check_waiting()?;
            if scene.finished {
                return Ok(());
            }
            let times = [scene.next_happening(), scene.wake.instant(), self.clock.next_alarm()];
            drop(scene);
            let next = times.into_iter().flatten().min();
            self.clock.advance_to(next.unwrap_or_default());
        }
    }

    /// Lets happen what is due, before the driver is there to see it.
    fn happen(&self) {
        loop {
            let due = self.shared.lock().take_due();
            match due {
                None => return,
                Some(Happening::Sleeps(span)) => {
                    self.shared.lock().sleep(span);
                    self.clock.advance(span);
                }
                Some(Happening::Nudged) => self.woken.0.store(true, Ordering::SeqCst),
                Some(happening) => self.shared.act(|scene| scene.happen(happening)),
            }
        }
    }

    /// Polls the driver until it waits.
    fn poll(&mut self) -> Result<(), Violation> {
        let waker = task::Waker::from(self.woken.clone());
        let mut polls = 0;
        while !self.done && self.woken.0.swap(false, Ordering::SeqCst) {
            polls += 1;
            Progress.requires(polls <= POLLS, || {
                format!("the driver was woken {polls} times at one instant")
            })?;
            let mut cx = Context::from_waker(&waker);
            let polled =
                panic::catch_unwind(AssertUnwindSafe(|| self.driver.as_mut().poll(&mut cx)));
            match polled {
                Ok(polled) => self.done = polled == Poll::Ready(()),
                Err(payload) if payload.is::<HotLoop>() => return Ok(()),
                Err(payload) => panic::resume_unwind(payload),
            }
            if self.shared.lock().violation.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Scene {
    /// What the driver has left undone, now that it waits.
    fn check_waiting(&self) -> Result<(), Violation> {
        if let Some(command) = self.taken.iter().chain(&self.asked).next() {
            let promise = if *command == Command::Stop { StopMeansStop } else { NoStall };
            return Err(promise.broken(format!("the machine was not told to {command:?}")));
        }
        for link in self.links.values() {
            link.check_waiting()?;
        }
        let Wake::At(due, timer) = self.wake else { return Ok(()) };
        let promise = match timer {
            Timer::Connect | Timer::Close => EveryPhaseHasADeadline,
            Timer::Ping | Timer::Pong | Timer::Silence | Timer::Retry => NoStall,
        };
        promise.requires(due > self.clock.now(), || {
            format!("the driver sleeps, and the machine was to be called at {due:?}")
        })
    }
}
