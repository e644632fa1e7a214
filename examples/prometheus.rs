//! Exports what clients have been through as Prometheus text.
//!
//! `cargo run --example prometheus -- ws://127.0.0.1:9001 ws://127.0.0.1:9002`, then
//! `curl http://127.0.0.1:9090/metrics`. A snapshot is a copy under a lock that is held for a
//! moment, so ten thousand clients can be asked each second.

use std::{
    env,
    fmt::Write as _,
    io::{self, Read, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use futures::{StreamExt, executor::block_on};
use steadfast::{
    State,
    client::{Handle, Snapshot},
};

const LISTEN: &str = "127.0.0.1:9090";

/// A client and the name that it has in the metrics. A URL's query may be secret: `Url` hides it.
struct Watched {
    url: String,
    handle: Handle,
}

/// What is exported: name, kind, help, and how to read it.
type Metric = (&'static str, &'static str, &'static str, fn(&Snapshot) -> f64);

#[allow(clippy::cast_precision_loss, reason = "Prometheus has no integers")]
const METRICS: [Metric; 10] = [
    ("up", "gauge", "Whether the connection is open.", |it| {
        f64::from(u8::from(it.state == State::Open))
    }),
    ("dials_total", "counter", "Dials.", |it| it.stats.dials as f64),
    ("opens_total", "counter", "Connections that opened.", |it| it.stats.opens.into()),
    ("failures", "gauge", "Failures in a row.", |it| it.failures.into()),
    ("received_messages_total", "counter", "Messages received.", |it| {
        it.traffic.messages_received as f64
    }),
    ("received_bytes_total", "counter", "Bytes of payload received.", |it| {
        it.traffic.bytes_received as f64
    }),
    ("sent_messages_total", "counter", "Messages sent.", |it| it.traffic.messages_sent as f64),
    ("sent_bytes_total", "counter", "Bytes of payload sent.", |it| it.traffic.bytes_sent as f64),
    ("round_trip_seconds", "gauge", "Smoothed round-trip time; 0 if unknown.", |it| {
        it.stats.round_trip.map_or(0.0, |round_trip| round_trip.smoothed.as_secs_f64())
    }),
    ("queued_messages", "gauge", "Messages that wait to be sent.", |it| it.queued as f64),
];

fn render(clients: &[Watched]) -> String {
    let snapshots: Vec<_> = clients.iter().map(|it| (&it.url, it.handle.snapshot())).collect();
    let mut text = String::new();
    for (name, kind, help, value) in METRICS {
        let _ = writeln!(text, "# HELP steadfast_{name} {help}\n# TYPE steadfast_{name} {kind}");
        for (url, snapshot) in &snapshots {
            let _ = writeln!(text, "steadfast_{name}{{url={url:?}}} {}", value(snapshot));
        }
    }
    let _ = writeln!(text, "# HELP steadfast_drops_total Connections that ended, by cause.");
    let _ = writeln!(text, "# TYPE steadfast_drops_total counter");
    for (url, Snapshot { drops, .. }) in &snapshots {
        for (cause, count) in [
            ("closed", drops.closed),
            ("lost", drops.lost),
            ("silent", drops.silent),
            ("violated", drops.violated),
            ("stopped", drops.stopped),
        ] {
            let labels = format!("url={url:?},cause=\"{cause}\"");
            let _ = writeln!(text, "steadfast_drops_total{{{labels}}} {count}");
        }
    }
    text
}

/// Connects, and drives the connection in a thread of its own.
fn watch(url: &str) -> Result<Watched, steadfast::transport::UrlError> {
    let name = url.parse::<steadfast::transport::Url>()?.to_string();
    let (handle, mut driver) = steadfast::connect(url)?.build().split(64);
    thread::spawn(move || block_on(async { while driver.next().await.is_some() {} }));
    Ok(Watched { url: name, handle })
}

fn answer(mut stream: TcpStream, clients: &[Watched]) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let _ = stream.read(&mut [0; 4096])?;
    let body = render(clients);
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clients = env::args().skip(1).map(|url| watch(&url)).collect::<Result<Vec<_>, _>>()?;
    if clients.is_empty() {
        return Err("usage: prometheus URL...".into());
    }
    let listener = TcpListener::bind(LISTEN)?;
    println!("http://{LISTEN}/metrics");
    for stream in listener.incoming() {
        if let Err(error) = answer(stream?, &clients) {
            eprintln!("a scrape failed: {error}");
        }
    }
    Ok(())
}
