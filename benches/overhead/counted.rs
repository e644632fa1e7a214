//! Instructions and allocations a message, on a byte stream in memory: the same in every run.

use std::{
    env,
    future::poll_fn,
    io,
    pin::Pin,
    process::Command,
    task::{Context, Poll},
};

use async_io::block_on;
use futures::{AsyncRead, AsyncWrite, FutureExt, SinkExt, Stream, StreamExt};
use stats_alloc::Region;
use steadfast::{
    client::{Builder, Connection, Dial, DialContext, DialError, Driver, Event, Handle},
    transport::{
        AsyncIoClock, Conn, Limits, Meter, Metered, async_tungstenite::WebSocketStream,
        tungstenite::protocol::Role,
    },
};

use crate::{
    MEMORY, PLAY, burst,
    clients::{hourly, message, raw_message, until_up, web_socket_config},
    echo, is_timed,
    server::frames,
    table::{Limit, Table},
};

/// How many messages valgrind counts first; then three times as many.
const COUNTED: usize = 4_000;

type Play = fn(usize);

/// What can be played, by its name.
const SCENARIOS: [(&str, Play); 11] = [
    ("send raw", |messages| {
        let mut raw = raw(Bytes::silent());
        block_on(async {
            for _ in 0..messages {
                raw.feed(raw_message()).await.expect("it accepts");
                raw.flush().await.expect("it accepts");
            }
        });
    }),
    ("send", |messages| {
        let mut ours = open(Bytes::silent);
        block_on(async {
            for _ in 0..messages {
                ours.feed(message()).await.expect("it accepts");
                ours.flush().await.expect("it accepts");
            }
        });
    }),
    ("receive raw", |messages| {
        let mut raw = raw(Bytes::flooding());
        block_on(async {
            for _ in 0..messages {
                let message = poll_fn(|cx| poll_next(&mut raw, cx)).await;
                message.expect("a message").expect("a message");
            }
        });
    }),
    ("receive", |messages| {
        let mut ours = open(Bytes::flooding);
        block_on(async {
            for _ in 0..messages {
                match poll_fn(|cx| poll_next(&mut ours, cx)).await {
                    Some(Event::Message(message)) => drop(message),
                    other => panic!("{other:?}"),
                }
            }
        });
    }),
    ("burst by hand", |messages| {
        block_on(burst::batched(&mut raw(Bytes::silent()), messages));
    }),
    ("burst", |messages| {
        let (handle, mut driver) = split();
        block_on(burst::in_batches(&handle, &mut driver, messages));
    }),
    ("burst, send by send", |messages| {
        let (handle, mut driver) = split();
        block_on(burst::send_by_send(&handle, &mut driver, messages));
    }),
    ("echo raw", echo::play_raw),
    ("echo", echo::play),
    ("echo through a handle", echo::play_through_handle),
    // Shows that allocations are counted at all.
    ("allocate", |times| (0..times).for_each(|time| drop(std::hint::black_box(Box::new(time))))),
];

/// What one message takes is a call of its own, for either client, as it is where a task is polled for
/// each. Otherwise the compiler makes all of tungstenite part of the loop here.
#[inline(never)]
fn poll_next<S: Stream + Unpin>(stream: &mut S, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
    stream.poll_next_unpin(cx)
}

pub(crate) fn play(name: &str, messages: usize) {
    let (_, play) = SCENARIOS.iter().find(|(known, _)| *known == name).expect("a scenario");
    play(messages);
}

