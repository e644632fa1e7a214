//! Telling a server who dials.

use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::{HeaderError, Url, header::header_name};
use crate::{
    FailureKind,
    client::{DialContext, DialError},
};

/// Why a query parameter cannot carry the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryNameError {
    /// The name is empty.
    #[error("the name of the session's query parameter is empty")]
    Empty,
    /// The URL has a parameter with this name.
    #[error("the URL has a query parameter with the name of the session's")]
    Taken,
}

/// Where the session goes in a request.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionNames {
    header: Option<HeaderName>,
    /// Percent-encoded.
    query: Option<String>,
}

impl SessionNames {
    pub(super) fn set_header(&mut self, name: &str) -> Result<(), HeaderError> {
        self.header = Some(header_name(name)?);
        Ok(())
    }

    pub(super) fn set_query(&mut self, name: &str, url: &Url) -> Result<(), QueryNameError> {
        if name.is_empty() {
            return Err(QueryNameError::Empty);
        }
        let name = percent_encoded(name);
        if parameters(url.uri()).any(|parameter| key(parameter) == name) {
            return Err(QueryNameError::Taken);
        }
        self.query = Some(name);
        Ok(())
    }

    /// The URI to ask `url` for.
    pub(super) fn uri(&self, url: &Url, context: &DialContext) -> Result<Uri, DialError> {
        let uri = url.uri();
        let (Some(name), Some(authority)) = (&self.query, uri.authority()) else {
            return Ok(uri.clone());
        };
        let mut query = String::new();
        // A server that redirects may have passed the session on.
        for parameter in parameters(uri).filter(|parameter| key(parameter) != name) {
            query.push_str(parameter);
            query.push('&');
        }
        query.push_str(&format!("{name}={}", value(context)));
        let asked = Uri::builder()
            .scheme(uri.scheme_str().unwrap_or_default())
            .authority(authority.as_str())
            .path_and_query(format!("{}?{query}", uri.path()))
            .build();
        asked.map_err(|_| {
            DialError::new(FailureKind::Misconfigured, format!("{url}: too long with the session"))
        })
    }

    /// Adds the header to those of a request.
    pub(super) fn mark(&self, headers: &mut HeaderMap, context: &DialContext) {
        // Hexadecimal digits, a dot and digits are always the value of a header.
        if let (Some(name), Ok(value)) = (&self.header, HeaderValue::try_from(value(context))) {
            headers.insert(name, value);
        }
    }
}

fn parameters(uri: &Uri) -> impl Iterator<Item = &str> {
    uri.query().into_iter().flat_map(|query| query.split('&'))
}

fn key(parameter: &str) -> &str {
    parameter.split_once('=').map_or(parameter, |(key, _)| key)
}

fn value(context: &DialContext) -> String {
    format!("{}.{}", context.session, context.epoch)
}

/// With all but the unreserved characters encoded (RFC 3986 §2).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credentials, Epoch, client::SessionId};

    fn asked(url: &str, name: &str) -> Result<String, QueryNameError> {
        let (url, mut names) = (url.parse().unwrap(), SessionNames::default());
        names.set_query(name, &url)?;
        let context = DialContext::new(Epoch::new(12), 3, Credentials::Current);
        let context = context.with_session(SessionId::new(0xab));
        Ok(names.uri(&url, &context).unwrap().to_string())
    }

    const VALUE: &str = "000000000000000000000000000000ab.12";

    #[test]
    fn the_parameter_goes_after_those_of_the_url() {
        for (url, expected) in [
            ("ws://a:81/b", "ws://a:81/b?session="),
            ("ws://a", "ws://a/?session="),
            ("ws://a/b?c=d", "ws://a/b?c=d&session="),
            ("ws://[::1]/?x", "ws://[::1]/?x&session="),
        ] {
            assert_eq!(asked(url, "session").unwrap(), format!("{expected}{VALUE}"));
        }
    }

    #[test]
    fn a_server_that_redirects_with_the_query_is_told_the_session_once() {
        let mut names = SessionNames::default();
        names.set_query("s", &"ws://a/".parse().unwrap()).unwrap();
        let context = DialContext::new(Epoch::new(12), 3, Credentials::Current);
        let context = context.with_session(SessionId::new(0xab));
        for (location, expected) in [
            (format!("ws://a/v2?c=d&s={VALUE}"), "ws://a/v2?c=d&s="),
            (format!("ws://a/v2?s={VALUE}"), "ws://a/v2?s="),
            ("ws://a/v2?s=1&ss=2&s&x".to_owned(), "ws://a/v2?ss=2&x&s="),
        ] {
            let asked = names.uri(&location.parse().unwrap(), &context).unwrap();
            assert_eq!(asked.to_string(), format!("{expected}{VALUE}"));
        }
    }

    #[test]
    fn the_name_of_the_parameter_is_percent_encoded() {
        for (name, expected) in
            [("a b", "a%20b"), ("a&b=c#d", "a%26b%3Dc%23d"), ("ü\r\n", "%C3%BC%0D%0A"), ("~", "~")]
        {
            assert_eq!(asked("ws://a/", name).unwrap(), format!("ws://a/?{expected}={VALUE}"));
        }
    }

    #[test]
    fn a_parameter_without_a_name_or_with_one_that_is_taken_is_refused() {
        assert_eq!(asked("ws://a/", ""), Err(QueryNameError::Empty));
        for url in ["ws://a/?s=1", "ws://a/?x&s", "ws://a/?s&x=2"] {
            assert_eq!(asked(url, "s"), Err(QueryNameError::Taken), "{url}");
        }
        assert!(asked("ws://a/?ss=s", "s").is_ok());
    }
}
