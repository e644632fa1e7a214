//! Traces: what a recorder writes, what can be read, and what replaying finds.
#![cfg(feature = "trace")]

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
};

use steadfast::{
    Attempt, Backoff, CloseCode, Command, Config, Decision, Event, Failure, FailureKind, Instant,
    Network, PeerClose, Seed, Signal, StateMachine,
    trace::{Reader, Recorder, ReplayError, Timeline, Trace, TraceError},
};

const HEAD: &str = r#"{"steadfast_trace":1,"config":{},"policy":{},"seed":7,"now":0}"#;

fn recorder<W: Write>(out: W) -> Recorder<W> {
    Recorder::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN, out)
}

/// A life with something of everything.
fn live(machine: &mut impl StateMachine) {
    let mut now = Instant::ORIGIN;
    let _ = machine.handle(now, Command::Start.into());
    let told = PeerClose::from(CloseCode::SERVICE_RESTART)
        .with_spread_over(core::time::Duration::from_secs(30));
    for signal in [
        Signal::Lost(FailureKind::Refused.into()),
        Signal::Opened,
        Signal::Received,
        Signal::ReadPaused,
        Signal::ReadResumed,
        Signal::CloseReceived(told),
        Signal::Lost(FailureKind::Reset.into()),
        Signal::Lost(
            Failure::from(FailureKind::Http(503))
                .with_retry_after(core::time::Duration::from_millis(1_500)),
        ),
        Signal::Opened,
    ] {
        let _ = machine.handle(now, Event::Transport(machine.epoch(), signal));
        now = now.max(machine.wake().instant().unwrap_or(now));
        let _ = machine.handle(now, Event::Tick);
    }
    for command in [
        Command::Probe,
        Command::RetryNow,
        Command::Network(Network::Offline),
        Command::Network(Network::Online),
        Command::Stop,
    ] {
        let _ = machine.handle(now, command.into());
    }
}

fn recorded() -> Vec<u8> {
    let mut machine = recorder(Vec::new());
    live(&mut machine);
    machine.finish().unwrap()
}

fn read(text: &str) -> Result<Trace, TraceError> {
    Trace::read(text.as_bytes())
}

#[test]
fn what_was_recorded_is_read_and_replayed_to_the_same_steps() {
    let written = recorded();
    let trace = Trace::read(written.as_slice()).unwrap();
    assert_eq!(trace.entries.len(), 24);
    assert_eq!((trace.seed, trace.now, trace.is_torn), (Seed::new(7), Instant::ORIGIN, false));
    trace.replay().unwrap();
    let mut again = Vec::new();
    trace.write(&mut again).unwrap();
    assert_eq!(String::from_utf8(again), String::from_utf8(written));
    assert_eq!(trace.recorded_anew().unwrap(), trace);
}

#[test]
fn a_recorder_answers_as_the_machine_does() {
    let mut recorder = recorder(io::sink());
    let mut machine = steadfast::Machine::new(
        Config::default(),
        Backoff::default(),
        Seed::new(7),
        Instant::ORIGIN,
    );
    live(&mut recorder);
    live(&mut machine);
    assert_eq!(StateMachine::state(&recorder), machine.state());
    assert_eq!(StateMachine::stats(&recorder), machine.stats());
    assert_eq!(StateMachine::since(&recorder), machine.since());
    assert_eq!(StateMachine::failures(&recorder), machine.failures());
    assert_eq!(StateMachine::last_failure(&recorder), machine.last_failure());
}

#[test]
fn the_first_line_that_is_answered_differently_is_told_with_what_came_before() {
    let mut trace = Trace::read(recorded().as_slice()).unwrap();
    trace.seed = Seed::new(8);
    let Err(ReplayError::Difference(difference)) = trace.replay() else { panic!() };
    assert_eq!(difference.line, 3);
    assert_eq!(difference.before, trace.entries[..1]);
    assert_eq!(
        difference.to_string(),
        "\
line 3 is answered differently
time  state       event  actions; wake
0 s   connecting  start  dial 1 (attempt 0); connect due in 10 s
expected: 0 s  backoff  lost 1 (connection refused)  tell dial failed 1 (attempt 0, connection \
refused, retry 1 in 255 ms); retry due in 0.255931899 s
actual:   0 s  backoff  lost 1 (connection refused)  tell dial failed 1 (attempt 0, connection \
refused, retry 1 in 347 ms); retry due in 0.34740185 s"
    );
}

