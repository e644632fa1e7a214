//! The documents lead somewhere, and the guide is as rustdoc needs it. What can be made is made: set
//! `UPDATE_DOCS` to write it.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use steadfast::{
    Action, Backoff, Command, Config, Event, Heartbeat, Instant, Machine, Nonce, Seed, Signal,
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files with this extension in a folder and below it, in order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The lines of a page that are not code.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    page.lines().filter(move |line| {
        let fence = line.starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// The definitions of a page, `[label]: target`.
fn definitions(page: &str) -> Vec<(&str, &str)> {
    prose(page)
        .filter_map(|line| line.strip_prefix('[')?.split_once("]: "))
        .filter(|(label, _)| !label.contains(']'))
        .collect()
}

fn labels(page: &str) -> BTreeSet<String> {
    definitions(page).into_iter().map(|(label, _)| label.to_owned()).collect()
}

/// Where the links within the lines of a page lead, `[text](target)`.
fn inline_targets(page: &str) -> Vec<&str> {
    prose(page)
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .collect()
}

fn is_relative(target: &str) -> bool {
    !target.contains(':') && !target.starts_with('#')
}

/// Compares a file with what it should be, or writes it.
fn assert_is(path: &Path, new: &str) {
    if env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(path, new).expect("writable");
    }
    assert!(read(path) == new, "{}: set UPDATE_DOCS and run this again", path.display());
}

#[test]
fn every_relative_link_in_the_documents_leads_to_a_file() {
    let mut dead = Vec::new();
    let documents = files(&root().join("docs"), "md");
    for document in documents.into_iter().chain([root().join("README.md")]) {
        let page = read(&document);
        let folder = document.parent().expect("a folder");
        let targets = definitions(&page).into_iter().map(|(_, target)| target);
        for target in targets.chain(inline_targets(&page)).filter(|it| is_relative(it)) {
            let file = target.split('#').next().unwrap_or_default();
            if !folder.join(file).exists() {
                dead.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_link_of_the_guide_leads_to_what_it_names_and_somewhere_in_rustdoc_too() {
    let [links, pictures] =
        ["links.md", "pictures.md"].map(|it| read(&root().join("src/guide").join(it)));
    let [links, pictures] = [&links, &pictures].map(|it| labels(it));
    let mut used = BTreeSet::new();
    for chapter in files(&root().join("docs/guide"), "md") {
        let (name, page) = (chapter.display(), read(&chapter));
        let dead: Vec<_> = inline_targets(&page).into_iter().filter(|it| is_relative(it)).collect();
        assert!(dead.is_empty(), "{name}: {dead:?} needs a definition");
        for (label, target) in definitions(&page).into_iter().filter(|(_, it)| it.ends_with(".rs"))
        {
            let source = read(&chapter.with_file_name(target));
            let item = label.trim_matches('`').rsplit("::").next().unwrap_or_default();
            let kinds = ["struct", "enum", "trait", "fn"];
            let is_there = kinds.iter().any(|kind| source.contains(&format!("pub {kind} {item}")));
            assert!(is_there || !label.starts_with('`'), "{name}: {label} is not in {target}");
        }
        for label in labels(&page) {
            let is_known = links.contains(&label) || pictures.contains(&label);
            assert!(is_known, "{name}: [{label}] is not in src/guide/links.md");
            assert!(page.matches(&format!("[{label}]")).count() > 1, "{name}: [{label}] is idle");
            used.insert(label);
        }
    }
    let idle: Vec<_> = links.difference(&used).collect();
    assert!(idle.is_empty(), "src/guide/links.md: no chapter has {idle:?}");
}

#[test]
fn the_pictures_in_rustdoc_are_those_of_the_guide() {
    let mut pictures = String::new();
    for picture in files(&root().join("docs/guide"), "svg") {
        let name = picture.file_stem().expect("a name").to_string_lossy();
        let svg = read(&picture).replace('\n', "");
        // What would end the link, or begin its fragment.
        let mut escaped = svg.replace('%', "%25");
        for letter in ['#', '<', '>'] {
            escaped = escaped.replace(letter, &format!("%{:02X}", u32::from(letter)));
        }
        writeln!(pictures, "[{name}]: <data:image/svg+xml,{escaped}>").expect("a string");
    }
    pictures.push('\n');
    assert!(pictures.len() < 40_000, "{} bytes", pictures.len());
    assert_is(&root().join("src/guide/pictures.md"), &pictures);
}

#[test]
fn the_chapter_about_heartbeats_says_what_the_machine_does() {
    let path = root().join("docs/guide/heartbeats.md");
    let page = read(&path);
    let begin = "<!-- settings -->\n";
    let (before, rest) = page.split_once(begin).expect("the table");
    let (_, after) = rest.split_once("<!-- end -->").expect("the end of the table");
    assert_is(&path, &format!("{before}{begin}{}<!-- end -->{after}", settings()));
}

fn settings() -> String {
    let seconds = Duration::from_secs;
    let mut table = String::from(
        "| interval | pong timeout | reprobes | noticed after, at least | at most | pings an hour \
         | kB an hour |\n|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for (interval, pong_timeout, reprobes) in
        [(5, 3, 0), (10, 5, 1), (15, 7, 1), (20, 10, 1), (30, 10, 1), (60, 20, 2)]
    {
        let heartbeat = Heartbeat::default()
            .with_interval(seconds(interval))
            .with_pong_timeout(seconds(pong_timeout))
            .with_reprobes(reprobes);
        let default = if heartbeat == Heartbeat::default() { ", the default" } else { "" };
        let (earliest, latest) = noticed_after(&heartbeat);
        let pings = pings_in(&heartbeat, seconds(3_600));
        // A masked Ping and a Pong, RFC 6455 §5.2.
        let frames = 2 * (2 + Nonce::default().to_bytes().len()) + 4;
        writeln!(
            table,
            "| {interval} s{default} | {pong_timeout} s | {reprobes} | {} s | {} s | {pings} | {}.{} |",
            earliest.as_secs(),
            latest.as_secs(),
            pings * frames / 1_000,
            pings * frames / 100 % 10,
        )
        .expect("a string");
    }
    table
}

/// A machine whose link has opened at the origin.
fn open(heartbeat: &Heartbeat) -> Machine {
    let config = Config::builder().with_heartbeat(heartbeat.clone()).build().expect("it works");
    let mut machine = Machine::new(config, Backoff::default(), Seed::new(1), Instant::ORIGIN);
    let _ = machine.handle(Instant::ORIGIN, Command::Start.into());
    let _ = machine.handle(Instant::ORIGIN, Event::Transport(machine.epoch(), Signal::Opened));
    machine
}

/// How long after the first ping, and after the last frame, the machine gives up a link on which
/// nothing comes in.
fn noticed_after(heartbeat: &Heartbeat) -> (Duration, Duration) {
    let mut machine = open(heartbeat);
    let mut pinged = None;
    loop {
        let now = machine.wake().instant().expect("a deadline");
        for action in machine.handle(now, Event::Tick).actions {
            match action {
                Action::Ping { .. } => pinged = pinged.or(Some(now)),
                Action::Abort { .. } => {
                    let since = |then| now.saturating_duration_since(then);
                    return (since(pinged.expect("a ping")), since(Instant::ORIGIN));
                }
                _ => {}
            }
        }
    }
}

/// How many pings a link takes in this time whose peer answers them at once and says nothing else.
fn pings_in(heartbeat: &Heartbeat, span: Duration) -> usize {
    let mut machine = open(heartbeat);
    let end = Instant::ORIGIN.saturating_add(span);
    let mut pings = 0;
    while let Some(now) = machine.wake().instant().filter(|now| *now <= end) {
        for action in machine.handle(now, Event::Tick).actions {
            if let Action::Ping { epoch, nonce } = action {
                pings += 1;
                let _ = machine.handle(now, Event::Transport(epoch, Signal::Pong(nonce)));
            }
        }
    }
    pings
}
