//! What a dialer can be given.

use std::error::Error;

use steadfast::transport::{Dialer, Tls, TlsError, UrlError};

use crate::{client::dialer, server::AUTHORITY};

#[test]
fn authorities_that_are_none_are_an_error_that_says_so() {
    let make = [Tls::trusting_only, Tls::trusting_platform_and];
    for make in make {
        assert!(matches!(make(b""), Err(TlsError::NoCertificate)));
        assert!(matches!(make(b"not PEM at all"), Err(TlsError::NoCertificate)));
        let cut = AUTHORITY.split("-----END").next().unwrap();
        let error = make(cut.as_bytes()).unwrap_err();
        assert!(matches!(error, TlsError::Pem(_)), "{error:?}");
        let other = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        let error = make(other).unwrap_err();
        assert!(matches!(error, TlsError::Certificate(_)), "{error:?}");
        assert!(error.source().is_some());
    }
}

#[test]
fn nothing_of_tls_is_shown() {
    let dialer = dialer("wss://example.org/?token=canary");
    assert!(dialer.url().is_secure());
    let shown = format!("{dialer:?}");
    assert!(shown.contains("wss://example.org/") && !shown.contains("canary"), "{shown}");
}

#[test]
fn a_dialer_for_tls_needs_no_tls_to_be_given() {
    let dialer = Dialer::new("wss://example.org").unwrap();
    assert_eq!((dialer.url().host(), dialer.url().port()), ("example.org", 443));
}

#[test]
fn a_host_that_no_certificate_can_name_is_an_error_before_any_dial() {
    for host in ["127.0.0.1.", "a..b", "-"] {
        let error = Dialer::new(&format!("wss://{host}/")).unwrap_err();
        assert_eq!(error, UrlError::InvalidHost, "{host}");
    }
    for host in ["a_b", "example.org.", "xn--bcher-kva.example", "[::1]"] {
        assert!(Dialer::new(&format!("wss://{host}/")).is_ok(), "{host}");
    }
}
