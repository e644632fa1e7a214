//! The client on a transport that does whatever bytes say: frames, parts of frames, errors, ends,
//! full buffers, spurious wake-ups, at any moment; and an application that asks for anything.

mod wire;

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures::{Sink, Stream, stream::FusedStream};
use steadfast::{
    Backoff, Network, Seed, State,
    client::{Builder, Connection, Event},
    testing::{ManualClock, model::Checked},
};
use wire::{Dialer, Wires};

/// More than any life that the bytes can describe needs once they are used up.
const PATIENCE: u32 = 10_000;

/// Lives the life that the bytes describe, and stops.
pub fn run(data: &[u8]) {
    let wires = Wires::new(data);
    let clock = ManualClock::new();
    let connection = Builder::new(wires.dialer(), clock.clone())
        .with_policy(Backoff::builder().with_max_retries(6).build().expect("valid"))
        .with_seed(Seed::new(u64::from(wires.byte().unwrap_or(0))))
        .build_with(Checked::new);
    Life::new(wires, clock, connection).live();
}

struct Life {
    wires: Wires,
    clock: ManualClock,
    connection: Connection<Dialer, ManualClock, Checked>,
    woken: Arc<Woken>,
    up: bool,
    /// The number of the next message that the application sends.
    next: u32,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Life {
    fn new(
        wires: Wires,
        clock: ManualClock,
        connection: Connection<Dialer, ManualClock, Checked>,
    ) -> Self {
        Self { wires, clock, connection, woken: Arc::default(), up: false, next: 0 }
    }

    fn live(mut self) {
        while let Some(byte) = self.wires.byte() {
            self.act(byte);
            self.wires.wake();
            assert!(self.wires.alive() <= 1, "one connection");
        }
        self.end();
    }

    fn act(&mut self, byte: u8) {
        match byte % 16 {
            0..=5 => drop(self.poll()),
            6 => self.await_alarm(),
            7 => self.clock.advance(Duration::from_millis(u64::from(byte) * 50)),
            8 => self.clock.advance(Duration::from_secs(u64::from(byte) * 60)),
            9 => self.send(),
            10 => self.flush(),
            11 => self.connection.start(),
            12 if byte > 200 => self.connection.stop(),
            12 => self.close(),
            13 => self.connection.retry_now(),
            14 => self.connection.probe(),
            _ if byte > 127 => self.connection.set_network(Network::Offline),
            _ => self.connection.set_network(Network::Online),
        }
    }

    /// However it has gone, a stop ends it within the close timeout, without another dial.
    fn end(mut self) {
        self.connection.stop();
        let (dials, stopped) = (self.wires.dials(), steadfast::client::Clock::now(&self.clock));
        for _ in 0..PATIENCE {
            match self.poll() {
                Poll::Ready(true) => {}
                Poll::Ready(false) => {
                    assert!(matches!(self.connection.state(), State::Closed(_) | State::Idle));
                    assert_eq!(self.wires.dials(), dials, "a dial after a stop");
                    assert_eq!(self.wires.alive(), 0);
                    let took = steadfast::client::Clock::now(&self.clock)
                        .saturating_duration_since(stopped);
                    assert!(took <= Duration::from_secs(2), "stopping took {took:?}");
                    return;
                }
                Poll::Pending if self.woken.0.load(Ordering::Relaxed) => {}
                Poll::Pending => self.await_alarm(),
            }
        }
        panic!("no end after a stop in state {:?}", self.connection.state());
    }

    fn await_alarm(&mut self) {
        if let Some(alarm) = self.clock.next_alarm() {
            self.clock.advance_to(alarm);
        }
    }

    /// Polls the stream. Ready with whether it goes on.
    fn poll(&mut self) -> Poll<bool> {
        self.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(self.woken.clone());
        let polled = pin!(&mut self.connection).poll_next(&mut Context::from_waker(&waker));
        polled.map(|event| match event {
            Some(event) => {
                self.told(event);
                true
            }
            None => {
                assert!(self.connection.is_terminated());
                false
            }
        })
    }

    fn told(&mut self, event: Event) {
        match event {
            Event::Up { .. } => {
                assert!(!std::mem::replace(&mut self.up, true), "Up and Down alternate");
            }
            Event::Down(down) => {
                assert!(std::mem::take(&mut self.up), "Up and Down alternate");
                assert!(down.unsent.is_empty(), "there is no queue before a split");
                self.wires.ended(down.unflushed);
            }
            Event::Message(message) => {
                assert!(self.up, "a message without a connection");
                self.wires.delivered(message);
            }
            Event::RoundTrip(_) => assert!(self.up, "a round trip without a connection"),
            Event::Dialing { .. } | Event::DialFailed(_) | Event::Closed { .. } => {
                assert!(!self.up, "{event:?} while up");
            }
            _ => {}
        }
    }

    fn send(&mut self) {
        let waker = Waker::from(self.woken.clone());
        let mut cx = Context::from_waker(&waker);
        let mut connection = pin!(&mut self.connection);
        if connection.as_mut().poll_ready(&mut cx).is_pending() {
            return;
        }
        let open = connection.is_open();
        let sent = connection.start_send(self.next.to_be_bytes().to_vec().into());
        assert_eq!(sent.is_ok(), open, "accepted if and only if open");
        match sent {
            Ok(()) => self.next += 1,
            Err(error) => assert!(error.into_message().is_some(), "the message is given back"),
        }
    }

    fn flush(&mut self) {
        let waker = Waker::from(self.woken.clone());
        let _ = pin!(&mut self.connection).poll_flush(&mut Context::from_waker(&waker));
    }

    fn close(&mut self) {
        let waker = Waker::from(self.woken.clone());
        let _ = pin!(&mut self.connection).poll_close(&mut Context::from_waker(&waker));
    }
}
