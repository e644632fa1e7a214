//! `docs/transitions.md`: every state and event, what comes out, and which deadline runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::OnceLock,
};

use steadfast::{Command, Network, Outcome, Signal};

use crate::{
    document::{self, line, with_block},
    explore::{Input, Transition, configs, explore},
    failures::variants,
    outcome::{Place, Told, is_ambiguous},
    rules::{Facts, rules},
};

/// What came of one event in one state, and in which cases.
type Cell = BTreeMap<Told, BTreeSet<Facts>>;

/// What was found.
pub(crate) struct Found {
    pub(crate) cells: BTreeMap<(Place, Input), Cell>,
    states: usize,
    transitions: u64,
}

/// Everything that there is, looked for once.
pub(crate) fn found() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut cells: BTreeMap<_, Cell> = BTreeMap::new();
        let (states, transitions) = explore(&configs(), |taken| {
            if is_early(taken) {
                assert!(taken.step.actions.is_empty(), "a tick before its time is harmless");
                return;
            }
            // A deadline that began at this very instant may be the same one or a new one.
            if is_ambiguous(taken) {
                return;
            }
            let place = Place::of(taken.from.machine.state());
            let cell = cells.entry((place, taken.input)).or_default();
            cell.entry(Told::of(taken))
                .or_default()
                .insert(taken.from.facts(taken.at, taken.input));
        });
        Found { cells, states, transitions }
    })
}

/// Time, before anything is due.
fn is_early(taken: &Transition<'_>) -> bool {
    taken.input == Input::Time && taken.from.due().is_none_or(|due| taken.at < due)
}

/// Where each event leads from each state.
fn overview(found: &Found) -> String {
    let links = Place::ALL.map(|place| format!("[{place}](#{})", place.to_string().to_lowercase()));
    let mut table = line(["event".to_owned()].into_iter().chain(links));
    table.push_str(&line(["---"; 8]));
    let mut events: Vec<&str> = Input::ALL.map(Input::event).to_vec();
    events.dedup();
    for event in events {
        let inputs = || Input::ALL.into_iter().filter(|input| input.event() == event);
        let cells = Place::ALL.map(|place| {
            let told = inputs().flat_map(|input| found.cells.get(&(place, input)));
            leads(place, told.flat_map(|cell| cell.keys()))
        });
        table.push_str(&line([event.to_owned()].into_iter().chain(cells)));
    }
    table
}

fn leads<'a>(place: Place, told: impl Iterator<Item = &'a Told>) -> String {
    let (mut words, mut places) = (BTreeSet::new(), BTreeSet::new());
    for told in told {
        match told {
            Told::Stale => drop(words.insert("stale")),
            Told::Inapplicable => drop(words.insert("–")),
            Told::Applied { then, .. } if *then == place => drop(words.insert("stays")),
            Told::Applied { then, .. } => drop(places.insert(*then)),
        }
    }
    if words.len() + places.len() > 1 {
        words.remove("–");
    }
    let places = places.into_iter().map(|place| format!("**{place}**"));
    words.into_iter().map(str::to_owned).chain(places).collect::<Vec<_>>().join(", ")
}

/// All that can happen in each state.
fn details(found: &Found) -> String {
    let mut text = String::new();
    for place in Place::ALL {
        writeln!(text, "### {place}\n").unwrap();
        // What does the same stands together.
        let mut alike: Vec<(Vec<Input>, Vec<[String; 4]>)> = Vec::new();
        for input in Input::ALL {
            let Some(cell) = found.cells.get(&(place, input)) else { continue };
            let lines = lines(place, cell);
            match alike.iter_mut().find(|(_, others)| *others == lines) {
                Some((inputs, _)) => inputs.push(input),
                None => alike.push((vec![input], lines)),
            }
        }
        text.push_str(&line(["event", "when", "what comes out", "then", "deadline"]));
        text.push_str(&line(["---"; 5]));
        for (inputs, lines) in alike {
            for [when, actions, then, deadline] in lines {
                text.push_str(&line([names(&inputs), when, actions, then, deadline]));
            }
        }
        text.push('\n');
    }
    text
}

