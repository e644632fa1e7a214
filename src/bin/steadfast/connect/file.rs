//! Options from a file: what it says becomes the default of the option with that name.

use std::{ffi::OsString, fs, path::Path};

use clap::{
    ArgMatches, Args, Command, FromArgMatches,
    error::{ContextKind, ContextValue},
    parser::ValueSource,
};
use toml::{Table, Value};

use super::options::Options;

/// Options of which only one can be meant: one on the command line hides the others in the file.
const ALTERNATIVES: [&[&str]; 4] = [
    &["heartbeat", "heartbeat_message", "expect_traffic", "no_heartbeat"],
    &["no_reconnect", "max_retries", "max_elapsed"],
    &["binary", "base64"],
    &["quiet", "verbose"],
];

/// What `arguments` say, and where they say nothing, the file. The first of them is the name of the
/// program.
pub(super) fn read(file: &Path, arguments: &[OsString]) -> Result<Options, String> {
    let about = |what: String| format!("--config {}: {what}", file.display());
    let text = fs::read_to_string(file).map_err(|error| about(error.to_string()))?;
    parse(&text, arguments).map_err(about)
}

fn parse(text: &str, arguments: &[OsString]) -> Result<Options, String> {
    let table: Table = toml::from_str(text).map_err(|error| {
        // Its own text shows the line, which may hold a secret.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        format!("line {line}: {}", error.message())
    })?;
    let told = command().get_matches_from(arguments);
    let mut with_file = command();
    for (name, value) in &table {
        let id = name.replace('-', "_");
        let is_known = with_file.get_arguments().any(|it| it.get_id() == id.as_str());
        if !is_known || name.contains('_') || id == "config" {
            return Err(format!("there is no option {name:?}"));
        }
        let values =
            strings(value).ok_or_else(|| format!("{name}: of a type that it cannot be"))?;
        check(name, value, &values)?;
        if values != ["false"] && !is_hidden(&id, &told) {
            with_file = with_file.mut_arg(id, |it| it.default_values(values));
        }
    }
    let matches = with_file.get_matches_from(arguments);
    Options::from_arg_matches(&matches).map_err(|error| error.to_string())
}

fn command() -> Command {
    Options::augment_args(Command::new("steadfast connect"))
}

fn is_hidden(id: &str, told: &ArgMatches) -> bool {
    let mut groups = ALTERNATIVES.iter().filter(|group| group.contains(&id));
    groups
        .any(|group| group.iter().any(|id| told.value_source(id) == Some(ValueSource::CommandLine)))
}

fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Integer(number) => Some(vec![number.to_string()]),
        Value::Float(number) => Some(vec![number.to_string()]),
        Value::Boolean(is_set) => Some(vec![is_set.to_string()]),
        Value::Array(values) => {
            let values: Option<Vec<_>> = values.iter().map(strings).collect();
            values.map(|values| values.concat())
        }
        Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// Has the value read as on the command line, by itself, so that the mistake can be said to be in the
/// file. The value is not shown: it may be secret.
fn check(name: &str, value: &Value, values: &[String]) -> Result<(), String> {
    let arguments: Vec<_> = match value {
        Value::Boolean(false) => return Ok(()),
        Value::Boolean(true) => vec![format!("--{name}")],
        _ if name == "url" => values.to_vec(),
        _ => values.iter().map(|value| format!("--{name}={value}")).collect(),
    };
    let program = "steadfast connect".to_owned();
    let checked = command().try_get_matches_from([program].into_iter().chain(arguments));
    checked.map(drop).map_err(|error| {
        let why = match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(names)) => format!("one of {}", names.join(", ")),
            _ => std::error::Error::source(&error)
                .map_or_else(|| error.kind().to_string(), ToString::to_string),
        };
        format!("{name}: {why}")
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(text: &str, line: &str) -> Result<Options, String> {
        let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
        parse(text, &arguments)
    }

    #[test]
    fn a_file_says_what_the_command_line_does_not() {
        let text = "
            url = ['ws://a', 'ws://b']
            header = ['A: 1', 'B: 2']
            heartbeat = '500ms'
            factor = 1.5
            max-retries = 3
            binary = true
            null = false
            jitter = 'none'
        ";
        let options = read(text, "steadfast").unwrap();
        assert_eq!(options.url, ["ws://a", "ws://b"]);
        assert_eq!(options.request.header, ["A: 1", "B: 2"]);
        assert_eq!(options.life.heartbeat, Duration::from_millis(500));
        assert_eq!((options.retries.factor, options.retries.max_retries), (150, Some(3)));
        assert!(options.messages.binary && !options.messages.null);
    }

    #[test]
    fn the_command_line_counts_more() {
        let text = "url = 'ws://a'\nheartbeat = '5s'\nmax-delay = '7s'\nheader = 'A: 1'";
        let options = read(text, "steadfast --max-delay 9s -H B:2 ws://b").unwrap();
        assert_eq!(options.url, ["ws://b"]);
        assert_eq!(options.request.header, ["B:2"]);
        assert_eq!(options.retries.max_delay, Duration::from_secs(9));
        assert_eq!(options.life.heartbeat, Duration::from_secs(5));
    }

    #[test]
    fn one_of_several_alternatives_on_the_command_line_hides_those_in_the_file() {
        let text = "no-heartbeat = true\nmax-retries = 3\nbinary = true";
        let options = read(text, "steadfast --heartbeat 1s --no-reconnect --base64").unwrap();
        assert!(!options.life.no_heartbeat && !options.messages.binary);
        assert_eq!(options.retries.max_retries, None);
    }

    #[test]
    fn a_mistake_in_a_file_names_what_is_wrong_and_shows_no_value() {
        for (text, expected) in [
            ("heart-beat = '5s'", "there is no option \"heart-beat\""),
            ("on_open = 'x'", "there is no option \"on_open\""),
            ("config = 'x'", "there is no option \"config\""),
            ("heartbeat = 'canary'", "heartbeat: expected number at 0"),
            ("jitter = 'canary'", "jitter: one of full, equal, decorrelated, none"),
            ("quiet = 'canary'", "quiet: unexpected value for an argument found"),
            ("url = { canary = 1 }", "url: of a type that it cannot be"),
        ] {
            assert_eq!(read(text, "steadfast").unwrap_err(), expected);
        }
        let torn = read("quiet = true\nauth = \"canary", "steadfast").unwrap_err();
        assert!(torn.starts_with("line 2: ") && !torn.contains("canary"), "{torn}");
    }
}
