//! `steadfast replay`: a timeline, a verdict, and whatever a file may hold.

use std::{fs, net::TcpListener, path::Path};

use expect_test::expect;
use serde_json::Value;

use crate::command::{Ended, Scratch, assert_fits_80_columns, steadfast, steadfast_with};

const TRACES: [&str; 3] =
    ["refused-for-good.jsonl", "rolling-restart.jsonl", "suspended-laptop.jsonl"];

fn kept(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    fs::read_to_string(folder.join(name)).unwrap()
}

fn replay(trace: impl AsRef<[u8]>, options: &[&str]) -> Ended {
    steadfast_with(&[&["replay", "-"], options].concat(), trace.as_ref())
}

#[test]
fn a_trace_is_shown_as_a_timeline_of_80_columns() {
    let ended = replay(kept("refused-for-good.jsonl"), &[]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    expect![[r#"
           seconds  state       event, actions, wake
             1.000  connecting  start
                                → dial 1 (attempt 0); connect due in 10 s
             1.020  backoff     lost 1 (upgrade refused with HTTP 401)
                                → tell dial failed 1 (attempt 0, upgrade refused with
                                  HTTP 401, retry 1 in 613 ms)
                                retry due in 0.613450342 s
             1.633  connecting  tick
                                → dial 2 (attempt 1, fresh credentials)
                                connect due in 10 s
             1.653  open        opened 2
                                → tell up 2 (attempt 1, after 653 ms); ping due in 20 s
             1.673  backoff     lost 2 (connection reset)
                                → tell down 2 (after 20 ms, connection reset, retry 2 in
                                  1.4 s); retry due in 1.43863913 s
             3.112  connecting  tick
                                → dial 3 (attempt 2); connect due in 10 s
             3.117  backoff     lost 3 (upgrade refused with HTTP 503, retry after 7.0
                                  s)
                                → tell dial failed 3 (attempt 2, upgrade refused with
                                  HTTP 503, retry after 7.0 s, retry 3 in 9.8 s)
                                retry due in 9.839060751 s
             3.117  backoff     retry now
                                → tell rescheduled (retry 3 in 7.0 s); retry due in 7 s
            10.117  connecting  tick
                                → dial 4 (attempt 3); connect due in 10 s
            20.117  backoff     tick
                                → abort 4
                                → tell dial failed 4 (attempt 3, connecting timed out,
                                  retry 4 in 1.0 s); retry due in 1.084185908 s
            21.201  connecting  tick
                                → dial 5 (attempt 4); connect due in 10 s
            21.201  connecting  opened 1, stale; connect due in 10 s
            21.206  closed, fatal  lost 5 (upgrade refused with HTTP 401)
                                → tell dial failed 5 (attempt 4, upgrade refused with
                                  HTTP 401, no retry)
                                → tell closed (not retried: upgrade refused with HTTP
                                  401); no wake
            81.206  connecting  start
                                → dial 6 (attempt 0); connect due in 10 s
            81.206  closed      stop
                                → abort 6
                                → tell closed (stopped); no wake

        same: 15 calls are answered as recorded
    "#]]
    .assert_eq(&ended.stdout);
    for name in TRACES {
        assert_fits_80_columns(&replay(kept(name), &["--all"]).stdout);
    }
}

#[test]
fn what_connect_records_is_replayed() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let trace = Scratch::new("recorded.jsonl", "");
    let url = format!("ws://user:secret@{nobody}/?token=secret");
    let options = ["--max-retries", "2", "--min-delay", "1ms", "--max-delay", "20ms"];
    let connect = [&["connect", &url, "--record", trace.path()], &options[..]].concat();
    assert_eq!(steadfast(&connect).status, Some(1));
    let ended = steadfast(&["replay", trace.path()]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    assert_fits_80_columns(&ended.stdout);
    assert!(ended.stdout.contains("tell closed (gave up"), "{}", ended.stdout);
    assert!(!format!("{ended:?}{}", trace.content()).contains("secret"));
}

#[test]
fn calls_that_are_alike_are_counted_unless_all_are_asked_for() {
    let received = |options: &[&str]| {
        let timeline = replay(kept("rolling-restart.jsonl"), options).stdout;
        timeline.lines().filter(|line| line.contains("received 1;")).count()
    };
    assert_eq!(received(&[]), 1);
    assert_eq!(received(&["--all"]), 3);
    let timeline = replay(kept("rolling-restart.jsonl"), &[]).stdout;
    assert!(timeline.contains("\n     3.131              2 more of these; ping due in 20 s\n"));
}

#[test]
fn the_first_difference_ends_it_with_6_and_is_shown_part_by_part() {
    let other = kept("rolling-restart.jsonl").replace("\"seed\":1,", "\"seed\":2,");
    let ended = replay(&other, &[]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(6), ""));
    assert_fits_80_columns(&ended.stdout);
    let (_, difference) = ended.stdout.split_once("\n\n").unwrap();
    expect![[r#"
        line 10, at 27.145 s: lost 1 (closed by the peer with 1012 (service restart))

          action 1  expected  tell down 1 (after 26.1 s, closed by the peer with 1012
                                (service restart), retry 1 in 2.8 s)
                    actual    tell down 1 (after 26.1 s, closed by the peer with 1012
                                (service restart), retry 1 in 2.9 s)
          wake      expected  retry due in 2.876151718 s
                    actual    retry due in 2.996829698 s

        different: line 10 is answered differently
    "#]]
    .assert_eq(difference);
}

#[test]
fn a_difference_of_a_nanosecond_or_of_an_action_less_is_shown() {
    let trace = kept("rolling-restart.jsonl");
    let told = |from: &str, to: &str| {
        assert!(trace.contains(from));
        let ended = replay(trace.replacen(from, to, 1), &[]);
        assert_eq!(ended.status, Some(6));
        ended.stdout.split_once("\n\n").unwrap().1.to_owned()
    };
    let nanosecond = told("\"downtime\":\"31ms\"", "\"downtime\":\"31000001ns\"");
    assert!(nanosecond.contains("downtime: 31.000001ms"), "{nanosecond}");
    let action = told("[{\"Ping\":{\"epoch\":1,\"nonce\":1}}]", "[]");
    expect![[r#"
        line 7, at 23.131 s: tick

          action 1  expected  nothing
                    actual    ping 1 (nonce 1)

        different: line 7 is answered differently
    "#]]
    .assert_eq(&action);
    let state = told(
        "\"outcome\":\"Applied\"},\"state\":\"Open\"",
        "\"outcome\":\"Stale\"},\"state\":\"Idle\"",
    );
    expect![[r#"
        line 3, at 1.031 s: opened 1

          state     expected  idle
                    actual    open
          outcome   expected  stale
                    actual    applied

        different: line 3 is answered differently
    "#]]
    .assert_eq(&state);
}

#[test]
fn quiet_prints_the_verdict_alone() {
    let trace = kept("rolling-restart.jsonl");
    let verdict = |trace: &str| {
        let ended = replay(trace, &["-q"]);
        (ended.status, ended.stdout)
    };
    let same = "same: 24 calls are answered as recorded\n".to_owned();
    assert_eq!(verdict(&trace), (Some(0), same));
    let different = "different: line 10 is answered differently\n".to_owned();
    assert_eq!(verdict(&trace.replace("\"seed\":1,", "\"seed\":2,")), (Some(6), different));
    let torn = "same: 23 calls are answered as recorded; the last line is cut short\n".to_owned();
    assert_eq!(verdict(&trace[..trace.len() - 9]), (Some(0), torn));
}

#[test]
fn json_is_the_verdict_with_both_sides_of_a_difference() {
    let verdict = |trace: &str| -> Value {
        serde_json::from_str(&replay(trace, &["--json"]).stdout).unwrap()
    };
    let trace = kept("rolling-restart.jsonl");
    let same = verdict(&trace);
    assert_eq!((&same["is_same"], &same["calls"]), (&true.into(), &24.into()));
    assert_eq!((&same["line"], &same["expected"]), (&Value::Null, &Value::Null));
    // Lines are counted as an editor counts them.
    let different =
        verdict(&trace.replacen('\n', "\n\n\n", 1).replace("\"nonce\":1}", "\"nonce\":2}"));
    assert_eq!((&different["is_same"], &different["line"]), (&false.into(), &9.into()));
    assert_eq!(different["expected"]["step"]["actions"][0]["Ping"]["nonce"], 2);
    assert_eq!(different["actual"]["step"]["actions"][0]["Ping"]["nonce"], 1);
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
    for field in same.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{field}`")), "docs/cli.md does not have {field}");
    }
}

#[test]
fn what_is_no_trace_ends_with_2_and_the_line() {
    let trace = kept("rolling-restart.jsonl");
    let refused = |trace: &str| {
        let ended = replay(trace, &["-q"]);
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
        ended.stderr
    };
    assert_eq!(refused(""), "steadfast replay: -: the trace is empty\n");
    assert!(refused("hello\n").contains("line 1 is not the head of a trace"));
    let newer = trace.replace("\"steadfast_trace\":1", "\"steadfast_trace\":2");
    assert!(refused(&newer).contains("the trace has version 2, and only version 1 is understood"));
    let broken = refused(&trace.replacen("\"Received\"", "\"R\\u001b[2J\"", 1));
    assert!(broken.contains("line 4 is not a call of a machine: unknown variant `R\\u{1b}[2J`"));
    let (head, calls) = trace.split_once('\n').unwrap();
    let mut head: Value = serde_json::from_str(head).unwrap();
    head["policy"] = Value::Null;
    assert!(refused(&format!("{head}\n{calls}")).contains("the trace has no policy"));
    let missing = steadfast(&["replay", "no/such/trace"]);
    assert_eq!(missing.status, Some(2));
    assert!(missing.stderr.starts_with("steadfast replay: no/such/trace: "), "{}", missing.stderr);
}

#[test]
fn a_broken_line_is_told_after_what_was_read_before_it() {
    let file =
        Scratch::new("broken.jsonl", kept("rolling-restart.jsonl").replacen("Tick", "Tock", 1));
    let ended = steadfast(&["replay", file.path()]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.stdout.ends_with("2 more of these; ping due in 20 s\n\n"), "{}", ended.stdout);
    assert!(ended.stderr.contains("broken.jsonl: line 7 is not a call"), "{}", ended.stderr);
}

#[test]
fn whatever_a_file_holds_it_ends_with_a_verdict_and_disturbs_no_terminal() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut seen = [0; 3];
    for round in 0..200 {
        let mut trace = kept(TRACES[round % TRACES.len()]).into_bytes();
        for _ in 0..random.usize(1..4) {
            mutate(&mut trace, &mut random);
        }
        let ended = replay(&trace, &[]);
        let shown = || format!("{ended:?}\n{}", String::from_utf8_lossy(&trace));
        let verdict = [0, 2, 6].iter().position(|status| ended.status == Some(*status));
        seen[verdict.unwrap_or_else(|| panic!("{}", shown()))] += 1;
        let printed = ended.stdout.chars().chain(ended.stderr.chars());
        assert!(
            !printed.clone().any(|letter| letter.is_control() && letter != '\n'),
            "{}",
            shown()
        );
    }
    assert!(seen.iter().all(|times| *times >= 10), "{seen:?}");
}

/// Something that a hostile or an unlucky file may hold.
fn mutate(trace: &mut Vec<u8>, random: &mut fastrand::Rng) {
    let at = random.usize(..trace.len());
    let digits = |byte: &u8| byte.is_ascii_digit();
    match random.u8(..6) {
        0 => trace[at] = random.u8(..),
        1 => trace.truncate(at.max(1)),
        // A number that is as large as can be, or zero, or one more.
        2 | 3 => {
            let Some(from) = trace[at..].iter().position(digits).map(|offset| at + offset) else {
                return;
            };
            let until = trace[from..]
                .iter()
                .position(|byte| !digits(byte))
                .map_or(trace.len(), |n| from + n);
            let number = *random
                .choice(&["18446744073709551615", "4294967295", "0", "1", "-1", "65536"])
                .unwrap();
            trace.splice(from..until, number.bytes());
        }
        // A line twice, or one that is missing.
        4 => {
            let mut lines: Vec<_> =
                trace.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            let line = random.usize(..lines.len());
            if random.bool() {
                lines.insert(line, lines[line].clone());
            } else {
                lines.remove(line);
            }
            *trace = lines.concat();
            if trace.is_empty() {
                trace.push(b'\n');
            }
        }
        _ => {
            let letters =
                *random.choice(&["\\u001b[31m", "\u{9b}2J", "\\r", "\u{202e}", "\0"]).unwrap();
            trace.splice(at..at, letters.bytes());
        }
    }
}
