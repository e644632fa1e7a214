//! What a step costs: `cargo bench --bench machine --no-default-features`.
//!
//! One table sets the machine next to a hand-written one ([`flat`]) that plays the same scripts.
//! Instructions and allocations are counted by valgrind, under which this program runs itself
//! again: they do not depend on what else the computer does, and a count needs no `unsafe`
//! allocator. Each is taken of N and of 3N rounds, and the difference is free of the start-up.
//! Exits with 1 if a limit is exceeded. The limits on instructions are for x86-64.
//!
//! Without `--bench`, as `cargo test --benches` runs it, only the scripts are checked.

mod flat;
mod scripts;

use std::{
    env, fmt,
    hint::black_box,
    process::{Command as Process, ExitCode},
    time::Instant as Clock,
};

use flat::Flat;
use scripts::{attempts, mixed, received, upheaval};
use steadfast::{
    Action, Backoff, Command, Config, Event, Instant, Machine, Policy, Seed, Signal, Step,
};

/// How many times the scenarios take turns at the clock. Odd, for the median.
const TURNS: usize = 31;
/// How many events are timed in one turn, at least.
const EVENTS_A_TURN: u64 = 100_000;
/// How many rounds of a scenario valgrind counts first; then three times as many.
const COUNTED_ROUNDS: u64 = 500;
/// The argument that makes this program play one scenario, for valgrind.
const PLAY: &str = "--play";
/// The verdict where valgrind is there but gave no count, or one that cannot be trusted.
const FAILED: &str = "NOT MEASURED (valgrind failed)";

type Shared<'a> = Machine<&'a Backoff, &'a Config>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    let (backoff, config) = (Backoff::default(), Config::default());
    let scenarios = scenarios(&backoff, &config);
    if let [_, PLAY, name, rounds] = args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        let rounds = rounds.parse().expect("a number of rounds");
        let scenario = scenarios.iter().find(|scenario| scenario.name == name);
        (scenario.expect("a scenario").play)(rounds);
        return ExitCode::SUCCESS;
    }
    check_scripts(&backoff, &config);
    if !args.iter().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let table = measure(&scenarios);
    print!("{table}");
    if table.rows.iter().any(Row::fails) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

// ---- what is measured ----

/// Something to play again and again. What it needs is made beforehand.
struct Scenario<'a> {
    name: &'static str,
    events_a_round: u64,
    play: Box<dyn Fn(u64) + 'a>,
}

fn scenarios<'a>(backoff: &'a Backoff, config: &'a Config) -> Vec<Scenario<'a>> {
    let fresh = Machine::new(config, backoff, Seed::new(7), Instant::ORIGIN);
    let (mut open, mut flat_open) = (fresh.clone(), flat());
    for &(now, event) in &upheaval()[..2] {
        let _ = open.handle(now, event);
        flat_open.handle(now.as_nanos(), flatten(event));
    }
    let settings = flat_settings();
    vec![
        scenario("received", received(), move |script| play(&open, script)),
        scenario("flat received", flat_script(&received()), move |script| {
            play_flat(&flat_open, script);
        }),
        scenario("mixed", mixed(), {
            let fresh = fresh.clone();
            move |script| play(&fresh, script)
        }),
        scenario("flat mixed", flat_script(&mixed()), move |script| play_flat(&flat(), script)),
        scenario("upheaval", upheaval(), move |script| play(&fresh, script)),
        scenario("flat upheaval", flat_script(&upheaval()), |script| play_flat(&flat(), script)),
        scenario("draw", attempts(), move |attempts| {
            let backoff = black_box(backoff);
            for attempt in attempts {
                black_box(backoff.draw_nanos(attempt.number, attempt.entropy));
            }
        }),
        scenario("decide", attempts(), move |attempts| {
            let mut policy = black_box(backoff);
            for attempt in attempts {
                black_box(policy.decide(attempt));
            }
        }),
        scenario("flat draw", attempts(), move |attempts| {
            let settings = black_box(&settings);
            for attempt in attempts {
                black_box(settings.delay(attempt.number, attempt.entropy));
            }
        }),
        // Shows that allocations are counted at all.
        scenario("one allocation", vec![0_u64], |numbers| {
            black_box(Box::new(numbers[0]));
        }),
    ]
}

fn scenario<'a, T: 'a>(
    name: &'static str,
    script: Vec<T>,
    play: impl Fn(&[T]) + 'a,
) -> Scenario<'a> {
    let events_a_round = script.len() as u64;
    let play = move |rounds| {
        for _ in 0..rounds {
            play(black_box(&script));
        }
    };
    Scenario { name, events_a_round, play: Box::new(play) }
}

