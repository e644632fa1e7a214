//! TLS over a byte stream. The cryptography is always ring's, by name: rustls panics where a
//! process has two providers, or none, and expects a default.

use std::{
    fmt, io,
    sync::{Arc, OnceLock},
};

use futures_rustls::{
    TlsConnector,
    pki_types::{CertificateDer, ServerName, pem, pem::PemObject},
    rustls::{
        self, ClientConfig, ConfigBuilder, InvalidMessage, RootCertStore, WantsVerifier,
        client::WantsClientCert, crypto::ring,
    },
};

use super::{ByteStream, Url, error::io_failure, stream::Plain};
use crate::{FailureKind, client::DialError};

/// Whom a [`Dialer`](super::Dialer) believes on a `wss` URL, and how it shows who it is itself.
/// Clones share one store of certificates and of sessions to resume.
///
/// The server's certificate and host name are always checked. Only a client configuration of one's
/// own can be made to do otherwise.
///
/// Every constructor but [`From`] offers TLS 1.2 and 1.3 and, by ALPN (RFC 7301), `http/1.1` and
/// nothing else, as browsers do for a WebSocket: a proxy that would rather speak HTTP/2 must then
/// not, and one that tells protocols apart by ALPN finds what it looks for. A server that knows no
/// ALPN ignores it.
///
/// ```no_run
/// use steadfast::transport::{Dialer, Tls};
///
/// // A company's own certificate authority, beside those of the system.
/// let authority = std::fs::read("/etc/company/ca.pem")?;
/// let dialer = Dialer::new("wss://feed.internal/")?.with_tls(Tls::trusting_platform_and(&authority)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

/// Why TLS cannot be set up.
///
/// ```
/// use steadfast::transport::{Tls, TlsError};
///
/// let empty = Tls::trusting_platform_and(b"");
/// assert!(matches!(empty, Err(TlsError::NoCertificate)));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The text is not PEM (RFC 7468).
    #[error("the certificate authorities are not valid PEM")]
    Pem(#[source] pem::Error),
    /// The text has no `CERTIFICATE` in it.
    #[error("there is no certificate in the PEM text of the certificate authorities")]
    NoCertificate,
    /// One of the certificates cannot be the root of a chain.
    #[error("one of the certificate authorities is not a valid certificate")]
    Certificate(#[source] rustls::Error),
    /// The system has no certificate authorities, or they cannot be had. On Linux, most
    /// distributions have them in a package `ca-certificates`, and small container images have
    /// not; on Android they take a Java virtual machine, so give a client configuration.
    #[error("the system's certificate authorities cannot be used; install them, or name others")]
    Platform(#[source] rustls::Error),
    /// The cryptography cannot do what is asked of it.
    #[error("TLS cannot be configured")]
    Configuration(#[source] rustls::Error),
}

impl Tls {
    /// Believing whom the system believes: on Windows, macOS and iOS its own verifier is asked; on
    /// other Unix systems the usual files are read, or those that `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name.
    ///
    /// This reads files. A dialer without any [`Tls`] does the same at its first dial of a `wss`
    /// URL, on a thread that may block, and once for all such dialers of the process.
    ///
    /// # Errors
    ///
    /// If there is nobody whom the system believes.
    pub fn trusting_platform() -> Result<Self, TlsError> {
        Self::new(|builder| platform(builder, Vec::new()))
    }

    /// Believing whom the system believes, and the certificate authorities in this PEM text.
    ///
    /// # Errors
    ///
    /// If there is no certificate in the text, or one that is not valid.
    pub fn trusting_platform_and(pem: &[u8]) -> Result<Self, TlsError> {
        let roots = certificates(pem)?;
        // The verifier would not say whose error it is.
        store(roots.iter().cloned())?;
        Self::new(|builder| platform(builder, roots))
    }

    /// Believing the certificate authorities in this PEM text and nobody else.
    ///
    /// # Errors
    ///
    /// If there is no certificate in the text, or one that is not valid.
    pub fn trusting_only(pem: &[u8]) -> Result<Self, TlsError> {
        let roots = store(certificates(pem)?)?;
        Self::new(|builder| Ok(builder.with_root_certificates(roots)))
    }

    fn new(
        verify: impl FnOnce(Builder<WantsVerifier>) -> Result<Builder<WantsClientCert>, TlsError>,
    ) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Configuration)?;
        let mut config = verify(builder)?.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// [`trusting_platform`](Self::trusting_platform), from the first time it worked on.
    fn shared() -> Result<Self, TlsError> {
        static SHARED: OnceLock<Tls> = OnceLock::new();
        match SHARED.get() {
            Some(tls) => Ok(tls.clone()),
            None => Self::trusting_platform().map(|tls| SHARED.get_or_init(|| tls).clone()),
        }
    }
}

type Builder<Wants> = ConfigBuilder<ClientConfig, Wants>;

#[cfg(not(target_os = "android"))]
fn platform(
    builder: Builder<WantsVerifier>,
    extra: Vec<CertificateDer<'static>>,
) -> Result<Builder<WantsClientCert>, TlsError> {
    let provider = builder.crypto_provider().clone();
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider);
    let verifier = Arc::new(verifier.map_err(TlsError::Platform)?);
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier))
}

