//! What the command says of itself, and of what cannot be. `UPDATE_DOCS=1 UPDATE_EXPECT=1 cargo test
//! --all-features --test cli help` writes anew what is expected.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use crate::{
    command::{assert_fits_80_columns, steadfast},
    document,
};

/// What fits a screen.
const COLUMNS: usize = 80;
const LINES: usize = 40;

fn help(arguments: &[&str]) -> String {
    let run = steadfast(arguments);
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    run.stdout
}

/// All commands, by the help itself.
fn commands() -> Vec<String> {
    let help = help(&["-h"]);
    let (_, rest) = help.split_once("Commands:\n").expect("a list of commands");
    let (list, _) = rest.split_once("\n\n").expect("an end of the list");
    let name = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    let named = list.lines().filter(|line| !line.starts_with("   "));
    named.map(name).filter(|name| name != "help").collect()
}

const PAGE: &str = "\
# The help of every command

What `steadfast --help` and `steadfast COMMAND --help` print. [The command line](cli.md) has what programs
rely on. This page is written by a test: `UPDATE_DOCS=1 cargo test --all-features --test cli help`.
";

#[test]
fn the_page_with_the_help_of_every_command_says_what_the_command_does() {
    let mut page = PAGE.to_owned();
    let mut add = |name: &str, help: &str| {
        let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", help.trim_end());
    };
    add("steadfast", &help(&["--help"]));
    for command in commands() {
        add(&format!("steadfast {command}"), &help(&[&command, "--help"]));
    }
    document::check("docs/help.md", &page);
}

#[test]
fn the_short_help_of_every_command_fits_a_screen() {
    let too_long = |name: &str, help: &str| {
        let lines = help.lines().count();
        let columns = help.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(lines <= LINES, "{name}: {lines} lines");
        assert!(columns <= COLUMNS, "{name}: {columns} columns");
    };
    too_long("steadfast", &help(&["-h"]));
    for command in commands() {
        too_long(&command, &help(&[&command, "-h"]));
    }
}

#[test]
fn no_help_is_wider_than_80_columns() {
    assert_fits_80_columns(&help(&["--help"]));
    for command in commands() {
        assert_fits_80_columns(&help(&[&command, "--help"]));
    }
}

#[test]
fn the_help_of_every_command_has_examples() {
    for command in commands() {
        let help = help(&[&command, "--help"]);
        let (_, examples) = help.split_once("\nExamples:\n").expect(&command);
        assert!(examples.contains("  steadfast "), "{command}: {examples}");
    }
}

#[test]
fn without_arguments_there_is_the_help_and_status_2() {
    let run = steadfast(&[]);
    assert_eq!((run.status, run.stderr), (Some(2), help(&["-h"])));
}

