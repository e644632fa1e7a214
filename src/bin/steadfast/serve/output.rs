//! Lines on their way out. A thread writes them, so that whoever does not read them does not hold
//! up the server; what waits is bounded.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::Duration,
};

const MOST_LINES: usize = 4_096;
const MOST_BYTES: usize = 4 << 20;

/// How long a reader has for what is left at the end.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Output {
    lines: SyncSender<(To, String)>,
    /// Bytes of them.
    waiting: Arc<AtomicUsize>,
    /// Disconnected when the thread has ended.
    written: Receiver<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Stdout,
    Stderr,
}

/// As much waits as may.
pub(crate) struct Full;

impl Output {
    pub(crate) fn start() -> Self {
        let (lines, queue) = mpsc::sync_channel::<(To, String)>(MOST_LINES);
        let (writing, written) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = waiting.clone();
        thread::spawn(move || {
            let _writing: mpsc::Sender<()> = writing;
            for (to, line) in queue {
                // Whoever no longer listens to the server may still talk to it.
                let _ = write(to, &line);
                left.fetch_sub(line.len(), Ordering::Relaxed);
            }
        });
        Self { lines, waiting, written }
    }

    pub(crate) fn line(&self, to: To, line: String) -> Result<(), Full> {
        let length = line.len();
        let waiting = self.waiting.fetch_add(length, Ordering::Relaxed);
        // A line that is longer than all that may wait is let through alone.
        let has_room = waiting == 0 || waiting + length <= MOST_BYTES;
        if has_room && self.lines.try_send((to, line)).is_ok() {
            return Ok(());
        }
        self.waiting.fetch_sub(length, Ordering::Relaxed);
        Err(Full)
    }

    /// Ends when all is written, or when nobody reads it.
    pub(crate) fn finish(self) {
        drop(self.lines);
        let _ = self.written.recv_timeout(PATIENCE);
    }
}

fn write(to: To, line: &str) -> io::Result<()> {
    match to {
        To::Stdout => {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{line}")?;
            stdout.flush()
        }
        To::Stderr => writeln!(anstream::stderr().lock(), "{line}"),
    }
}
