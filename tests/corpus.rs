//! Whatever the fuzzer has found worth keeping, replayed: `fuzz/corpus` holds the inputs.
#![cfg(feature = "testing")]

use std::{fs, path::PathBuf};

#[allow(unreachable_pub, reason = "a crate of its own for the fuzzer")]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    inputs.sort();
    assert!(inputs.len() >= 50, "{} has only {} inputs", folder.display(), inputs.len());
    for path in inputs {
        let input = fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&input));
        assert!(outcome.is_ok(), "{} fails", path.display());
    }
}

#[test]
fn the_client_holds_on_every_input_that_was_kept() {
    replay("client", fuzz::client::run);
}

#[test]
fn the_machine_holds_on_every_input_that_was_kept() {
    replay("machine", fuzz::machine::run);
}

#[test]
fn the_policy_holds_on_every_input_that_was_kept() {
    replay("policy", fuzz::policy::run);
}