/// The events, with what is said about them unless it is all that can be said.
fn names(inputs: &[Input]) -> String {
    let mut names: Vec<String> = Vec::new();
    for input in inputs {
        let of_its_kind = |other: &&Input| other.event() == input.event();
        let all = Input::ALL.iter().filter(of_its_kind).count();
        let name = match inputs.iter().filter(of_its_kind).count() {
            here if here == all => input.event().to_owned(),
            _ => format!("{}, {}", input.event(), input.which()),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join("; ")
}

fn lines(place: Place, cell: &Cell) -> Vec<[String; 4]> {
    let line = |(told, these): (&Told, &BTreeSet<Facts>)| {
        let others = cell.iter().filter(|(other, _)| *other != told);
        let others: BTreeSet<Facts> = others.flat_map(|(_, facts)| facts).copied().collect();
        let when = rules(these, &others).join("; or ");
        match told {
            Told::Stale => [when, String::new(), "stale".into(), String::new()],
            Told::Inapplicable => [when, String::new(), "inapplicable".into(), String::new()],
            Told::Applied { actions, then, deadline } => {
                let then = if *then == place { "stays".into() } else { format!("**{then}**") };
                let said: Vec<_> =
                    actions.iter().filter(|said| !said.is_empty()).copied().collect();
                [when, said.join(", "), then, deadline.to_string()]
            }
        }
    };
    cell.iter().map(line).collect()
}

#[test]
fn the_page_about_transitions_says_what_the_machine_does() {
    let found = found();
    let size = format!(
        "It was taken through {} states that differ in something that matters, by {} transitions.\n",
        grouped(found.states as u64),
        grouped(found.transitions),
    );
    let page = document::read("docs/transitions.md");
    let page = with_block(&page, "size", &size);
    let page = with_block(&page, "overview", &overview(found));
    let page = with_block(&page, "details", &details(found));
    document::check("docs/transitions.md", &page);
}

/// With commas.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

#[test]
fn the_page_about_transitions_has_every_event_that_there_is() {
    let names: Vec<_> = Input::ALL.map(|input| input.event().trim_matches('`')).to_vec();
    let networks = variants::<Network>().into_iter().map(|network| format!("Network({network})"));
    let commands = variants::<Command>().into_iter().filter(|name| name != "Network");
    for event in networks.chain(commands).chain(variants::<Signal>()) {
        assert!(names.contains(&event.as_str()), "{event} is not on the page");
    }
}

/// What the page says of a command that comes when a deadline is due.
#[test]
fn a_command_that_comes_when_a_deadline_is_due_is_applied_after_it() {
    let mut compared = 0;
    // One configuration will do: what is settled first does not depend on it.
    explore(&configs()[..1], |taken| {
        let Some(due) = taken.from.due().filter(|_| taken.input == Input::Time) else { return };
        let at = due.max(taken.at);
        let (ticked, first) = taken.from.step(at, Input::Time);
        for input in [Input::Start, Input::Stop, Input::RetryNow, Input::Probe, Input::Offline] {
            let stops_a_dial =
                input == Input::Stop && Place::of(taken.from.machine.state()) == Place::Backoff;
            if stops_a_dial {
                continue;
            }
            let (together, step) = taken.from.step(at, input);
            let (apart, second) = ticked.step(at, input);
            let one_by_one: Vec<_> = first.actions.iter().chain(second.actions.iter()).collect();
            assert_eq!(step.actions.iter().collect::<Vec<_>>(), one_by_one, "{input:?}");
            assert_eq!(together.machine.shape(), apart.machine.shape(), "{input:?}");
            assert_eq!(step.outcome == Outcome::Applied, second.outcome == Outcome::Applied);
            compared += 1;
        }
    });
    assert!(compared > 0);
}
