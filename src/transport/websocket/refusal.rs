//! An answer that is not the one that was asked for: what it means, and what may be shown of it.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, Response, StatusCode, Uri,
    header::{DATE, LOCATION, RETRY_AFTER},
};

use super::Url;
use crate::{Failure, FailureKind, client::DialError};

/// What the policy is told of it.
pub(super) fn failure(status: StatusCode, headers: &HeaderMap) -> Failure {
    let failure = Failure::from(FailureKind::Http(status.as_u16()));
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // A date is one of the server's clock, which may not agree with ours on what time it is.
    let now = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let now = now.unwrap_or_else(SystemTime::now);
    match text(RETRY_AFTER).and_then(|value| retry_after(value, now)) {
        Some(wait) => failure.with_retry_after(wait),
        None => failure,
    }
}

/// What people are told of it, without its headers and body: they may repeat the request's secrets.
pub(super) fn error(url: &Url, response: &Response<()>) -> DialError {
    let told = match location(response) {
        Some(location) => format!("{url} redirects to {location}"),
        None => url.to_string(),
    };
    DialError::new(failure(response.status(), response.headers()), told)
}

/// Where it redirects to, without the query and the user.
fn location(response: &Response<()>) -> Option<String> {
    if !response.status().is_redirection() {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    // `Uri` takes a location without a scheme for a path, and the user in it for a part of that.
    let without_scheme = if location.starts_with("//") { "http:" } else { "" };
    let location: Uri = format!("{without_scheme}{location}").parse().ok()?;
    let origin = match (location.scheme_str(), location.host(), location.port()) {
        (Some(scheme), Some(host), Some(port)) => format!("{scheme}://{host}:{port}"),
        (Some(scheme), Some(host), None) => format!("{scheme}://{host}"),
        _ => String::new(),
    };
    let origin = origin.strip_prefix(without_scheme).unwrap_or(&origin);
    Some(format!("{origin}{}", location.path()))
}

/// `Retry-After` in both forms: seconds and HTTP-date (RFC 9110 §10.2.3). A date that is past
/// asks for nothing.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    httpdate::parse_http_date(value).ok()?.duration_since(now).ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn now() -> SystemTime {
        httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap()
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let read = |value| retry_after(value, now());
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(read("0"), Some(Duration::ZERO));
        assert_eq!(read("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        // The three ways to write a date (RFC 9110 §5.6.7).
        for date in [
            "Sun, 06 Nov 1994 08:50:00 GMT",
            "Sunday, 06-Nov-94 08:50:00 GMT",
            "Sun Nov  6 08:50:00 1994",
        ] {
            assert_eq!(read(date), Some(Duration::from_secs(23)), "{date}");
        }
    }

    #[test]
    fn a_retry_after_that_is_nonsense_or_past_is_ignored() {
        for value in [
            "",
            "-5",
            "+5",
            "1.5",
            "1e3",
            "7 s",
            "7, 8",
            "soon",
            "Sun, 06 Nov 1994 08:00:00 GMT",
            "Sun, 32 Nov 1994 08:50:00 GMT",
            "Sun, 06 Nov 1994 08:50:00 CET",
            "1994-11-06T08:50:00Z",
            "٣",
        ] {
            assert_eq!(retry_after(value, now()), None, "{value:?}");
        }
    }

    /// The wish of a refusal with these headers.
    fn wish<const N: usize>(headers: [(HeaderName, &'static str); N]) -> Option<Duration> {
        let values = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        failure(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::from_iter(values)).retry_after()
    }

    #[test]
    fn the_first_of_several_retry_afters_counts() {
        let first = wish([(RETRY_AFTER, "7"), (RETRY_AFTER, "70")]);
        assert_eq!(first, Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_date_is_read_by_the_clock_of_the_server_if_it_tells_what_time_it_is() {
        let until = (RETRY_AFTER, "Sun, 06 Nov 1994 08:50:00 GMT");
        let told = |date| wish([(DATE, date), until.clone()]);
        assert_eq!(told("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(23)));
        assert_eq!(told("Sun, 06 Nov 1994 08:50:01 GMT"), None);
        // By ours, that was long ago.
        assert_eq!((told("yesterday"), wish([until])), (None, None));
    }
}
