//! `docs/defaults.md`: every setting with its default, which is read from the default, and with what
//! its documentation says of it, which is held against that.

use std::{fmt::Debug, time::Duration};

use steadfast::{
    Backoff, BackoffBuilder, Bounds, Config, ConfigBuilder, Heartbeat, HeartbeatKind,
    client::Outbox,
    transport::{Dialer, Limits, TcpOptions},
};

use crate::document::{self, human, line, with_block};

/// A setting and its default.
type Setting = (&'static str, String);

fn span(span: Duration) -> String {
    human(span)
}

fn bytes(bytes: usize) -> String {
    match bytes {
        bytes if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes if bytes >= 1 << 10 && bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} B"),
    }
}

/// A name of the language.
fn name(value: impl Debug) -> String {
    format!("`{value:?}`")
}

fn machine() -> Vec<Setting> {
    let ConfigBuilder {
        connect_timeout,
        close_timeout,
        stable_after,
        probe_timeout,
        online_spread,
        heartbeat,
        first_connect,
        ..
    } = Config::default().to_builder();
    assert_eq!(heartbeat, Some(Heartbeat::default()), "the page has one table for both");
    vec![
        ("connect_timeout", span(connect_timeout)),
        ("close_timeout", span(close_timeout)),
        ("stable_after", span(stable_after)),
        ("probe_timeout", span(probe_timeout)),
        ("online_spread", span(online_spread)),
        ("heartbeat", "`Heartbeat::default`".into()),
        ("first_connect", format!("`FirstConnect::{first_connect:?}`")),
    ]
}

fn heartbeat() -> Vec<Setting> {
    let Heartbeat { interval, pong_timeout, reprobes, kind, .. } = Heartbeat::default();
    vec![
        ("interval", span(interval)),
        ("pong_timeout", span(pong_timeout)),
        ("reprobes", reprobes.to_string()),
        ("kind", format!("`HeartbeatKind::{kind:?}`")),
    ]
}

fn backoff() -> Vec<Setting> {
    let BackoffBuilder {
        base,
        first,
        spread,
        factor_percent,
        floor,
        cap,
        jitter,
        max_retries,
        max_elapsed,
        retry_after_cap,
        ..
    } = Backoff::default().to_builder();
    vec![
        ("base", span(base)),
        ("first", span(first)),
        ("spread", span(spread)),
        ("factor_percent", factor_percent.to_string()),
        ("floor", span(floor)),
        ("cap", span(cap)),
        ("jitter", format!("`Jitter::{jitter:?}`")),
        ("max_retries", name(max_retries)),
        ("max_elapsed", name(max_elapsed)),
        ("retry_after_cap", span(retry_after_cap)),
    ]
}

fn outbox() -> Vec<Setting> {
    let Outbox { max_messages, max_bytes, overflow, time_to_live, release, .. } = Outbox::default();
    vec![
        ("max_messages", max_messages.to_string()),
        ("max_bytes", bytes(max_bytes)),
        ("overflow", format!("`Overflow::{overflow:?}`")),
        ("time_to_live", time_to_live.map_or_else(|| "`None`".into(), span)),
        ("release", format!("`Release::{release:?}`")),
    ]
}

fn limits() -> Vec<Setting> {
    let Limits { max_message_size, max_frame_size, read_buffer_size, write_buffer_size, .. } =
        Limits::default();
    vec![
        ("max_message_size", bytes(max_message_size)),
        ("max_frame_size", bytes(max_frame_size)),
        ("read_buffer_size", bytes(read_buffer_size)),
        ("write_buffer_size", bytes(write_buffer_size)),
    ]
}

fn tcp() -> Vec<Setting> {
    let TcpOptions { attempt_delay, keepalive, .. } = TcpOptions::default();
    vec![
        ("attempt_delay", span(attempt_delay)),
        ("keepalive", keepalive.map_or_else(|| "`None`".into(), span)),
    ]
}

/// What else the default dialer does.
fn dialer() -> String {
    let shown = format!("{:?}", Dialer::new("ws://localhost/").expect("a URL"));
    let has = |field: &str| shown.contains(field);
    let all = ["max_redirects: 0", "proxy: None", "headers: []", "subprotocols: 0"];
    assert!(all.into_iter().all(has), "{shown}");
    "It follows no redirect, uses no proxy, and sends no header and no subprotocol of its own.\n"
        .into()
}

