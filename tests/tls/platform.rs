//! Whom the system believes, where files say so. Which files, the environment tells, and it is a
//! process's own: so each of these tests runs itself again in one.
#![cfg(all(unix, not(target_vendor = "apple"), not(target_os = "android")))]

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use steadfast::{
    FailureKind, Next,
    transport::{Dialer, Tls, TlsError},
};

use crate::{
    client::{connection, dial, failure},
    server::{Server, drain, identity},
};

const FILE: &str = "SSL_CERT_FILE";
const ALREADY: &str = "STEADFAST_TLS_TEST_RUNS_ITSELF";

/// Runs `body` in a process whose system believes the authorities in `file`.
fn believing(test: &str, file: &Path, body: impl FnOnce()) {
    if env::var_os(ALREADY).is_some() {
        return body();
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALREADY, "1")
        .env(FILE, file)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{output:?}");
}

fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls/certificates")
}

#[test]
fn a_dialer_believes_whom_the_system_believes() {
    let file = certificates().join("authority.pem");
    believing("platform::a_dialer_believes_whom_the_system_believes", &file, || {
        // The second dial takes what the first has read.
        for _ in 0..2 {
            let server = Server::upgraded(identity!("server").config(), |mut socket| {
                drain(socket.get_mut());
            });
            drop(dial(Dialer::new(&server.url()).unwrap()).unwrap());
            server.join();
        }
    });
}

#[test]
fn a_system_that_believes_others_is_final() {
    let file = certificates().join("self-signed.pem");
    believing("platform::a_system_that_believes_others_is_final", &file, || {
        let server = Server::secure(identity!("server").config(), |stream| stream.is_err());
        let (failure, text, next) = failure(&mut connection(Dialer::new(&server.url()).unwrap()));
        assert_eq!((failure.kind(), next), (FailureKind::Certificate, Next::Closed), "{text}");
        assert!(server.join());
    });
}

#[test]
fn a_system_that_believes_nobody_is_final_and_says_what_to_do() {
    let file = certificates().join("make.sh");
    believing(
        "platform::a_system_that_believes_nobody_is_final_and_says_what_to_do",
        &file,
        || {
            let server = Server::plain(|mut stream| drain(&mut stream));
            let (failure, text, next) =
                failure(&mut connection(Dialer::new(&server.url()).unwrap()));
            assert_eq!(
                (failure.kind(), next),
                (FailureKind::Misconfigured, Next::Closed),
                "{text}"
            );
            assert!(text.contains("certificate authorities"), "{text}");
            server.join();
            assert!(matches!(Tls::trusting_platform(), Err(TlsError::Platform(_))));
        },
    );
}