pub(crate) fn measure(table: &mut Table) {
    assert_eq!(allocations("allocate"), 1.0, "allocations are counted");
    let limits = [
        ("send: instructions over raw", "send raw", "send", Limit::AtMost(60.0)),
        ("receive: instructions over raw", "receive raw", "receive", Limit::AtMost(40.0)),
        ("echo in memory, Connection: instructions over raw", "echo raw", "echo", Limit::None),
        (
            "echo in memory, Handle: instructions over raw",
            "echo raw",
            "echo through a handle",
            Limit::None,
        ),
        ("burst: instructions over hand-batched", "burst by hand", "burst", Limit::None),
        (
            "burst, send by send: instructions over hand-batched",
            "burst by hand",
            "burst, send by send",
            Limit::None,
        ),
    ];
    for (name, raw, ours, limit) in limits {
        let (raw, ours) = (instructions(raw), instructions(ours));
        let shown =
            |count: Option<f64>| count.map_or("-".to_owned(), |count| format!("{count:.0}"));
        let over = raw.zip(ours).map(|(raw, ours)| ours - raw);
        table.add(name, (shown(raw), shown(ours)), over, limit);
    }
    let limits = [
        ("send: allocations over raw", "send raw", "send", Limit::AtMost(0.0)),
        ("receive: allocations over raw", "receive raw", "receive", Limit::AtMost(0.0)),
        (
            "echo in memory, Handle: allocations",
            "echo raw",
            "echo through a handle",
            Limit::AtMost(0.0),
        ),
    ];
    for (name, raw, ours, limit) in limits {
        let (raw, ours) = (allocations(raw), allocations(ours));
        let both = (format!("{raw:.3}"), format!("{ours:.3}"));
        table.add(name, both, ours - raw, limit);
    }
}

/// What one message allocates or reallocates, without what is made once.
fn allocations(name: &str) -> f64 {
    let count = |messages| {
        let region = Region::new(MEMORY);
        play(name, messages);
        let change = region.change();
        (change.allocations + change.reallocations) as f64
    };
    // The first has things to make that stay.
    count(COUNTED);
    // A few that are made once, whenever it is, are none a message.
    ((count(3 * COUNTED) - count(COUNTED)) / (2 * COUNTED) as f64 * 1e3).round() / 1e3
}

/// `None` if valgrind is not there, or failed.
fn instructions(name: &str) -> Option<f64> {
    if !is_timed() {
        return None;
    }
    let count = |messages: usize| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env::current_exe().ok()?)
            .args([PLAY, name, &messages.to_string()])
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let (_, rest) = text.split_once("Collected : ")?;
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    Some((count(3 * COUNTED)? - count(COUNTED)?) / (2 * COUNTED) as f64)
}

/// A byte stream that takes all that is written.
#[derive(Clone)]
struct Bytes {
    /// What is read, again and again; nothing if it is empty.
    read: Vec<u8>,
    at: usize,
}

impl Bytes {
    fn silent() -> Self {
        Self { read: Vec::new(), at: 0 }
    }

    fn flooding() -> Self {
        Self { read: frames(1_000), at: 0 }
    }
}

impl AsyncRead for Bytes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.read.is_empty() {
            return Poll::Pending;
        }
        let at = self.at % self.read.len();
        let count = buffer.len().min(self.read.len() - at);
        buffer[..count].copy_from_slice(&self.read[at..at + count]);
        self.at = at + count;
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Bytes {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn web_socket<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> WebSocketStream<S> {
    let config = web_socket_config(Limits::default().read_buffer_size);
    WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await
}

fn raw(bytes: Bytes) -> WebSocketStream<Bytes> {
    block_on(web_socket(bytes))
}

type Metering = Conn<Metered<Bytes>>;

fn split() -> (Handle, Driver<impl Dial<Conn = Metering>, AsyncIoClock>) {
    let (handle, mut driver) = open(Bytes::silent).split(burst::CAPACITY);
    assert!(driver.next().now_or_never().is_none(), "the handle is told that it is open");
    (handle, driver)
}

/// The client over what the default transport is made of, but for the choice of TLS.
fn open(bytes: fn() -> Bytes) -> Connection<impl Dial<Conn = Metering>, AsyncIoClock> {
    let dialer = move |_: DialContext| async move {
        let meter = Meter::default();
        let stream = web_socket(Metered::new(bytes(), meter.clone())).await;
        Ok::<_, DialError>(Conn::from(stream).with_meter(meter))
    };
    let mut connection = Builder::new(dialer, AsyncIoClock::new()).with_config(hourly()).build();
    block_on(until_up(&mut connection));
    connection
}