/// The verifier panics there unless the application has first handed it a Java virtual machine.
#[cfg(target_os = "android")]
fn platform(
    _: Builder<WantsVerifier>,
    _: Vec<CertificateDer<'static>>,
) -> Result<Builder<WantsClientCert>, TlsError> {
    let text = "on Android, give a client configuration";
    Err(TlsError::Platform(rustls::Error::General(text.to_owned())))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(TlsError::Pem)?;
    if found.is_empty() { Err(TlsError::NoCertificate) } else { Ok(found) }
}

fn store(
    certificates: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate).map_err(TlsError::Certificate)?;
    }
    Ok(store)
}

/// TLS with the server `name` of `url` over `stream`, as `tls` has it or by default.
pub(super) async fn connect(
    tls: Option<Tls>,
    name: ServerName<'static>,
    url: &Url,
    stream: Plain,
) -> Result<ByteStream, DialError> {
    let tls = match tls {
        Some(tls) => tls,
        None => blocking::unblock(Tls::shared).await.map_err(|error| {
            DialError::new(FailureKind::Misconfigured, url.to_string()).with_source(error)
        })?,
    };
    match TlsConnector::from(tls.0).connect(name, stream).await {
        Ok(stream) => Ok(stream.into()),
        Err(error) => Err(handshake_error(url, error)),
    }
}

fn handshake_error(url: &Url, error: io::Error) -> DialError {
    // A server that is being stopped, or has no backend, hangs up before TLS is established.
    let failure = match error.kind() {
        io::ErrorKind::UnexpectedEof => FailureKind::Tls.into(),
        _ => io_failure(&error),
    };
    let no_tls = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
    let hint = match rustls_error(&error) {
        Some(error) if *error == no_tls => ": the server does not speak TLS there",
        _ => "",
    };
    DialError::new(failure, format!("{url}{hint}")).with_source(error)
}

/// What a TLS error below an input or output error means. The peer may send an alert at any time.
pub(super) fn tls_failure(error: &io::Error) -> Option<FailureKind> {
    use rustls::CertificateError::{
        ExpiredRevocationList, ExpiredRevocationListContext, UnknownRevocationStatus,
    };
    rustls_error(error).map(|error| match error {
        // Nothing is wrong with it: it could not be looked up whether it has been revoked.
        rustls::Error::InvalidCertificate(
            UnknownRevocationStatus | ExpiredRevocationList | ExpiredRevocationListContext { .. },
        ) => FailureKind::Tls,
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            FailureKind::Certificate
        }
        _ => FailureKind::Tls,
    })
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// A configuration of one's own, for a client certificate, other cryptography or other checks. It
/// is used as it is: leave `h2` out of its `alpn_protocols`, or some servers will speak HTTP/2.
///
/// ```
/// use std::sync::Arc;
/// use steadfast::transport::{Dialer, rustls};
///
/// let provider = Arc::new(rustls::crypto::ring::default_provider());
/// let config = rustls::ClientConfig::builder_with_provider(provider)
///     .with_protocol_versions(&[&rustls::version::TLS13])?
///     .with_root_certificates(rustls::RootCertStore::empty())
///     .with_no_client_auth();
/// let dialer = Dialer::new("wss://example.org/feed")?.with_tls(Arc::new(config));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl From<Arc<ClientConfig>> for Tls {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self(config)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, CertificateError};

    use super::*;

    #[test]
    fn only_a_certificate_that_is_wrong_is_final() {
        let certificate = rustls::Error::InvalidCertificate;
        for (error, kind) in [
            (certificate(CertificateError::Expired), FailureKind::Certificate),
            (certificate(CertificateError::Revoked), FailureKind::Certificate),
            (certificate(CertificateError::NotValidForName), FailureKind::Certificate),
            (certificate(CertificateError::UnknownIssuer), FailureKind::Certificate),
            (rustls::Error::NoCertificatesPresented, FailureKind::Certificate),
            (certificate(CertificateError::UnknownRevocationStatus), FailureKind::Tls),
            (certificate(CertificateError::ExpiredRevocationList), FailureKind::Tls),
            (rustls::Error::AlertReceived(AlertDescription::BadCertificate), FailureKind::Tls),
            (rustls::Error::DecryptError, FailureKind::Tls),
        ] {
            let error = io::Error::new(io::ErrorKind::InvalidData, error);
            assert_eq!(io_failure(&error).kind(), kind, "{error}");
        }
        assert_eq!(tls_failure(&io::ErrorKind::InvalidData.into()), None);
    }
}
