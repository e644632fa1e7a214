//! WebSockets over a Unix-domain socket.

use std::{
    env, fs,
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    process,
};

use async_io::Async;
use futures::executor::block_on;
use steadfast::{
    client::{Dial, DialContext, DialError},
    transport::{AsyncIoClock, Conn, Meter, Metered, async_tungstenite::client_async},
};

use crate::{conversation::converse, server::serve_two};

pub(crate) fn path(test: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("steadfast-{}-{test}.sock", process::id()));
    let _ = fs::remove_file(&path);
    path
}

pub(crate) fn dialer(
    path: PathBuf,
) -> impl Dial<Conn = Conn<Metered<Async<UnixStream>>>, Error = DialError> {
    move |_: DialContext| {
        let path = path.clone();
        async move {
            let meter = Meter::default();
            let socket = Metered::new(Async::<UnixStream>::connect(path).await?, meter.clone());
            let (stream, _response) = client_async("ws://localhost/feed", socket).await?;
            Ok(Conn::from(stream).with_meter(meter))
        }
    }
}

#[test]
fn a_unix_domain_socket() {
    let path = path("plain");
    let listener = UnixListener::bind(&path).unwrap();
    let server = serve_two(move || listener.accept().unwrap().0);
    block_on(converse(dialer(path.clone()), AsyncIoClock::new()));
    server.join().unwrap();
    fs::remove_file(path).unwrap();
}
