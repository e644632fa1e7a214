//! Which policy the clients have.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use steadfast::{
    Backoff,
    fleet::{Fleet, Progress, Report, Textbook},
};

use crate::console;

/// No policy is longer.
const LONGEST_FILE: u64 = 1 << 20;

/// A policy, under the name that it has on the command line, or under that of its file.
#[derive(Clone)]
pub(crate) struct Strategy {
    name: String,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Textbook(Textbook),
    Backoff(Backoff),
}

impl Strategy {
    pub(crate) fn run(&self, fleet: &Fleet, watch: impl FnMut(Progress)) -> Report {
        match &self.kind {
            Kind::Textbook(textbook) => fleet.run_watched(&self.name, *textbook, watch),
            Kind::Backoff(backoff) => fleet.run_watched(&self.name, backoff, watch),
        }
    }
}

pub(crate) fn parse(name: &str) -> Result<Strategy, String> {
    let textbook = Textbook::ALL.into_iter().find(|textbook| textbook.name() == name);
    let kind = match (name, textbook) {
        (_, Some(textbook)) => Kind::Textbook(textbook),
        ("default", None) => Kind::Backoff(Backoff::default()),
        ("fleet", None) => Kind::Backoff(Backoff::fleet()),
        _ => Kind::Backoff(read(name)?),
    };
    let name = Path::new(name).file_name().unwrap_or(name.as_ref());
    Ok(Strategy { name: name.to_string_lossy().into_owned(), kind })
}

fn read(path: &str) -> Result<Backoff, String> {
    let text = text(path).map_err(|error| {
        format!("neither full, equal, decorrelated, none, default or fleet, nor a file: {error}")
    })?;
    // No table of TOML begins like this.
    let backoff = if text.trim_start().starts_with('{') { json(&text) } else { toml(&text) };
    backoff.map_err(|error| console::escaped(&error))
}

fn text(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST_FILE).read_to_string(&mut text)?;
    Ok(text)
}

fn toml(text: &str) -> Result<Backoff, String> {
    toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
}

fn json(text: &str) -> Result<Backoff, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let backoff = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (field, what) = (error.path().to_string(), error.inner().to_string());
        let is_named = field == "." || what.contains(&format!("`{field}`"));
        if is_named { what } else { format!("{field}: {what}") }
    })?;
    json.end().map_err(|error| error.to_string())?;
    Ok(backoff)
}