/// What a policy of one's own is held to unless it says otherwise.
fn bounds() -> String {
    let bounds = Bounds::default();
    assert!(bounds.cap() > Duration::from_secs(1 << 32), "the page says that there is none");
    format!(
        "A policy that says nothing of its bounds has a floor of {}, no cap, and obeys a \
         `Retry-After` up to {}.\n",
        human(bounds.floor()),
        human(bounds.retry_after_cap()),
    )
}

/// How long a dead peer goes unnoticed.
fn detection() -> String {
    let Heartbeat { interval, pong_timeout, reprobes, kind, .. } = Heartbeat::default();
    assert_eq!(kind, HeartbeatKind::Ping);
    let longest = interval + pong_timeout * (1 + u32::from(reprobes));
    format!("With these a dead peer is given up after {} of silence.\n", human(longest))
}

/// The fields of a struct with their documentation, as its source has it.
fn fields(file: &str, name: &str) -> Vec<(String, String)> {
    let source = document::read(file);
    let (_, body) = source.split_once(&format!("pub struct {name} {{\n")).expect("it is there");
    let (body, _) = body.split_once("\n}\n").expect("it ends");
    let (mut fields, mut doc) = (Vec::new(), String::new());
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push_str(text);
        } else if let Some(field) = line.strip_prefix("pub ") {
            let (field, _) = field.split_once(':').expect("it has a type");
            fields.push((field.to_owned(), plain(&std::mem::take(&mut doc))));
        }
    }
    fields
}

/// Without links.
fn plain(doc: &str) -> String {
    let mut text = String::new();
    let mut rest = doc.trim();
    while let Some((before, link)) = rest.split_once('[') {
        let (words, after) = link.split_once(']').expect("a link ends");
        text.push_str(before);
        text.push_str(words);
        rest = match after.strip_prefix('(') {
            Some(target) => target.split_once(')').expect("a target ends").1,
            None => after,
        };
    }
    text + rest
}

/// The sentences of a documentation but the one that tells the default, and that default.
fn without_default(doc: &str) -> (String, String) {
    let (before, rest) = doc.split_once("Default ").expect("a setting says its default");
    let end = rest.find(". ").unwrap_or(rest.len().saturating_sub(1));
    let (told, after) = rest.split_at(end);
    let default = told.split([';', ',']).next().unwrap_or_default().to_owned();
    let more = told.strip_prefix(&default).unwrap_or_default().trim_start_matches([';', ',', ' ']);
    let after = after.trim_start_matches(['.', ' ']);
    let words = [before.trim(), more, after].into_iter().filter(|words| !words.is_empty());
    (words.map(sentence).collect::<Vec<_>>().join(" "), default)
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let end = if words.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

fn table(file: &str, name: &str, settings: Vec<Setting>) -> String {
    let fields = fields(file, name);
    assert_eq!(fields.len(), settings.len(), "{name}: every field has a line");
    let mut table = line(["setting", "default", "what it is"]) + &line(["---"; 3]);
    for ((field, doc), (setting, value)) in fields.into_iter().zip(settings) {
        assert_eq!(field, setting, "{name}");
        let (doc, default) = without_default(&doc);
        assert_eq!(default, value, "{name}::{field} says another default than it has");
        table.push_str(&line([format!("`{field}`"), value, doc]));
    }
    table
}

#[test]
fn the_page_about_defaults_says_what_they_are() {
    let blocks = [
        ("machine", table("src/config.rs", "ConfigBuilder", machine())),
        ("heartbeat", table("src/heartbeat.rs", "Heartbeat", heartbeat())),
        ("detection", detection()),
        ("backoff", table("src/policy/builder.rs", "BackoffBuilder", backoff())),
        ("bounds", bounds()),
        ("outbox", table("src/client/outbox.rs", "Outbox", outbox())),
        ("limits", table("src/transport/websocket/limits.rs", "Limits", limits())),
        ("tcp", table("src/transport/websocket/tcp.rs", "TcpOptions", tcp())),
        ("dialer", dialer()),
    ];
    let page = document::read("docs/defaults.md");
    let page = blocks.iter().fold(page, |page, (name, block)| with_block(&page, name, block));
    document::check("docs/defaults.md", &page);
}