#[test]
fn the_version_is_that_of_the_crate() {
    assert_eq!(help(&["--version"]), format!("steadfast {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn there_are_completions_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = help(&["completions", shell]);
        for word in ["serve", "chaos", "check"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn there_is_a_page_of_the_manual_for_every_command() {
    let page = help(&["man"]);
    assert!(page.contains(".TH steadfast 1"), "{page}");
    for command in commands() {
        let page = help(&["man", &command]);
        assert!(page.contains(&format!(".TH steadfast-{command} 1")), "{page}");
        assert!(page.contains("Examples:"), "{page}");
    }
    assert_eq!(steadfast(&["man", "nothing"]).status, Some(2));
}

/// That these arguments are bad, and how that is said.
fn refused(arguments: &[&str], expected: &Expect) {
    let run = steadfast(arguments);
    assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
    expected.assert_eq(&run.stderr);
}

#[test]
fn a_bad_fault_is_underlined() {
    refused(
        &["serve", "--chaos", "drop=5%,stal=2s@1%"],
        &expect![[r#"
        error: invalid value 'drop=5%,stal=2s@1%' for '--chaos <FAULTS>': there is no such fault; there are drop, rst, stall, mute, close, refuse

          drop=5%,stal=2s@1%
                  ^^^^

        For more information, try '--help'.
    "#]],
    );
    refused(
        &["serve", "--chaos", "close=1005@30s"],
        &expect![[r#"
        error: invalid value 'close=1005@30s' for '--chaos <FAULTS>': this code cannot be sent; those that can are 1000-1003, 1007-1014 and 3000-4999

          close=1005@30s
                ^^^^

        For more information, try '--help'.
    "#]],
    );
    refused(
        &["serve", "--chaos", "stall=2s"],
        &expect![[r#"
        error: invalid value 'stall=2s' for '--chaos <FAULTS>': it must be told when to happen: stall=2s@1% at each message, stall=2s@30s after each 30 s

          stall=2s
          ^^^^^^^^

        For more information, try '--help'.
    "#]],
    );
    refused(
        &["serve", "--chaos", "drop=5 %,mute=2sec@5x"],
        &expect![[r#"
        error: invalid value 'drop=5 %,mute=2sec@5x' for '--chaos <FAULTS>': this is not a chance: from 0% to 100%, with at most four decimals

          drop=5 %,mute=2sec@5x
               ^^^

        For more information, try '--help'.
    "#]],
    );
}

#[test]
fn a_bad_address_is_named() {
    refused(
        &["serve", "ws://127.0.0.1:9001/"],
        &expect![[r#"
        error: invalid value 'ws://127.0.0.1:9001/' for '[ADDR]': an address is no URL, but PORT, HOST, or HOST:PORT

        For more information, try '--help'.
    "#]],
    );
}

#[test]
fn the_secrets_of_a_url_in_the_wrong_place_are_not_shown() {
    for arguments in [
        &["check", "ws://a", "ws://user:canary@b"][..],
        &["check", "ws://a", "ws://b/?token=canary"],
        &["ws://a", "--heartbeat", "ws://user:canary@b"],
        &["ws://a", "--heartbeat=ws://user:canary@b"],
        &["ws://a", "--ca", "https://user:canary@b"],
        &["ws://a", "--config", "https://user:canary@b"],
        &["ws://a", "--record", "https://user:canary@b"],
        &["serve", "ws://user:canary@b/?token=canary"],
        &["man", "ws://user:canary@b"],
        &["replay", "ws://user:canary@b"],
        &["simulate", "--policy", "ws://user:canary@b"],
        &["simulate", "--svg", "ws://user:canary@b"],
    ] {
        let run = steadfast(arguments);
        assert_eq!(run.status, Some(2), "{arguments:?}: {}", run.stderr);
        assert!(!run.stderr.is_empty() && !run.stderr.contains("canary"), "{}", run.stderr);
    }
}

#[test]
fn a_duration_that_cannot_work_is_named_by_its_option() {
    for option in ["connect-timeout", "close-timeout", "stable-after", "heartbeat", "pong-timeout"]
    {
        let run = steadfast(&["ws://a", &format!("--{option}=0s")]);
        assert_eq!(run.status, Some(2));
        assert_eq!(run.stderr, format!("steadfast: --{option} must not be zero\n"));
    }
    for (arguments, why) in [
        (&["ws://a", "--expect-traffic=0s"][..], "steadfast: --expect-traffic must not be zero\n"),
        (&["ws://a", "--min-delay=0s"], "steadfast: --min-delay must not be zero\n"),
        (&["check", "ws://a", "--timeout=0s"], "steadfast check: --timeout must not be zero\n"),
    ] {
        assert_eq!(steadfast(arguments).stderr, why);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_printed_is_1_and_said() {
    let server = crate::server::Server::start(&[]);
    for (arguments, name) in [
        (&["check", "-n", "1", &server.url][..], "check"),
        (&["check", "-n", "1", "--json", &server.url], "check"),
        (&["man"], "man"),
        (&["completions", "bash"], "completions"),
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_steadfast"));
        let run = command.args(arguments).stdout(full).output().unwrap();
        assert_eq!(run.status.code(), Some(1), "{arguments:?}");
        let why = format!("steadfast {name}: cannot write to stdout: ");
        assert!(String::from_utf8(run.stderr).unwrap().starts_with(&why), "{arguments:?}");
    }
}

#[test]
fn what_is_missing_or_mistyped_is_named_with_the_way_out() {
    refused(
        &["check"],
        &expect![[r#"
        error: the following required arguments were not provided:
          <URL>

        Usage: steadfast check <URL>

        For more information, try '--help'.
    "#]],
    );
    refused(
        &["chekc", "ws://127.0.0.1/"],
        &expect![[r#"
        error: unrecognized subcommand 'chekc'

          tip: a similar subcommand exists: 'check'

        Usage: steadfast <COMMAND>

        For more information, try '--help'.
    "#]],
    );
    refused(
        &["check", "127.0.0.1:9001"],
        &expect![[r#"
            steadfast check: the URL has no scheme; put ws:// or wss:// before it
        "#]],
    );
    refused(
        &["check", "ws://a/", "--timeout", "5"],
        &expect![[r#"
        error: invalid value '5' for '--timeout <DURATION>': time unit needed, for example 5sec or 5ms

        For more information, try '--help'.
    "#]],
    );
    refused(
        &["check", "ws://a/", "--count", "0"],
        &expect![[r#"
        error: invalid value '0' for '--count <N>': 0 is not in 1..=4294967295

        For more information, try '--help'.
    "#]],
    );
    refused(
        &["serve", "--quiet", "--json-events"],
        &expect![[r#"
        error: the argument '--quiet' cannot be used with '--json-events'

        Usage: steadfast serve --quiet [ADDR]

        For more information, try '--help'.
    "#]],
    );
    refused(
        &["completions", "tcsh"],
        &expect![[r#"
        error: invalid value 'tcsh' for '<SHELL>'
          [possible values: bash, elvish, fish, powershell, zsh]

          tip: a similar value exists: 'zsh'

        For more information, try '--help'.
    "#]],
    );
    refused(
        &["man", "nothing"],
        &expect![[r#"
        steadfast man: there is no command "nothing"
    "#]],
    );
}
