//! Redirects of the upgrade request: where they lead (RFC 3986 §5), and whether they are followed.

use http::{Response, header::LOCATION};

use super::{Url, UrlError, refusal};
use crate::{FailureKind, client::DialError};

/// Why a redirect was not followed: the source of the dial's error, which says from where to where.
/// The failure is [`FailureKind::Http`] of the redirect, which is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// There were more in a row than [`with_redirects`](super::Dialer::with_redirects) allows.
    #[error("more redirects in a row than the {limit} that are allowed")]
    TooMany {
        /// How many are allowed.
        limit: u8,
    },
    /// They lead back to where they have been.
    #[error("the redirects go round in a circle")]
    Circular,
    /// It leads from TLS to plain TCP.
    #[error("a redirect from TLS to plain TCP is never followed")]
    Insecure,
    /// It does not say where to, or not in ASCII.
    #[error("the redirect does not say where to")]
    NoLocation,
    /// It leads to what cannot be dialed.
    #[error("the redirect leads to what cannot be dialed")]
    Url(#[source] UrlError),
    /// It led to a page, not to a WebSocket: where people log in, or that of a captive portal.
    #[error("the redirect led to a page, which answered HTTP {status}")]
    Page {
        /// The status of the page, 2xx.
        status: u16,
    },
}

/// Where a dial has come to.
pub(super) struct Route {
    url: Url,
    /// Where it has been before.
    left: Vec<Url>,
    /// What redirected it here.
    redirect: Option<u16>,
    is_home: bool,
}

impl Route {
    pub(super) fn new(url: Url) -> Self {
        Self { url, left: Vec::new(), redirect: None, is_home: true }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it has never left the origin that the application named, and so may tell the server
    /// what the application has for that.
    pub(super) fn is_home(&self) -> bool {
        self.is_home
    }

    /// Goes on to where the server redirected to, `limit` times in all.
    ///
    /// # Errors
    ///
    /// If `response` is no redirect, or one that is not followed.
    pub(super) fn follow(&mut self, response: &Response<()>, limit: u8) -> Result<(), DialError> {
        let status = response.status().as_u16();
        match (status, self.redirect) {
            (301 | 302 | 303 | 307 | 308, _) if limit > 0 => {}
            (200..=299, Some(redirect)) => {
                let told = DialError::new(FailureKind::Http(redirect), self.url.to_string());
                return Err(told.with_source(RedirectError::Page { status }));
            }
            _ => return Err(refusal::error(&self.url, response)),
        }
        let target = target(&self.url, response)
            .map_err(|why| refusal::error(&self.url, response).with_source(why))?;
        if let Err(why) = self.may_go(&target, limit) {
            let told = format!("{} redirects to {target}", self.url);
            return Err(DialError::new(FailureKind::Http(status), told).with_source(why));
        }
        self.is_home &= origin(&target) == origin(&self.url);
        self.redirect = Some(status);
        self.left.push(std::mem::replace(&mut self.url, target));
        Ok(())
    }

    fn may_go(&self, target: &Url, limit: u8) -> Result<(), RedirectError> {
        if self.url.is_secure() && !target.is_secure() {
            return Err(RedirectError::Insecure);
        }
        if *target == self.url || self.left.contains(target) {
            return Err(RedirectError::Circular);
        }
        if self.left.len() >= usize::from(limit) {
            return Err(RedirectError::TooMany { limit });
        }
        Ok(())
    }
}

fn origin(url: &Url) -> (bool, String, u16) {
    (url.is_secure(), url.host().to_ascii_lowercase(), url.port())
}

fn target(from: &Url, response: &Response<()>) -> Result<Url, RedirectError> {
    let location = response.headers().get(LOCATION);
    let location = location.and_then(|value| value.to_str().ok());
    resolve(from, location.ok_or(RedirectError::NoLocation)?).map_err(RedirectError::Url)
}

/// The WebSocket URL that `reference` means to someone who is at `base` (RFC 3986 §5.2).
fn resolve(base: &Url, reference: &str) -> Result<Url, UrlError> {
    // A fragment is for the client alone, and a WebSocket client has no use for it.
    let reference = reference.split('#').next().unwrap_or_default();
    let base_scheme = if base.is_secure() { "wss" } else { "ws" };
    let (scheme, rest) = match split_scheme(reference) {
        None => (base_scheme, reference),
        Some((scheme, rest)) if rest.starts_with("//") => {
            (web_socket(scheme).ok_or(UrlError::UnsupportedScheme)?, rest)
        }
        Some((scheme, _)) => {
            return Err(
                web_socket(scheme).map_or(UrlError::UnsupportedScheme, |_| UrlError::Invalid)
            );
        }
    };
    let base_authority = base.uri().authority().map_or("", |authority| authority.as_str());
    let (authority, rest) = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            (authority, if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") })
        }
        None if rest.is_empty() => {
            return Ok(base.clone());
        }
        None if rest.starts_with('/') => (base_authority, rest.to_owned()),
        None if rest.starts_with('?') => (base_authority, format!("{}{rest}", base.uri().path())),
        None => {
            let path = base.uri().path();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            (base_authority, format!("{folder}/{rest}"))
        }
    };
    let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    format!("{scheme}://{authority}{}{query}", without_dots(path)).parse()
}

/// The scheme of a URL, and what follows its colon.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some((scheme, rest))
}

