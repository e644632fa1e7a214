//! ^C, and whatever else asks the process to end.

use std::io;

use async_signal::{Signal, Signals};
use futures::StreamExt;

use crate::exit::Exit;

#[cfg(unix)]
const SIGNALS: [Signal; 2] = [Signal::Int, Signal::Term];
#[cfg(not(unix))]
const SIGNALS: [Signal; 1] = [Signal::Int];

/// Ready at the first interruption. The second ends the process at once.
pub(crate) fn watch() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::new(SIGNALS)?;
    Ok(async move {
        signals.next().await;
        std::thread::spawn(move || {
            let exit = match async_io::block_on(signals.next()) {
                #[cfg(unix)]
                Some(Ok(Signal::Term)) => Exit::Terminated,
                _ => Exit::Interrupted,
            };
            std::process::exit(exit.status().into());
        });
    })
}
