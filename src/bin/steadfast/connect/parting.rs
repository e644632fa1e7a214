//! The end of a session: what is still to be written, and why it ends.

use std::{pin::Pin, task::Poll, time::Duration};

use async_io::Timer;
use async_signal::Signal;
use futures::{Stream, future};
use steadfast::StateMachine;

use super::{ending::Ending, events::Told, people::plural, session::Session, stage::Farewell};
use crate::exit::Exit;

/// How long what is still to be written may take after ^C, if nobody reads it.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl<M: StateMachine> Session<M> {
    /// Says why, and writes what is still to be written.
    pub(super) async fn end(mut self, ending: Ending) -> Exit {
        let exit = ending.exit();
        let close_code = match &ending {
            Ending::Over(over) => over.close_code(),
            _ if self.seen.farewell == Farewell::None => None,
            _ => Some(self.rules.farewell.code.get()),
        };
        if self.events.is_some() {
            self.print_told(Told::Stopped {
                reason: ending.to_string(),
                http_status: ending.http_status(),
                close_code,
                exit: exit.status(),
            });
        }
        let mut patience = match exit {
            Exit::Interrupted | Exit::Terminated => Timer::after(LAST_WORDS),
            _ => Timer::never(),
        };
        let written = future::poll_fn(|cx| {
            let signal = Pin::new(&mut self.signals).poll_next(cx);
            let is_asked = matches!(signal, Poll::Ready(Some(Ok(Signal::Int | Signal::Term))));
            let is_late = Pin::new(&mut patience).poll(cx).is_ready();
            match self.output.poll_flush(cx) {
                Poll::Pending if is_asked || is_late => Poll::Ready(Ok(())),
                written => written,
            }
        });
        if !self.seen.is_deaf {
            // Nobody is left to be told.
            let _ = written.await;
        }
        let mut why = ending.to_string();
        let code = self.rules.farewell.code;
        match self.seen.farewell {
            Farewell::None => {}
            Farewell::Answered => why.push_str(&format!("; closed with {code}")),
            Farewell::Unanswered => {
                why.push_str(&format!("; closed with {code}, which the peer did not answer"));
            }
        }
        match self.seen.undelivered {
            0 => {}
            1 => why.push_str("; 1 message was not delivered"),
            count => why.push_str(&format!("; {count} messages were not delivered")),
        }
        if self.seen.doubtful > 0 {
            let messages = plural(self.seen.doubtful, "message");
            why.push_str(&format!("; up to {messages} sent may not have arrived"));
        }
        self.people.end(&why, exit == Exit::Clean);
        exit
    }
}