/// Drives a copy of `start` through `script`, as a driver would: every action, then the wake.
fn play(start: &Shared<'_>, script: &[(Instant, Event)]) {
    let mut machine = start.clone();
    let machine = black_box(&mut machine);
    for &(now, event) in script {
        let step = machine.handle(now, event);
        for action in step.actions.iter() {
            black_box(action);
        }
        black_box(step.wake.instant());
    }
}

fn play_flat(start: &Flat, script: &[(u64, flat::Event)]) {
    let mut machine = start.clone();
    let machine = black_box(&mut machine);
    for &(now, event) in script {
        let answer = machine.handle(now, event);
        if let Some(action) = answer.action {
            black_box(action);
        }
        black_box(answer.wake);
    }
}

fn flat() -> Flat {
    Flat::new(flat_settings(), 7)
}

/// The same as the defaults of `Config` and `Backoff`.
fn flat_settings() -> flat::Settings {
    let millis = |millis: u64| millis * 1_000_000;
    flat::Settings {
        connect_timeout: millis(10_000),
        close_timeout: millis(2_000),
        ping_interval: millis(20_000),
        pong_timeout: millis(10_000),
        base: millis(500),
        cap: millis(30_000),
        floor: millis(100),
    }
}

fn flat_script(script: &[(Instant, Event)]) -> Vec<(u64, flat::Event)> {
    script.iter().map(|&(now, event)| (now.as_nanos(), flatten(event))).collect()
}

fn flatten(event: Event) -> flat::Event {
    match event {
        Event::Command(Command::Start) => flat::Event::Start,
        Event::Command(Command::Stop) => flat::Event::Stop,
        Event::Transport(epoch, signal) => {
            let id = epoch.get();
            match signal {
                Signal::Opened => flat::Event::Opened { id },
                Signal::Received => flat::Event::Received { id },
                Signal::Pong(nonce) => flat::Event::Pong { id, nonce: nonce.get() },
                Signal::Lost(_) => flat::Event::Lost { id },
                other => panic!("no script has {other:?}"),
            }
        }
        Event::Tick => flat::Event::Tick,
        other => panic!("no script has {other:?}"),
    }
}

/// Both machines must do the same things to the transport, or the comparison means nothing.
fn check_scripts(backoff: &Backoff, config: &Config) {
    check(backoff, config, mixed(), "D......P.....D.C", (2, 0, 0));
    check(backoff, config, upheaval(), "D...P....D....C.", (2, 1, 1));
}

/// Plays `script` and holds what is done, and how many connections opened and how many events came
/// too late or made no sense, against what is expected.
fn check(
    backoff: &Backoff,
    config: &Config,
    script: Vec<(Instant, Event)>,
    expected: &str,
    counts: (u32, u32, u32),
) {
    let mut machine = Machine::new(config, backoff, Seed::new(7), Instant::ORIGIN);
    let mut flat = flat();
    let mut done = String::new();
    for (now, event) in script {
        let step = machine.handle(now, event);
        let theirs = flat.handle(now.as_nanos(), flatten(event)).action;
        let ours = step.actions.iter().find(|action| !matches!(action, Action::Notify(_)));
        let name = match (ours, theirs) {
            (Some(Action::Dial { .. }), Some(flat::Action::Dial { .. })) => "D",
            (Some(Action::Ping { .. }), Some(flat::Action::Ping { .. })) => "P",
            (Some(Action::Close { .. }), Some(flat::Action::Close { .. })) => "C",
            (None, None) => ".",
            differ => panic!("at {event:?}: {differ:?}"),
        };
        done.push_str(name);
    }
    assert_eq!(done, expected);
    let stats = machine.stats();
    assert_eq!((stats.opens, stats.stale, stats.inapplicable), counts);
}

// ---- how it is measured ----

