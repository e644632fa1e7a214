//! Options from a file: what it says becomes the default of the option with that name.

use std::{ffi::OsString, fs, path::Path};

use clap::{
    Arg, ArgMatches, Args, Command, FromArgMatches,
    error::{ContextKind, ContextValue},
    parser::ValueSource,
};
use toml::{Table, Value};

use super::options::Options;

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
    let known = command();
    let told = known.clone().get_matches_from(arguments);
    let mut with_file = known.clone();
    let mut before: Vec<(&String, &Arg)> = Vec::new();
    for (name, value) in &table {
        let option = option(&known, name).ok_or_else(|| format!("there is no option {name:?}"))?;
        let values =
            strings(value).ok_or_else(|| format!("{name}: of a type that it cannot be"))?;
        check(name, value, &values)?;
        if values == ["false"] {
            continue;
        }
        for (other, it) in &before {
            if it.get_id() == option.get_id() {
                return Err(format!("{other} and {name} are the same option"));
            }
            if are_alternatives(&known, it, option) {
                return Err(format!("{other} cannot be used with {name}"));
            }
        }
        before.push((name, option));
        if !is_hidden(&known, option, &told) {
            with_file = with_file.mut_arg(option.get_id(), |it| it.default_values(values));
        }
    }
    let matches = with_file.get_matches_from(arguments);
    Options::from_arg_matches(&matches).map_err(|error| error.to_string())
}

fn command() -> Command {
    Options::augment_args(Command::new("steadfast connect"))
}

/// The option with this long name, or one of them.
fn option<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|it| match it.get_long() {
        Some("config") => false,
        Some(long) => {
            long == name || it.get_all_aliases().is_some_and(|names| names.contains(&name))
        }
        None => it.is_positional() && it.get_id() == name,
    })
}

/// Whether only one of them can be meant.
fn are_alternatives(command: &Command, one: &Arg, other: &Arg) -> bool {
    let excludes = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|it| it.get_id() == other.get_id())
    };
    excludes(one, other) || excludes(other, one)
}

/// Whether the command line has an alternative to it.
fn is_hidden(command: &Command, option: &Arg, told: &ArgMatches) -> bool {
    command
        .get_arguments()
        .filter(|it| told.value_source(it.get_id().as_str()) == Some(ValueSource::CommandLine))
        .any(|it| are_alternatives(command, it, option))
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
    fn what_is_no_alternative_to_the_command_line_is_not_hidden_by_it() {
        let text = "heartbeat-message = 'ping'\nmax-retries = 3";
        let options = read(text, "steadfast --heartbeat 1s --max-elapsed 1m").unwrap();
        assert_eq!(options.life.heartbeat_message.as_deref(), Some("ping"));
        assert_eq!(options.retries.max_retries, Some(3));
    }

    #[test]
    fn an_authority_on_the_command_line_is_not_undone_by_a_file_that_believes_anyone() {
        let options = read("insecure = true", "steadfast --ca roots.pem").unwrap();
        assert!(!options.request.insecure && options.request.ca.is_some());
        let options = read("ca = 'roots.pem'", "steadfast -k").unwrap();
        assert!(options.request.insecure && options.request.ca.is_none());
    }

    #[test]
    fn an_option_has_all_its_names_in_a_file_but_one_at_a_time() {
        let text = "ping-interval = '5s'\nping-timeout = '3s'";
        let life = read(text, "steadfast").unwrap().life;
        assert_eq!((life.heartbeat.as_secs(), life.pong_timeout.as_secs()), (5, 3));
        for (text, expected) in [
            ("heartbeat = '5s'\nping-interval = '6s'", "are the same option"),
            ("no-heartbeat = true\nheartbeat = '5s'", "cannot be used with"),
            ("quiet = true\nverbose = true", "cannot be used with"),
            ("wait = '5s'\nno-exit-on-eof = true", "cannot be used with"),
        ] {
            let error = read(text, "steadfast").unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(read("quiet = false\nverbose = true", "steadfast").unwrap().telling.verbose);
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
