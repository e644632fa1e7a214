//! Which headers an application may set, and which of them may go where.

use data_encoding::BASE64;
use http::{
    HeaderName, HeaderValue,
    header::{ACCEPT_LANGUAGE, AUTHORIZATION, USER_AGENT},
};

use super::HeaderError;

/// The credentials of a user, for `Authorization` and `Proxy-Authorization` (RFC 7617).
pub(super) fn basic(user: &str, password: &str) -> Result<HeaderValue, HeaderError> {
    if user.contains(':') || user.contains(char::is_control) {
        return Err(HeaderError::InvalidUser);
    }
    if password.contains(char::is_control) {
        return Err(HeaderError::InvalidPassword);
    }
    let encoded = BASE64.encode(format!("{user}:{password}").as_bytes());
    let mut value = HeaderValue::try_from(format!("Basic {encoded}"))
        .map_err(|_| HeaderError::InvalidValue { name: AUTHORIZATION.to_string() })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A name for a header that is not one of the handshake's own.
pub(super) fn header_name(name: &str) -> Result<HeaderName, HeaderError> {
    let own = || name.to_owned();
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| HeaderError::InvalidName { name: own() })?;
    if is_reserved(parsed.as_str()) {
        return Err(HeaderError::Reserved { name: own() });
    }
    Ok(parsed)
}

fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 5] =
        ["host", "connection", "upgrade", "content-length", "transfer-encoding"];
    RESERVED.contains(&name) || name.starts_with("sec-websocket-")
}

/// Whether a header that the application has set may go along to another origin. All others may be
/// secret, or mean something to the first server only.
pub(super) fn is_harmless(name: &HeaderName) -> bool {
    name == USER_AGENT || name == ACCEPT_LANGUAGE
}
