//! Which certificates are trusted. The cryptography is always ring's, by name: rustls panics where a
//! process has two providers, or none, and expects a default.

use std::{fmt, sync::Arc};

use futures_rustls::{
    pki_types::{CertificateDer, pem, pem::PemObject},
    rustls::{
        self, ClientConfig, ConfigBuilder, RootCertStore, SignatureScheme, WantsVerifier,
        client::{ResolvesClientCert, WantsClientCert},
        crypto::ring,
        sign::CertifiedKey,
    },
};

/// Which servers a [`Dialer`](super::Dialer) trusts on a `wss` URL, and how it authenticates itself.
/// Clones share the root certificates and the sessions to resume.
///
/// The server's certificate and host name are always verified. Only a rustls `ClientConfig` of your
/// own can change that.
///
/// Every constructor but [`From`] offers TLS 1.2 and 1.3 and, by ALPN (RFC 7301), only `http/1.1`,
/// as browsers do for a WebSocket: a proxy that prefers HTTP/2 must then not use it, and one that
/// tells protocols apart by ALPN finds what it expects. A server without ALPN ignores it.
///
/// ```no_run
/// use steadfast::transport::{Dialer, Tls};
///
/// // A company's own certificate authority, in addition to those of the system.
/// let authority = std::fs::read("/etc/company/ca.pem")?;
/// let dialer = Dialer::new("wss://feed.internal/")?.with_tls(Tls::trusting_platform_and(&authority)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tls(pub(super) Arc<ClientConfig>);

/// Why TLS could not be set up.
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
    /// The text contains no `CERTIFICATE`.
    #[error("there is no certificate in the PEM text of the certificate authorities")]
    NoCertificate,
    /// One of the certificates cannot be the root of a chain.
    #[error("one of the certificate authorities is not a valid certificate")]
    Certificate(#[source] rustls::Error),
    /// The system has no root certificates, or they cannot be read. On Linux, most distributions have
    /// them in a package `ca-certificates`, which small container images lack; on Android they need a
    /// Java virtual machine, so provide a `ClientConfig`.
    #[error("the system's certificate authorities cannot be used; install them, or name others")]
    Platform(#[source] rustls::Error),
    /// The cryptography cannot do what is asked of it.
    #[error("TLS cannot be configured")]
    Configuration(#[source] rustls::Error),
}

impl Tls {
    /// Trusts the certificate authorities of the system: on Windows, macOS and iOS by its own
    /// verifier; on other Unix systems by the usual files, or those in `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR`.
    ///
    /// This reads files. A dialer without a [`Tls`] does the same at its first dial of a `wss` URL,
    /// on a thread for blocking calls, and once for all such dialers of the process.
    ///
    /// # Errors
    ///
    /// If the system has no root certificates.
    pub fn trusting_platform() -> Result<Self, TlsError> {
        Self::new(|builder| platform(builder, Vec::new()))
    }

    /// Trusts the certificate authorities of the system and those in this PEM text.
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

    /// Trusts only the certificate authorities in this PEM text.
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

    /// The same, but for not showing who the client is. No session of the client that has shown it
    /// is resumed: rustls looks whether both show the same.
    pub(super) fn anonymous(&self) -> Self {
        if !self.0.client_auth_cert_resolver.has_certs() {
            return self.clone();
        }
        let mut config = ClientConfig::clone(&self.0);
        config.client_auth_cert_resolver = Arc::new(Nobody);
        Self(Arc::new(config))
    }
}

/// Has no certificate of a client.
#[derive(Debug)]
struct Nobody;

impl ResolvesClientCert for Nobody {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
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

/// A configuration of your own, for a client certificate, other cryptography or other verification.
/// It is used unchanged: leave `h2` out of its `alpn_protocols`, or some servers will speak HTTP/2.
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
