//! The structure, as a test: layers point down, files are short, the core stays pure, no runtime.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const LONGEST: usize = 400;

/// From the bottom up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Core,
    /// Over the core alone, beside the client.
    Trace,
    Fleet,
    Client,
    Transport,
    Testing,
    Binary,
}

/// The names under which the layers above the core go in a `use`.
const ABOVE_CORE: [(&str, Layer); 6] = [
    ("trace", Layer::Trace),
    ("fleet", Layer::Fleet),
    ("client", Layer::Client),
    ("transport", Layer::Transport),
    ("testing", Layer::Testing),
    ("bin", Layer::Binary),
];

/// What the core must never name. Tests inside it may.
const NOT_IN_CORE: [&str; 13] = [
    "std::",
    "alloc::",
    "f32",
    "f64",
    "unsafe",
    "panic!",
    "unreachable!",
    "todo!",
    ".unwrap()",
    ".expect(",
    "assert!(",
    "Instant::now",
    "SystemTime",
];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn layer(&self) -> Layer {
        let below_src = self.path.strip_prefix(root().join("src")).expect("under src");
        let first = below_src.components().next().expect("a name").as_os_str();
        ABOVE_CORE
            .into_iter()
            .find(|(name, _)| first == *name)
            .map_or(Layer::Core, |(_, layer)| layer)
    }

    /// What is compiled into the library: no tests, no comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
            .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
    }

    fn is_crate_root(&self) -> bool {
        self.path.ends_with("src/lib.rs")
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("readable").path()) {
        if path.ends_with("target") {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            found.push(Source { path, text });
        }
    }
}

/// The layers that a line of code names by a path from the crate's root or, in an import list
/// that spans lines, at the line's start.
fn named_layers(line: &str) -> impl Iterator<Item = Layer> {
    ABOVE_CORE.into_iter().filter_map(move |(name, layer)| {
        let path = format!("{name}::");
        let rooted = line.contains(&format!("crate::{path}"));
        let listed = line.trim_start().starts_with(&path)
            || line.contains(&format!("crate::{{{path}"))
            || line.contains(&format!(", {path}"));
        (rooted || listed).then_some(layer)
    })
}