#[test]
fn a_long_life_before_a_difference_is_cut_to_its_end() {
    let mut trace = Trace::read(recorded().as_slice()).unwrap();
    trace.entries.last_mut().unwrap().at = Instant::ORIGIN;
    let last = trace.entries.len() - 1;
    trace.entries[last].step.wake = trace.entries[0].step.wake;
    let error = trace.replay().unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1 + 1 + 5 + 2, "{error}");
}

#[test]
fn a_policy_that_cannot_be_written_is_supplied_for_the_replay() {
    let policy = || |attempt: &Attempt| Decision::RetryAfter(attempt.elapsed);
    let mut machine = Recorder::without_policy(
        Config::default(),
        policy(),
        Seed::new(1),
        Instant::ORIGIN,
        Vec::new(),
    );
    live(&mut machine);
    let trace = Trace::read(machine.finish().unwrap().as_slice()).unwrap();
    assert!(trace.policy.is_none());
    trace.replay_with(policy()).unwrap();
    let error = trace.replay().unwrap_err().to_string();
    assert_eq!(error, "the trace has no policy: replay it with the one that was recorded");
}

#[test]
fn a_trace_that_was_cut_short_is_read_up_to_there() {
    let written = String::from_utf8(recorded()).unwrap();
    let whole = read(&written).unwrap().entries.len();
    let torn = read(&written[..written.len() - 20]).unwrap();
    assert_eq!((torn.entries.len(), torn.is_torn), (whole - 1, true));
    torn.replay().unwrap();
    let unfinished = read(written.trim_end()).unwrap();
    assert_eq!((unfinished.entries.len(), unfinished.is_torn), (whole, false));
}

#[test]
fn what_editors_and_power_failures_leave_at_the_ends_does_no_harm() {
    let written = String::from_utf8(recorded()).unwrap();
    let whole = read(&written).unwrap();
    for kind in ["\u{feff}{}", "{}\n\n", "{}  ", "{}\r\n"] {
        assert_eq!(read(&kind.replace("{}", &written)).unwrap(), whole, "{kind:?}");
    }
    let zeros = read(&format!("{written}{}", "\0".repeat(512))).unwrap();
    assert_eq!((zeros.entries.len(), zeros.is_torn), (whole.entries.len(), true));
}

#[test]
fn a_difference_that_rounding_hides_is_told_in_full() {
    let mut trace = Trace::read(recorded().as_slice()).unwrap();
    let refused = &mut trace.entries[1];
    let steadfast::Wake::At(due, timer) = refused.step.wake else { panic!() };
    refused.at = due;
    let Err(ReplayError::Difference(difference)) = trace.replay() else { panic!() };
    let text = difference.to_string();
    let (expected, actual) = (text.lines().nth(2).unwrap(), text.lines().last().unwrap());
    assert_ne!(expected["expected: ".len()..], actual["actual:   ".len()..], "{timer:?}: {text}");
}

