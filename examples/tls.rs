//! TLS: an authority of one's own, a certificate of the client, and a server that wants to see it.
//!
//! ```console
//! cargo run --example tls
//! ```
//!
//! It brings its own server, which hangs up once. The default is less work: a `wss` URL alone is
//! dialed with TLS, and whom the system believes is believed.

use std::{error::Error, net::TcpListener, sync::Arc, thread};

use futures::{SinkExt, StreamExt, executor::block_on};
use steadfast::{
    client::{Builder, Event},
    transport::{
        AsyncIoClock, Dialer,
        rustls::{
            ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
            crypto::ring::default_provider,
            pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
            server::WebPkiClientVerifier,
        },
        tungstenite,
    },
};

// Made for tests only.
const AUTHORITY: &[u8] = include_bytes!("../tests/tls/certificates/authority.pem");
const CLIENT: &[u8] = include_bytes!("../tests/tls/certificates/client.pem");
const SERVER: &[u8] = include_bytes!("../tests/tls/certificates/server.pem");

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("wss://localhost:{}/", listener.local_addr()?.port());
    let config = server_config()?;
    thread::spawn(move || serve(&listener, &config));
    // Without a certificate of the client, `Tls::trusting_only(AUTHORITY)?` would do.
    let dialer = Dialer::new(&url)?.with_tls(client_config()?);
    let mut connection = Builder::new(dialer, AsyncIoClock::new()).build();
    block_on(async {
        let mut answers = 0;
        while let Some(event) = connection.next().await {
            println!("{event}");
            match event {
                Event::Up(_) => drop(connection.send("hello".into()).await),
                Event::Message(_) => answers += 1,
                _ => {}
            }
            if answers == 2 {
                connection.stop();
            }
        }
    });
    Ok(())
}

/// The provider is named: where a process has several, or none, rustls panics without.
fn client_config() -> Result<Arc<ClientConfig>, Box<dyn Error>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities()?);
    let chain = vec![CertificateDer::from_pem_slice(CLIENT)?];
    Ok(Arc::new(builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(CLIENT)?)?))
}

fn authorities() -> Result<RootCertStore, Box<dyn Error>> {
    let mut authorities = RootCertStore::empty();
    authorities.add(CertificateDer::from_pem_slice(AUTHORITY)?)?;
    Ok(authorities)
}

fn server_config() -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let provider = Arc::new(default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(authorities()?), provider.clone());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients.build()?);
    let chain = vec![CertificateDer::from_pem_slice(SERVER)?];
    Ok(Arc::new(builder.with_single_cert(chain, PrivateKeyDer::from_pem_slice(SERVER)?)?))
}

/// Answers the first message of a client and hangs up, and does what the second one wants.
fn serve(listener: &TcpListener, config: &Arc<ServerConfig>) {
    for (client, stream) in listener.incoming().flatten().enumerate() {
        let Ok(connection) = ServerConnection::new(config.clone()) else { return };
        let Ok(mut socket) = tungstenite::accept(StreamOwned::new(connection, stream)) else {
            continue;
        };
        while let Ok(message) = socket.read() {
            if message.is_text() {
                let _ = socket.send(message);
                if client == 0 {
                    break;
                }
            }
        }
    }
}
