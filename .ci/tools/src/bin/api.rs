//! What others can rely on, as text, so that it changes on purpose or not at all.
//!
//! `api JSON [CRATE ...]` prints each public item that rustdoc's JSON tells of, a line each, and fails
//! if one of them names a type of a crate that is not listed: its next major version would be ours.

use std::{collections::BTreeMap, env, error::Error, process::ExitCode};

use public_api::Builder;

/// What belongs to the language: its crates, and the types that a path can begin with.
const STANDARD: [&str; 19] = [
    "alloc", "bool", "char", "core", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "std", "str",
    "u128", "u16", "u32", "u64", "u8", "usize",
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let json = arguments.next().ok_or("usage: api JSON [CRATE ...]")?;
    let mut known: Vec<String> = STANDARD.map(String::from).to_vec();
    known.extend(arguments);
    let api = Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    let mut foreign = BTreeMap::new();
    for item in api.items() {
        let line = item.to_string();
        println!("{line}");
        for name in crates(&line) {
            if !known.iter().any(|known| known == name) {
                foreign.entry(name.to_owned()).or_insert_with(|| line.clone());
            }
        }
    }
    for (name, line) in &foreign {
        eprintln!("a public item names the crate {name}, which is not on the list: {line}");
    }
    Ok(if foreign.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The first parts of all paths: crates are in lower case, parameters and `Self` are not.
fn crates(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':')))
        .filter_map(|word| word.split_once("::"))
        .map(|(first, _)| first)
        .filter(|first| first.starts_with(char::is_lowercase))
}
