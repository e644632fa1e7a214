//! `docs/failures.md`: what `classify` says of every failure there is, and what that means for the
//! default backoff.

use std::{fmt::Write as _, time::Duration};

use http::StatusCode;
use steadfast::{
    Attempt, Backoff, CloseCode, Failure, FailureKind, Pace, Timeout, Verdict, classify,
};

use crate::document::{self, human, line, with_block};

fn words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Retry(pace) => match pace {
            Pace::Normal => "retry".into(),
            pace => format!("retry, {}", pace_words(pace)),
        },
        Verdict::Refresh => "refresh the credentials and retry, once; then stop".into(),
        Verdict::Stop => "**stop**".into(),
    }
}

fn pace_words(pace: Pace) -> String {
    match pace {
        Pace::Normal => "as usual".into(),
        Pace::Twice => "at twice the delay".into(),
        Pace::StepsUp(steps) => format!("as if {steps} more had failed"),
        Pace::Spread => "spread widely".into(),
        other => panic!("the page does not know {other:?}"),
    }
}

/// Numbers in a row with one verdict, those with a name apart.
fn ranges(
    numbers: std::ops::RangeInclusive<u16>,
    verdict: impl Fn(u16) -> Verdict,
    name: impl Fn(u16) -> Option<String>,
) -> String {
    let mut rows: Vec<(u16, u16, Option<String>, Verdict)> = Vec::new();
    for number in numbers {
        let (name, verdict) = (name(number), verdict(number));
        match rows.last_mut() {
            Some((_, last, None, before)) if name.is_none() && *before == verdict => *last = number,
            _ => rows.push((number, number, name, verdict)),
        }
    }
    let mut table = String::new();
    for (first, last, name, verdict) in rows {
        let numbers = if first == last { first.to_string() } else { format!("{first}–{last}") };
        table.push_str(&line([numbers, name.unwrap_or_default(), words(verdict)]));
    }
    table
}

fn close_codes() -> String {
    let name = |code| {
        let text = CloseCode::new(code).to_string();
        text.split_once(" (").map(|(_, name)| name.trim_end_matches(')').to_owned())
    };
    let verdict = |code| {
        let [closed, violation] = [FailureKind::Closed, FailureKind::Violation]
            .map(|kind| classify(kind(CloseCode::new(code)).into()));
        assert_eq!(closed, violation, "the page has one table for both");
        closed
    };
    let head = line(["code", "name", "verdict"]) + &line(["--:", "---", "---"]);
    head + &ranges(0..=u16::MAX, verdict, name)
}

/// A status has its own line if its verdict is not that of its neighbours.
fn statuses() -> String {
    let verdict = |status| classify(FailureKind::Http(status).into());
    let name = |status: u16| {
        let stands_out = |other: u16| verdict(other) != verdict(status);
        let is_alone = stands_out(status.saturating_sub(1)) && stands_out(status.saturating_add(1));
        let code = StatusCode::from_u16(status).ok()?;
        let reason = code.canonical_reason()?;
        is_alone.then(|| reason.to_owned())
    };
    for number in (0..=99).chain(600..=u16::MAX) {
        assert_eq!(verdict(number), Verdict::Stop, "{number} is not in the table");
    }
    let head = line(["status", "name", "verdict"]) + &line(["--:", "---", "---"]);
    head + &ranges(100..=599, verdict, name)
}

/// The names of an enumeration, which its deserialiser knows.
pub(crate) fn variants<T: serde::de::DeserializeOwned + std::fmt::Debug>() -> Vec<String> {
    let error = serde_json::from_str::<T>("\"?\"").expect_err("there is none of this name");
    let text = error.to_string();
    let (_, names) = text.split_once("expected ").expect("the names are told");
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn others() -> String {
    let kinds = [
        FailureKind::Handshake,
        FailureKind::Subprotocol,
        FailureKind::Refused,
        FailureKind::Reset,
        FailureKind::Unreachable,
        FailureKind::NameResolution,
        FailureKind::Timeout(Timeout::Connect),
        FailureKind::Timeout(Timeout::Heartbeat),
        FailureKind::Timeout(Timeout::Silence),
        FailureKind::Timeout(Timeout::Network),
        FailureKind::Certificate,
        FailureKind::Tls,
        FailureKind::Request,
        FailureKind::Misconfigured,
        FailureKind::Io,
    ];
    let names = kinds.map(|kind| format!("{kind:?}"));
    for variant in variants::<FailureKind>() {
        let has_its_own_table = ["Closed", "Violation", "Http"].contains(&variant.as_str());
        let is_here = names.iter().any(|name| name.split('(').next() == Some(&variant));
        assert!(has_its_own_table || is_here, "{variant} is not on the page");
    }
    for variant in variants::<Timeout>() {
        assert!(names.contains(&format!("Timeout({variant})")), "{variant} is not on the page");
    }
    let mut table = line(["failure", "what it says", "verdict"]) + &line(["---"; 3]);
    for (kind, name) in kinds.iter().zip(&names) {
        let verdict = classify((*kind).into());
        table.push_str(&line([format!("`{name}`"), kind.to_string(), words(verdict)]));
    }
    table
}

/// Between which bounds the default backoff draws.
fn delays() -> String {
    const NUMBERS: [u32; 6] = [1, 2, 3, 4, 6, 10];
    let backoff = Backoff::default();
    let mut table = line(
        ["pace".to_owned(), "after a connection, 1st".to_owned()]
            .into_iter()
            .chain(NUMBERS.map(|number| format!("retry {number}"))),
    );
    table.push_str(&line(["---"; NUMBERS.len() + 2]));
    let range = |pace, number, uptime| {
        let mut attempt = Attempt::new(number, FailureKind::Reset, 0);
        (attempt.pace, attempt.uptime) = (pace, uptime);
        let (least, most) = backoff.range(&attempt);
        format!("{} – {}", human(least), human(most))
    };
    for pace in [Pace::Normal, Pace::Twice, Pace::StepsUp(2), Pace::Spread] {
        let first = range(pace, 1, Some(Duration::from_secs(3_600)));
        let rest = NUMBERS.map(|number| range(pace, number, None));
        table.push_str(&line([pace_words(pace), first].into_iter().chain(rest)));
    }
    table
}

/// What a server's wish adds to that.
fn wishes() -> String {
    let backoff = Backoff::default();
    let bounds = steadfast::Policy::bounds(&backoff);
    let mut text = String::new();
    let busy = Failure::from(FailureKind::Http(503)).with_retry_after(Duration::from_secs(60));
    let mut attempt = Attempt::new(1, busy, 0);
    attempt.failure = busy;
    let (_, most) = backoff.range(&attempt);
    writeln!(
        text,
        "After a `Retry-After` of 60 s the next dial is {} to {} away. A wish is obeyed up to {}.",
        human(bounds.earliest(busy) + backoff.range(&attempt).0),
        human(bounds.earliest(busy) + most),
        human(bounds.retry_after_cap()),
    )
    .unwrap();
    text
}

#[test]
fn the_page_about_failures_says_what_is_made_of_each() {
    let blocks = [
        ("close codes", close_codes()),
        ("statuses", statuses()),
        ("others", others()),
        ("delays", delays()),
        ("wishes", wishes()),
    ];
    let page = document::read("docs/failures.md");
    let page = blocks.iter().fold(page, |page, (name, block)| with_block(&page, name, block));
    document::check("docs/failures.md", &page);
}
