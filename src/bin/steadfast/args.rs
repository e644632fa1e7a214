//! What the commands read from the command line alike.

use std::{ffi::OsString, fmt::Display, time::Duration};

use steadfast::transport::Url;

/// What is not for `connect`, though it begins with a dash.
const FOR_ALL: [&str; 4] = ["-h", "--help", "-V", "--version"];

/// The command line, in full: `steadfast URL` is short for `steadfast connect URL`.
pub(crate) fn command_line() -> Vec<OsString> {
    in_full(std::env::args_os().collect())
}

fn in_full(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_short = arguments.get(1).is_some_and(|first| {
        let first = first.to_string_lossy();
        let is_option = first.starts_with('-') && !FOR_ALL.contains(&&*first);
        is_option || first.contains("://")
    });
    if is_short {
        arguments.insert(1, "connect".into());
    }
    arguments
}

/// A duration with its unit: `500ms`, `20s`, `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}

/// By how much something grows, in percent: `1.5` is 150.
pub(crate) fn factor(text: &str) -> Result<u32, &'static str> {
    let factor: f64 = text.parse().map_err(|_| "not a number")?;
    if !(1.0..=1_000.0).contains(&factor) {
        return Err("must be between 1 and 1000");
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in bounds")]
    let percent = (factor * 100.0).round() as u32;
    Ok(percent)
}

/// What is wrong with the arguments, without the secrets of those that are URLs where they should
/// not be.
pub(crate) fn complaint(error: impl Display) -> String {
    without_secrets(error.to_string(), &command_line())
}

/// Takes the secrets of URLs among `arguments` out of a text that shows some of them.
pub(crate) fn without_secrets(text: String, arguments: &[OsString]) -> String {
    arguments.iter().fold(text, |text, argument| {
        let argument = argument.to_string_lossy();
        let Some(end) = argument.find("://") else { return text };
        let is_outside = |letter: char| !letter.is_ascii_alphanumeric();
        let scheme = argument[..end].rsplit(is_outside).next().unwrap_or_default();
        let start = end - scheme.len();
        let shown = match argument[start..].parse::<Url>() {
            Ok(url) if !argument.contains('@') => url.to_string(),
            _ => format!("{scheme}://…"),
        };
        text.replace(&argument[start..], &shown)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(line: &str) -> String {
        let arguments = line.split(' ').map(OsString::from).collect();
        let full: Vec<_> = in_full(arguments).into_iter().map(OsString::into_string).collect();
        full.into_iter().collect::<Result<Vec<_>, _>>().unwrap().join(" ")
    }

    #[test]
    fn a_url_or_an_option_of_connect_may_stand_in_place_of_the_command() {
        assert_eq!(full("steadfast ws://a"), "steadfast connect ws://a");
        assert_eq!(full("steadfast -q ws://a"), "steadfast connect -q ws://a");
        assert_eq!(full("steadfast --config f"), "steadfast connect --config f");
    }

    #[test]
    fn a_command_or_what_may_be_one_is_left_as_it_is() {
        for line in ["steadfast", "steadfast demo --seed 1", "steadfast conect ws://a"] {
            assert_eq!(full(line), line);
        }
        for line in ["steadfast --help", "steadfast -V", "steadfast check ws://a"] {
            assert_eq!(full(line), line);
        }
    }

    #[test]
    fn the_secrets_of_a_url_are_not_shown_wherever_it_was_put() {
        for (argument, shown) in [
            ("ws://h/a?canary", "'ws://h/a?…'"),
            ("ws://u:canary@h/a", "'ws://…'"),
            ("http://u:canary@h", "'http://…'"),
            ("--heartbeat=ws://u:canary@h/a", "'--heartbeat=ws://…'"),
            ("ü://canary", "'ü://…'"),
            ("5s", "'5s'"),
        ] {
            let text = format!("'{argument}'");
            assert_eq!(without_secrets(text, &[argument.into()]), shown);
        }
    }

    #[test]
    fn a_factor_is_a_number_that_does_not_shrink_anything() {
        assert_eq!([factor("1"), factor("1.5"), factor("2")], [Ok(100), Ok(150), Ok(200)]);
        for text in ["", "0.99", "-2", "NaN", "inf", "1001", "two"] {
            assert!(factor(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert!(duration("20").is_err());
    }
}