fn measure(scenarios: &[Scenario<'_>]) -> Table {
    let times = nanoseconds(scenarios);
    let find = |name: &str| scenarios.iter().position(|scenario| scenario.name == name);
    let mut table = Table::default();
    for (name, most_instructions, most_nanoseconds) in
        [("received", 60.0, Some(10.0)), ("mixed", 120.0, None), ("draw", 30.0, None)]
    {
        let flat = find(&format!("flat {name}")).expect("a flat scenario");
        let ours = find(name).expect("a scenario");
        let instructions = |index: usize| counted(&scenarios[index], instructions);
        let of = |unit| format!("{name}: {unit}");
        table.add(of("instructions"), instructions(flat), instructions(ours), most_instructions);
        table.add(of("ns"), Some(times[flat]), Some(times[ours]), most_nanoseconds);
    }
    let counts = find("one allocation").and_then(|index| counted(&scenarios[index], allocations));
    for name in ["received", "mixed", "draw"] {
        let per_event = |name: &str| {
            counts.filter(|&one| one == 1.0)?;
            counted(&scenarios[find(name)?], allocations)
        };
        let flat = per_event(&format!("flat {name}"));
        table.add(format!("{name}: allocations"), flat, per_event(name), 0.0);
    }
    let size = |size: usize| Some(size as f64);
    // For information: a script without a quiet moment, and a whole decision, limits and all.
    for name in ["upheaval", "decide"] {
        let ours = find(name).expect("a scenario");
        let flat = find(&format!("flat {name}"));
        let instructions = |index: usize| counted(&scenarios[index], instructions);
        let of = |unit| format!("{name}: {unit}");
        table.add(of("instructions"), flat.and_then(instructions), instructions(ours), None);
        table.add(of("ns"), flat.map(|flat| times[flat]), Some(times[ours]), None);
    }
    table.add("bytes of a machine", size(size_of::<Flat>()), size(size_of::<Shared<'_>>()), 128.0);
    table.add("bytes of an event", size(size_of::<flat::Event>()), size(size_of::<Event>()), 16.0);
    table.add("bytes of a step", size(size_of::<flat::Answer>()), size(size_of::<Step>()), 256.0);
    table
}

/// The median time for one event of each scenario. They take turns, so that a busy moment or a
/// change of the clock rate meets all of them.
fn nanoseconds(scenarios: &[Scenario<'_>]) -> Vec<f64> {
    let mut turns = vec![Vec::with_capacity(TURNS); scenarios.len()];
    for _ in 0..TURNS {
        for (scenario, turns) in scenarios.iter().zip(&mut turns) {
            let rounds = EVENTS_A_TURN.div_ceil(scenario.events_a_round);
            let begun = Clock::now();
            (scenario.play)(rounds);
            let events = (rounds * scenario.events_a_round) as f64;
            turns.push(begun.elapsed().as_secs_f64() * 1e9 / events);
        }
    }
    for turns in &mut turns {
        turns.sort_by(f64::total_cmp);
    }
    turns.iter().map(|turns| turns[TURNS / 2]).collect()
}

/// What `count` counts for one event; `None` if it could not.
fn counted(scenario: &Scenario<'_>, count: fn(&str, u64) -> Option<f64>) -> Option<f64> {
    let once = count(scenario.name, COUNTED_ROUNDS)?;
    let thrice = count(scenario.name, 3 * COUNTED_ROUNDS)?;
    Some((thrice - once) / (2 * COUNTED_ROUNDS * scenario.events_a_round) as f64)
}

fn instructions(scenario: &str, rounds: u64) -> Option<f64> {
    let options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    number_after("Collected : ", &valgrind(&options, scenario, rounds)?)
}

fn allocations(scenario: &str, rounds: u64) -> Option<f64> {
    let options = ["--tool=memcheck", "--leak-check=no"];
    number_after("total heap usage: ", &valgrind(&options, scenario, rounds)?)
}

/// What valgrind says of this program playing `scenario`.
fn valgrind(options: &[&str], scenario: &str, rounds: u64) -> Option<String> {
    let output = Process::new("valgrind")
        .args(options)
        .arg(env::current_exe().ok()?)
        .args([PLAY, scenario, &rounds.to_string()])
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn number_after(label: &str, text: &str) -> Option<f64> {
    let (_, rest) = text.split_once(label)?;
    let number = rest.split(|c: char| !c.is_ascii_digit() && c != ',').next()?;
    number.replace(',', "").parse().ok()
}

// ---- how it is shown ----

/// One line for each metric: `name flat steadfast limit ok|OVER`.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    flat: Option<f64>,
    measured: Option<f64>,
    limit: Option<f64>,
}

impl Table {
    fn add(
        &mut self,
        name: impl Into<String>,
        flat: Option<f64>,
        measured: Option<f64>,
        limit: impl Into<Option<f64>>,
    ) {
        self.rows.push(Row { name: name.into(), flat, measured, limit: limit.into() });
    }
}

impl Row {
    fn verdict(&self) -> &'static str {
        match (self.measured, self.limit) {
            (Some(measured), Some(limit)) if measured > limit => "OVER",
            (Some(_), Some(_)) => "ok",
            (Some(_), None) => "",
            (None, _) if Process::new("valgrind").arg("--version").output().is_err() => {
                "NOT MEASURED (valgrind not installed)"
            }
            (None, _) => FAILED,
        }
    }

    fn fails(&self) -> bool {
        matches!(self.verdict(), "OVER" | FAILED)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
        writeln!(f, "{:<22} {:>8} {:>10} {:>8}", "for each event", "flat", "steadfast", "limit")?;
        for row in &self.rows {
            let [flat, measured, limit] = [row.flat, row.measured, row.limit].map(cell);
            let line = format!("{:<22} {flat:>8} {measured:>10} {limit:>8}", row.name);
            writeln!(f, "{}", format!("{line} {}", row.verdict()).trim_end())?;
        }
        Ok(())
    }
}
