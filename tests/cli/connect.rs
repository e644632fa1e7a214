//! `steadfast connect`.

use std::process::Command;

#[test]
fn a_url_that_cannot_be_dialed_is_a_bad_argument() {
    let run = Command::new(env!("CARGO_BIN_EXE_steadfast")).args(["connect", "nonsense"]).output();
    assert_eq!(run.unwrap().status.code(), Some(2));
}
