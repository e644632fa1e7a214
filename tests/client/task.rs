//! A future that is polled only when it was woken.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::rig::Woken;

pub(crate) struct Task<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    woken: Arc<Woken>,
}

impl<'a, T> Task<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'a) -> Self {
        Self { future: Box::pin(future), woken: Woken::new() }
    }

    /// Polls as long as something has woken it. Never again after `Ready`.
    pub(crate) fn run(&mut self) -> Poll<T> {
        let waker = Waker::from(self.woken.clone());
        let mut polls = 0;
        while self.woken.take() {
            polls += 1;
            assert!(polls < 10_000, "a busy loop");
            let polled = self.future.as_mut().poll(&mut Context::from_waker(&waker));
            if polled.is_ready() {
                return polled;
            }
        }
        Poll::Pending
    }

    /// What it answers, now.
    #[track_caller]
    pub(crate) fn done(mut self) -> T {
        match self.run() {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("it still waits, or nobody woke it"),
        }
    }

    #[track_caller]
    pub(crate) fn waits(&mut self) {
        assert!(self.run().is_pending(), "it did not wait");
    }
}