/// The scheme under which a WebSocket is found where HTTP has this one.
fn web_socket(scheme: &str) -> Option<&'static str> {
    match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => Some("ws"),
        "wss" | "https" => Some("wss"),
        _ => None,
    }
}

/// A path that begins with a slash, without its segments `.` and `..` (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_dots = matches!(segment, "." | "..");
        if segment == ".." {
            kept.pop();
        }
        if !is_dots {
            kept.push(segment);
        } else if segments.peek().is_none() {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "tls")]
    #[test]
    fn no_redirect_leads_out_of_tls() {
        for (location, leaves) in
            [("ws://a/x", true), ("http://b/", true), ("https://b/", false), ("//b/", false)]
        {
            let response = Response::builder().status(302).header("Location", location);
            let mut route = Route::new("wss://a/?token=c4n4ry".parse().unwrap());
            let followed = route.follow(&response.body(()).unwrap(), 9);
            assert_eq!(followed.is_err(), leaves, "{location}");
            if let Err(error) = followed {
                let source = std::error::Error::source(&error).unwrap();
                assert_eq!(source.downcast_ref(), Some(&RedirectError::Insecure));
                assert!(error.to_string().starts_with("wss://a/?… redirects to ws://"), "{error}");
            }
        }
    }

    #[test]
    fn another_scheme_host_or_port_is_another_origin_and_there_is_no_way_back() {
        let goes = |route: &mut Route, location| {
            let response = Response::builder().status(307).header("Location", location);
            route.follow(&response.body(()).unwrap(), 9).unwrap();
            route.is_home()
        };
        for (location, is_home) in [
            ("/x", true),
            ("ws://example.org", true),
            ("http://EXAMPLE.org:80/x", true),
            ("//example.org:/x", true),
            ("ws://example.org:81/", false),
            ("ws://example.org./", false),
            ("ws://www.example.org/", false),
            ("ws://example.org.evil.example/", false),
            #[cfg(feature = "tls")]
            ("wss://example.org/", false),
            #[cfg(feature = "tls")]
            ("https://example.org:80/", false),
        ] {
            let mut route = Route::new("ws://example.org/feed".parse().unwrap());
            assert_eq!(goes(&mut route, location), is_home, "{location}");
            assert_eq!(goes(&mut route, "/further"), is_home, "{location}");
            #[cfg(feature = "tls")]
            assert!(!goes(&mut route, "https://example.org/back"), "{location}");
        }
    }

    fn resolved(base: &str, reference: &str) -> Result<String, UrlError> {
        resolve(&base.parse().unwrap(), reference).map(|url| url.uri().to_string())
    }

    #[test]
    fn a_relative_location_is_resolved_as_the_rfc_has_it() {
        // RFC 3986 §5.4, without fragments.
        for (reference, expected) in [
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("/g", "/g"),
            ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"),
            ("#s", "/b/c/d;p?q"),
            ("g#s", "/b/c/g"),
            (";x", "/b/c/;x"),
            ("g;x=1/../y", "/b/c/y"),
            ("", "/b/c/d;p?q"),
            (".", "/b/c/"),
            ("./", "/b/c/"),
            ("..", "/b/"),
            ("../", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../g", "/g"),
            ("../../../g", "/g"),
            ("../../../../g", "/g"),
            ("/./g", "/g"),
            ("/../g", "/g"),
            ("g.", "/b/c/g."),
            ("..g", "/b/c/..g"),
            ("./../g", "/b/g"),
            ("g/./h", "/b/c/g/h"),
            ("g/../h", "/b/c/h"),
            ("g?y/../x", "/b/c/g?y/../x"),
            ("g?x:y", "/b/c/g?x:y"),
        ] {
            let expected = format!("ws://a{expected}");
            assert_eq!(resolved("ws://a/b/c/d;p?q", reference).unwrap(), expected, "{reference:?}");
        }
    }

    #[test]
    fn a_location_of_http_means_a_web_socket() {
        for (reference, expected) in [
            ("http://b:81/x?y", "ws://b:81/x?y"),
            ("HTTP://b", "ws://b/"),
            ("ws://b?y", "ws://b/?y"),
            ("//b:81/../x", "ws://b:81/x"),
            ("http://[::1]:9/", "ws://[::1]:9/"),
        ] {
            assert_eq!(resolved("ws://a/b", reference).unwrap(), expected, "{reference:?}");
        }
        #[cfg(feature = "tls")]
        for (reference, expected) in [("https://b", "wss://b/"), ("//b", "wss://b/")] {
            assert_eq!(resolved("wss://a/b", reference).unwrap(), expected, "{reference:?}");
        }
    }

    #[test]
    fn what_cannot_be_dialed_is_not_gone_to() {
        for (reference, error) in [
            ("ftp://b/", UrlError::UnsupportedScheme),
            ("mailto:b", UrlError::UnsupportedScheme),
            ("javascript:alert(1)", UrlError::UnsupportedScheme),
            ("http:g", UrlError::Invalid),
            ("http://user:pass@b/", UrlError::UserInfo),
            ("//user@b/", UrlError::UserInfo),
            ("http://", UrlError::NoHost),
            ("///x", UrlError::NoHost),
            ("http://b:0/", UrlError::InvalidPort),
            ("a b", UrlError::Invalid),
            ("a\tb", UrlError::Invalid),
            ("//b\\c/", UrlError::Invalid),
        ] {
            assert_eq!(resolved("ws://a/b", reference), Err(error), "{reference:?}");
        }
    }
}