#[test]
fn what_is_no_trace_is_refused_with_the_line_and_the_reason() {
    let refused = |text: &str| read(text).unwrap_err().to_string();
    assert_eq!(refused(""), "the trace is empty");
    assert_eq!(
        refused("hello\n"),
        "line 1 is not the head of a trace: expected value, at column 1"
    );
    assert!(refused("{}\n").starts_with("line 1 is not the head of a trace: missing field"));
    assert_eq!(
        refused("{\"steadfast_trace\":2,\"later\":true}\n"),
        "the trace has version 2, and only version 1 is understood"
    );
    let wrong = HEAD.replace("\"config\":{}", "\"config\":{\"connect_timeout\":\"0s\"}");
    assert!(refused(&wrong).contains("connect_timeout"), "{}", refused(&wrong));
    assert!(refused(&format!("{HEAD}\n{{}}\n")).starts_with("line 2 is not a call of a machine: "));
    let cut = format!("{HEAD}\n{{\"at\":\n");
    assert!(refused(&cut).starts_with("line 2 is not a call"), "only a last line may be torn");
    assert!(matches!(Trace::read(&b"\xff\n"[..]), Err(TraceError::Header(_))));
    let alien = [HEAD.as_bytes(), b"\n\n{\"at\":0,\"event\":\"\xff\"}\n"].concat();
    let alien = Trace::read(alien.as_slice()).unwrap_err().to_string();
    assert_eq!(
        alien,
        "line 3 is not a call of a machine: invalid unicode code point, at column 18"
    );
    let mut alien = read(HEAD).unwrap();
    alien.policy = Some("full".into());
    assert!(matches!(alien.replay(), Err(ReplayError::Policy(_))));
}

#[test]
fn a_line_without_an_end_is_refused_before_it_fills_the_memory() {
    let endless = |start: &str| {
        let spaces = io::BufReader::new(io::repeat(b' '));
        Trace::read(io::Read::chain(start.as_bytes(), spaces)).unwrap_err().to_string()
    };
    assert_eq!(endless(""), "line 1 is longer than 1048576 bytes");
    assert_eq!(endless(&format!("{HEAD}\n")), "line 2 is longer than 1048576 bytes");
}

#[test]
fn a_reader_counts_the_lines_of_the_file_and_ends_after_an_error() {
    let written = String::from_utf8(recorded()).unwrap();
    let (head, calls) = written.split_once('\n').unwrap();
    let first = calls.lines().next().unwrap();
    let text = format!("{head}\n\n{first}\n\nno call\n{first}\n");
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    assert_eq!((reader.line(), reader.head().entries.len()), (1, 0));
    assert!(reader.next().unwrap().is_ok());
    assert_eq!(reader.line(), 3);
    assert!(matches!(reader.next(), Some(Err(TraceError::Entry { line: 5, .. }))));
    assert!(reader.next().is_none());
}

#[test]
fn a_trace_of_an_older_release_gets_the_defaults_for_what_it_does_not_say() {
    let trace = read(HEAD).unwrap();
    assert_eq!(trace.config, Config::default());
    assert_eq!(trace.policy_as::<Backoff>().unwrap(), Backoff::default());
}

/// A disk that is full after so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0 {
            0 => Err(io::ErrorKind::StorageFull.into()),
            room => {
                let taken = room.min(bytes.len());
                self.0 -= taken;
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_connection() {
    let mut machine = recorder(Full(1_000));
    assert!(machine.error().is_none());
    live(&mut machine);
    assert_eq!(machine.state(), steadfast::State::Closing);
    assert_eq!(machine.error().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
    assert!(machine.finish().is_err());
}

/// Every trace in `tests/traces` is a regression test: a machine does today what it did when the
/// trace was recorded. With `STEADFAST_UPDATE_TRACES=1` they are recorded anew, for a change of
/// behaviour that is meant.
#[test]
fn every_trace_that_was_kept_is_replayed_to_the_same_steps() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut replayed = 0;
    for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.display();
        let trace = Trace::read(fs::read(&path).unwrap().as_slice());
        let trace = trace.unwrap_or_else(|error| panic!("{name}: {error}"));
        if env::var_os("STEADFAST_UPDATE_TRACES").is_some() {
            let anew = trace.recorded_anew().unwrap();
            anew.write(fs::File::create(&path).unwrap()).unwrap();
            println!("{name}\n{}", Timeline(&anew.entries));
        } else {
            trace.replay().unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        replayed += 1;
    }
    assert!(replayed >= 3, "traces are missing in {}", folder.display());
}
