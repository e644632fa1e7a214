//! TLS over a byte stream: the handshake, and what its errors mean.

use std::{io, sync::OnceLock};

use futures::lock::Mutex;
use futures_rustls::{
    TlsConnector,
    pki_types::ServerName,
    rustls::{self, InvalidMessage},
};

use super::{ByteStream, Tls, TlsError, Url, error::io_failure, stream::Plain};
use crate::{FailureKind, client::DialError};

/// TLS with the server `name` of `url` over `stream`, as `tls` has it or by default.
pub(super) async fn connect(
    tls: Option<Tls>,
    name: ServerName<'static>,
    url: &Url,
    stream: Plain,
) -> Result<ByteStream, DialError> {
    let tls = match tls {
        Some(tls) => tls,
        None => SHARED.get(Tls::trusting_platform).await.map_err(|error| {
            DialError::new(FailureKind::Misconfigured, url.to_string()).with_source(error)
        })?,
    };
    match TlsConnector::from(tls.0).connect(name, stream).await {
        Ok(stream) => Ok(ByteStream::secure(stream)),
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

/// [`Tls::trusting_platform`] for all dialers of the process that have been given no other.
static SHARED: Shared = Shared::new();

/// What takes long to load, is loaded once, and tried again if that fails.
struct Shared {
    loaded: OnceLock<Tls>,
    /// Held while it is loaded, so that a fleet that dials at once loads it once.
    loading: OnceLock<Mutex<()>>,
}

impl Shared {
    const fn new() -> Self {
        Self { loaded: OnceLock::new(), loading: OnceLock::new() }
    }

    async fn get(&'static self, load: fn() -> Result<Tls, TlsError>) -> Result<Tls, TlsError> {
        if let Some(tls) = self.loaded.get() {
            return Ok(tls.clone());
        }
        let _loading = self.loading.get_or_init(Mutex::default).lock().await;
        // Whoever asked for it may have left; what comes of it is for the next.
        blocking::unblock(move || match self.loaded.get() {
            Some(tls) => Ok(tls.clone()),
            None => load().map(|tls| self.loaded.get_or_init(|| tls).clone()),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use futures::{FutureExt, executor::block_on, future::join_all};
    use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};

    use super::*;

    fn believing_nobody() -> Result<Tls, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let config = builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        Ok(Arc::new(config).into())
    }

    #[test]
    fn what_all_dialers_share_is_loaded_once_however_many_dial_first() {
        static SHARED: Shared = Shared::new();
        static LOADS: AtomicU32 = AtomicU32::new(0);
        static GATE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let load = || {
            LOADS.fetch_add(1, Ordering::Relaxed);
            drop(GATE.lock());
            believing_nobody()
        };
        let loaded = block_on(async {
            let gate = GATE.lock();
            let mut dials = join_all((0..200).map(|_| SHARED.get(load)));
            assert!((&mut dials).now_or_never().is_none(), "all have asked");
            drop(gate);
            dials.await
        });
        let first = loaded[0].as_ref().unwrap();
        assert!(loaded.iter().all(|tls| Arc::ptr_eq(&tls.as_ref().unwrap().0, &first.0)));
        assert_eq!(LOADS.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_could_not_be_loaded_is_loaded_by_the_next_who_asks() {
        static SHARED: Shared = Shared::new();
        static LOADS: AtomicU32 = AtomicU32::new(0);
        let load = || match LOADS.fetch_add(1, Ordering::Relaxed) {
            0 => Err(TlsError::NoCertificate),
            _ => believing_nobody(),
        };
        let loaded = block_on(join_all((0..3).map(|_| SHARED.get(load))));
        let failed: Vec<_> = loaded.iter().map(Result::is_err).collect();
        assert_eq!((failed, LOADS.load(Ordering::Relaxed)), (vec![true, false, false], 2));
    }

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
