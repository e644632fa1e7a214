//! What a shell does with its jobs: it stops them, and has them go on in the background.

use std::os::fd::AsFd;

use rustix::{
    process::{Signal, getpgrp, getpid, getsid, kill_process},
    termios::tcgetpgrp,
};

/// Stops the process until the shell has it go on, as ^Z does by itself if it is not handled.
pub(super) fn stop() {
    // In the group of the session's leader there is no shell that could have it go on.
    let has_shell = getsid(None).is_ok_and(|session| session != getpgrp());
    if has_shell {
        let _ = kill_process(getpid(), Signal::STOP);
    }
}

/// Whether `terminal` is ours to draw on. One that has no jobs is.
pub(super) fn is_in_foreground(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).map_or(true, |group| group == getpgrp())
}