#[test]
fn imports_between_layers_point_down_only() {
    let mut upward = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_crate_root()) {
        for (number, line) in source.code() {
            // The binary goes through the public API, which has the crate's own name.
            let named = line.replace("steadfast::", "crate::");
            upward.extend(
                named_layers(&named)
                    .filter(|layer| *layer > source.layer())
                    .map(|layer| format!("{}:{number} names {layer:?}", source.path.display())),
            );
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn the_check_for_layers_sees_what_it_should() {
    assert_eq!(named_layers("use crate::client::Event;").next(), Some(Layer::Client));
    assert_eq!(named_layers("use crate::{testing::pair, Epoch};").next(), Some(Layer::Testing));
    assert_eq!(named_layers("    transport::Url,").next(), Some(Layer::Transport));
    assert_eq!(named_layers("use crate::{Epoch, Failure};").next(), None);
}

#[test]
fn the_core_is_pure() {
    let mut found = Vec::new();
    for source in sources("src") {
        if source.layer() != Layer::Core || source.is_crate_root() {
            continue;
        }
        for (number, line) in source.code() {
            // An assertion that is compiled out of a release build documents a proof.
            let line = line.replace("debug_assert!(", "");
            found.extend(
                NOT_IN_CORE
                    .into_iter()
                    .filter(|word| line.contains(word))
                    .map(|word| format!("{}:{number} has {word}", source.path.display())),
            );
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_file_is_longer_than_one_can_hold_in_mind() {
    let long: Vec<_> = ["src", "tests", "benches", "examples", "fuzz"]
        .into_iter()
        .flat_map(sources)
        .filter(|source| source.text.lines().count() > LONGEST)
        .map(|source| source.path)
        .collect();
    assert!(long.is_empty(), "over {LONGEST} lines: {long:#?}");
}

#[test]
fn only_the_transition_table_writes_the_state() {
    for source in sources("src/machine") {
        let writes = source.code().any(|(_, line)| line.contains("self.phase ="));
        let may = source.path.ends_with("apply.rs");
        assert_eq!(writes, may, "{}", source.path.display());
    }
}

#[test]
fn no_runtime_is_in_the_default_features() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains(&"async-io") && crates.contains(&"rustls"), "{tree}");
    for runtime in ["tokio", "async-std", "smol", "async-global-executor", "async-executor"] {
        assert!(!crates.contains(&runtime), "{runtime} is in the default features");
    }
}

/// What stands between backticks in a line and ends with one of these.
fn names<'a>(line: &'a str, ends: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let names = line.split('`').skip(1).step_by(2);
    names.filter(|name| ends.iter().any(|end| name.ends_with(end)) && !name.contains(' '))
}

/// The files and folders that the map names, each with the section that names it. A name without a
/// folder is in that of the name before it in its cell, or where the section says that all is.
fn mapped() -> Vec<(String, PathBuf)> {
    let map = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("there is a map");
    let mut found = Vec::new();
    let (mut section, mut base) = (String::new(), PathBuf::from("src"));
    for line in map.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            (section, base) = (title.to_owned(), "src".into());
        } else if line.starts_with("All below ") {
            base = names(line, &["/"]).next().expect("it says below what").into();
        } else if line.starts_with('|') {
            for cell in line.split('|') {
                let mut folder = base.clone();
                for name in names(cell, &[".rs", "/"]) {
                    let is_whole = ["src/", "tests/", "benches/", "examples/", "docs/", "fuzz/"]
                        .into_iter()
                        .any(|top| name.starts_with(top));
                    let path = match name.trim_end_matches('/').contains('/') {
                        _ if is_whole => PathBuf::from(name),
                        true => base.join(name),
                        false => folder.join(name),
                    };
                    folder = path.parent().expect("it is in a folder").into();
                    found.push((section.clone(), path));
                }
            }
        }
    }
    found
}

#[test]
fn the_map_names_every_file_of_the_library_and_no_other() {
    let mapped = mapped();
    let missing: Vec<_> = mapped.iter().filter(|(_, path)| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md names what is not there: {missing:#?}");
    let is_named = |source: &Source| {
        let path = source.path.strip_prefix(root()).expect("below the root");
        // Folders count where files are listed; elsewhere they only say where something is.
        let mut listed = mapped.iter().filter(|(section, _)| section.ends_with("file by file"));
        listed.any(|(_, name)| match name.to_string_lossy().ends_with('/') {
            true => path.starts_with(name) && name.components().count() > 2,
            false => path == name,
        })
    };
    let unnamed: Vec<_> = sources("src")
        .into_iter()
        .filter(|source| source.layer() != Layer::Binary && !source.is_crate_root())
        .filter(|source| !source.path.ends_with("mod.rs") && !source.path.ends_with("tests.rs"))
        .filter(|source| !is_named(source))
        .map(|source| source.path)
        .collect();
    assert!(unnamed.is_empty(), "docs/ARCHITECTURE.md does not say what these are: {unnamed:#?}");
}

/// What is left for later is an issue, not a comment. In two parts, or this file would be full of it.
const LEFT_FOR_LATER: [(&str, &str); 5] =
    [("to", "do!("), ("unimple", "mented!("), ("TO", "DO"), ("FIX", "ME"), ("XX", "X")];

#[test]
fn nothing_is_left_for_later() {
    let mut found = Vec::new();
    for source in ["src", "tests", "benches", "examples", "fuzz"].into_iter().flat_map(sources) {
        let words = LEFT_FOR_LATER.map(|(begin, end)| format!("{begin}{end}"));
        for line in source.text.lines().filter(|line| words.iter().any(|word| line.contains(word)))
        {
            found.push(format!("{}: {}", source.path.display(), line.trim()));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
