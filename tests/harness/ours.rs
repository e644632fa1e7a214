//! The drivers of this crate.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Sink, Stream, StreamExt, future::poll_fn};
use steadfast::{
    Command,
    client::{Builder, Connection, Driver, Event, Handle},
    testing::{
        ManualClock,
        harness::{Commands, Stage, StageDialer, Watched, check_driver},
    },
};

use crate::seeds;

type Client = Connection<StageDialer, ManualClock, Watched>;

fn obey(connection: &mut Client, command: Command) {
    match command {
        Command::Start => connection.start(),
        Command::Stop => connection.stop(),
        Command::RetryNow => connection.retry_now(),
        Command::Probe => connection.probe(),
        Command::Network(network) => connection.set_network(network),
        other => panic!("a command that the tests do not know: {other:?}"),
    }
}

fn ask(handle: &Handle, command: Command) {
    match command {
        Command::Start => handle.start(),
        Command::Stop => handle.stop(),
        Command::RetryNow => handle.retry_now(),
        Command::Probe => handle.probe(),
        Command::Network(network) => handle.set_network(network),
        other => panic!("a command that the tests do not know: {other:?}"),
    }
}

/// Polls the stream to its present end after each command, and until the commands end. Answers what
/// it is told with `say`.
async fn drive<S: Stream<Item = Event> + Unpin>(
    mut stream: S,
    mut commands: Commands,
    mut obey: impl FnMut(&mut S, Command),
    mut say: impl FnMut(&mut S, &mut Context<'_>),
) {
    poll_fn(|cx| {
        loop {
            while let Poll::Ready(Some(event)) = Pin::new(&mut stream).poll_next(cx) {
                if matches!(event, Event::Up { .. } | Event::Message(_)) {
                    say(&mut stream, cx);
                }
            }
            match commands.poll_next_unpin(cx) {
                Poll::Ready(Some(command)) => obey(&mut stream, command),
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}

/// Sends a message if there is room, and writes it if that can be done now.
fn say(connection: &mut Client, cx: &mut Context<'_>) {
    let mut connection = Pin::new(connection);
    if connection.as_mut().poll_ready(cx).is_ready() {
        // If it has just ended, it takes none.
        let _ = connection.as_mut().start_send("hello".into());
    }
    let _ = connection.poll_flush(cx);
}

#[test]
fn a_connection_does_what_the_machine_says() {
    let report = check_driver(seeds(0), |stage: Stage| async {
        let Stage { machine, dialer, clock, commands, .. } = stage;
        let connection = Builder::new(dialer, clock).build_with(|_, _, _, _| machine);
        drive(connection, commands, obey, say).await;
    });
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    // Enough has happened for this to mean something.
    assert!(report.runs >= 300 && report.dials > 4 * report.runs, "{report:?}");
    assert!(report.opens > 3 * report.runs && report.frames > 20 * report.runs, "{report:?}");
    assert!(report.pings > 10 * report.runs && report.closes > report.runs, "{report:?}");
}

/// Obeys the commands before it polls, so that what came in while it slept is still unread.
async fn hurry<S: Stream<Item = Event> + Unpin>(
    mut stream: S,
    mut commands: Commands,
    mut obey: impl FnMut(&mut S, Command),
) {
    poll_fn(|cx| {
        loop {
            match commands.poll_next_unpin(cx) {
                Poll::Ready(Some(command)) => obey(&mut stream, command),
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => match Pin::new(&mut stream).poll_next(cx) {
                    Poll::Ready(Some(_)) => {}
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                },
            }
        }
    })
    .await;
}

#[test]
fn a_connection_that_is_asked_before_it_is_polled_does_what_the_machine_says() {
    let report = check_driver(seeds(2_000_000), |stage: Stage| async {
        let Stage { machine, dialer, clock, commands, .. } = stage;
        let connection = Builder::new(dialer, clock).build_with(|_, _, _, _| machine);
        hurry(connection, commands, obey).await;
    });
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.runs >= 300 && report.opens > 3 * report.runs, "{report:?}");
}

#[test]
fn a_driver_that_is_asked_before_it_is_polled_does_what_the_machine_says() {
    let report = check_driver(seeds(3_000_000), |stage: Stage| async {
        let Stage { machine, dialer, clock, commands, .. } = stage;
        let connection = Builder::new(dialer, clock).build_with(|_, _, _, _| machine);
        let (handle, driver) = connection.split(4);
        hurry(driver, commands, |_, command| ask(&handle, command)).await;
    });
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.runs >= 300 && report.opens > 3 * report.runs, "{report:?}");
}

#[test]
fn a_driver_and_its_handle_do_what_the_machine_says() {
    let report = check_driver(seeds(1_000_000), |stage: Stage| async {
        let Stage { machine, dialer, clock, commands, .. } = stage;
        let connection = Builder::new(dialer, clock).build_with(|_, _, _, _| machine);
        let (handle, driver) = connection.split(4);
        let obey = |_: &mut Driver<_, _, _>, command| ask(&handle, command);
        drive(driver, commands, obey, |_, _| drop(handle.try_send("hello"))).await;
    });
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.runs >= 300 && report.opens > 3 * report.runs, "{report:?}");
}
