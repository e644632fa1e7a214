//! ^C, and whatever else asks the process to end.

use std::io::{self, Write};

use async_signal::{Signal, Signals};
use futures::StreamExt;

use crate::exit::Exit;

#[cfg(unix)]
const SIGNALS: [Signal; 2] = [Signal::Int, Signal::Term];
#[cfg(not(unix))]
const SIGNALS: [Signal; 1] = [Signal::Int];

/// Ready at the first interruption, with the exit status that it calls for. The second ends the
/// process at once.
pub(crate) fn watch() -> io::Result<impl Future<Output = Exit>> {
    let mut signals = Signals::new(SIGNALS)?;
    Ok(async move {
        let first = exit(signals.next().await);
        std::thread::spawn(move || {
            let second = exit(async_io::block_on(signals.next()));
            // If nobody reads it, it is not for us to fail.
            let _ = writeln!(anstream::stderr(), "steadfast: {}", second.why());
            std::process::exit(second.status().into());
        });
        first
    })
}

fn exit(signal: Option<io::Result<Signal>>) -> Exit {
    match signal {
        #[cfg(unix)]
        Some(Ok(Signal::Term)) => Exit::Terminated,
        _ => Exit::Interrupted,
    }
}
