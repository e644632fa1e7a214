//! User names and passwords: taken out of URLs, and never shown.

use std::fmt;

/// For HTTP Basic authentication.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

/// What is not `user:password`, or not percent-encoded UTF-8. It is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InvalidCredentials;

impl Credentials {
    /// `user:password`, as it is.
    pub(super) fn plain(text: &str) -> Result<Self, InvalidCredentials> {
        let (user, password) = text.split_once(':').ok_or(InvalidCredentials)?;
        Ok(Self { user: user.to_owned(), password: password.to_owned() })
    }

    /// `user:password` or `user`, percent-encoded.
    fn encoded(text: &str) -> Result<Self, InvalidCredentials> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        Ok(Self { user: decode(user)?, password: decode(password)? })
    }

    /// A URL without the credentials that it may hold (RFC 3986 §3.2.1), and these.
    pub(super) fn split(url: &str) -> Result<(String, Option<Self>), InvalidCredentials> {
        let whole = || (url.to_owned(), None);
        let Some((scheme, rest)) = url.split_once("://") else { return Ok(whole()) };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        match authority.rsplit_once('@') {
            None => Ok(whole()),
            Some((credentials, host)) => {
                Ok((format!("{scheme}://{host}{path}"), Some(Self::encoded(credentials)?)))
            }
        }
    }
}

fn decode(text: &str) -> Result<String, InvalidCredentials> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = digit().zip(digit()).ok_or(InvalidCredentials)?;
                u8::try_from(high * 16 + low).map_err(|_| InvalidCredentials)?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).map_err(|_| InvalidCredentials)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl fmt::Display for InvalidCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user and a password are written user:password")
    }
}

impl std::error::Error for InvalidCredentials {}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(url: &str) -> Option<(String, String, String)> {
        let (url, credentials) = Credentials::split(url).ok()?;
        credentials.map(|it| (url, it.user, it.password))
    }

    #[test]
    fn credentials_are_taken_out_of_a_url_and_decoded() {
        for (url, rest, user, password) in [
            ("ws://u:p@h:1/a?b", "ws://h:1/a?b", "u", "p"),
            ("ws://u@h", "ws://h", "u", ""),
            ("ws://u%40x:p%3Aq%c3%a9@h/", "ws://h/", "u@x", "p:qé"),
            ("ws://u:p@q@[::1]?x", "ws://[::1]?x", "u", "p@q"),
        ] {
            let expected = (rest.to_owned(), user.to_owned(), password.to_owned());
            assert_eq!(split(url), Some(expected), "{url}");
        }
    }

    #[test]
    fn a_url_without_credentials_is_left_as_it_is() {
        for url in ["ws://h/a@b:c", "ws://h?u:p@x", "h:1", ""] {
            assert_eq!(Credentials::split(url), Ok((url.to_owned(), None)));
        }
    }

    #[test]
    fn credentials_that_cannot_be_decoded_are_an_error_that_does_not_show_them() {
        for url in ["ws://u:%zz@h", "ws://u:%4@h", "ws://%ff@h", "ws://%+1@h"] {
            assert_eq!(Credentials::split(url), Err(InvalidCredentials), "{url}");
        }
        let credentials = Credentials::plain("canary:canary").unwrap();
        assert!(!format!("{credentials:?} {InvalidCredentials}").contains("canary"));
    }
}
