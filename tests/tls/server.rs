//! A server with TLS, on a thread of its own.

use std::{
    io::{self, Read},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use async_tungstenite::tungstenite::{self, WebSocket};
use steadfast::transport::rustls::{
    self, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientCertVerifierBuilder, WebPkiClientVerifier},
};

pub(crate) type Secure = StreamOwned<ServerConnection, TcpStream>;

/// A certificate and its key, by the name of its file.
macro_rules! identity {
    ($name:literal) => {
        $crate::server::Identity(include_str!(concat!("certificates/", $name, ".pem")))
    };
}
pub(crate) use identity;

pub(crate) const AUTHORITY: &str = include_str!("certificates/authority.pem");

#[derive(Clone, Copy)]
pub(crate) struct Identity(pub(crate) &'static str);

impl Identity {
    pub(crate) fn certificates(self) -> Vec<CertificateDer<'static>> {
        let found = CertificateDer::pem_slice_iter(self.0.as_bytes());
        found.collect::<Result<_, _>>().unwrap()
    }

    pub(crate) fn key(self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.0.as_bytes()).unwrap()
    }

    /// A server's configuration with it, which asks for no client's certificate.
    pub(crate) fn config(self) -> ServerConfig {
        self.config_with(rustls::ALL_VERSIONS)
    }

    pub(crate) fn config_with(
        self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ServerConfig {
        ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.certificates(), self.key())
            .unwrap()
    }

    /// One that insists on a client's certificate of the test authority.
    pub(crate) fn config_for_known_clients(
        self,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> ServerConfig {
        self.config_that_asks(version, |clients| clients)
    }

    /// One that asks for a client's certificate of the test authority, and does without.
    pub(crate) fn config_for_any_clients(
        self,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> ServerConfig {
        self.config_that_asks(version, ClientCertVerifierBuilder::allow_unauthenticated)
    }

    fn config_that_asks(
        self,
        version: &'static rustls::SupportedProtocolVersion,
        how: fn(ClientCertVerifierBuilder) -> ClientCertVerifierBuilder,
    ) -> ServerConfig {
        let provider = Arc::new(default_provider());
        let roots = Arc::new(authority());
        let clients = how(WebPkiClientVerifier::builder_with_provider(roots, provider.clone()));
        ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(self.certificates(), self.key())
            .unwrap()
    }
}

/// The test authority alone.
pub(crate) fn authority() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(AUTHORITY.as_bytes()).unwrap()).unwrap();
    roots
}

pub(crate) struct Server<T> {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Server<T> {
    /// One that accepts one connection and speaks no TLS by itself.
    pub(crate) fn plain(serve: impl FnOnce(TcpStream) -> T + Send + 'static) -> Self {
        Self::start(move |listener| serve(accept(&listener)))
    }

    /// One that accepts one connection and makes the TLS handshake.
    pub(crate) fn secure(
        config: ServerConfig,
        serve: impl FnOnce(io::Result<Secure>) -> T + Send + 'static,
    ) -> Self {
        Self::start(move |listener| serve(handshake(&Arc::new(config), accept(&listener))))
    }

    /// One that accepts one WebSocket.
    pub(crate) fn upgraded(
        config: ServerConfig,
        serve: impl FnOnce(WebSocket<Secure>) -> T + Send + 'static,
    ) -> Self {
        Self::secure(config, |stream| {
            serve(tungstenite::accept(stream.expect("a TLS handshake")).expect("an upgrade"))
        })
    }

    pub(crate) fn start(serve: impl FnOnce(TcpListener) -> T + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, thread: thread::spawn(move || serve(listener)) }
    }

    pub(crate) fn url(&self) -> String {
        format!("wss://localhost:{}/feed?token=canary", self.address.port())
    }

    pub(crate) fn join(self) -> T {
        self.thread.join().expect("the server panicked")
    }
}

pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    // No thread outlives its test by more than this.
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

pub(crate) fn handshake(config: &Arc<ServerConfig>, mut stream: TcpStream) -> io::Result<Secure> {
    let mut connection = ServerConnection::new(config.clone()).unwrap();
    while connection.is_handshaking() {
        let progress = connection.complete_io(&mut stream);
        if !matches!(progress, Ok((1.., _))) {
            // The client shall read the alert before the system tells it that nobody is there.
            drain(&mut stream);
            return Err(progress.err().unwrap_or(io::ErrorKind::UnexpectedEof.into()));
        }
    }
    Ok(StreamOwned::new(connection, stream))
}

/// Reads and forgets until the client has left.
pub(crate) fn drain(stream: &mut impl Read) {
    let mut buffer = [0; 4_096];
    while let Ok(1..) = stream.read(&mut buffer) {}
}
