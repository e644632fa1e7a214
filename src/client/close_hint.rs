//! What the reason of a Close frame asks for.

use std::time::Duration;

const KEYS: [&str; 2] = ["retry-after", "retry_after"];

/// Over how long the reason asks the clients to spread their return: `retry-after`, in any case and
/// with `-` or `_`, then `=` or `:`, then whole seconds. Quotes and spaces around these do not
/// matter, so `{"retry_after": 90}` says it, too. No standard defines this; a server that drops
/// many clients has no other place to say it.
pub(super) fn spread_over(reason: &str) -> Option<Duration> {
    let reason = reason.to_ascii_lowercase();
    KEYS.iter().flat_map(|key| reason.match_indices(key)).find_map(|(at, key)| {
        let is_inside_a_word =
            reason[..at].ends_with(|c: char| c.is_alphanumeric() || "-_".contains(c));
        (!is_inside_a_word).then(|| seconds(&reason[at + key.len()..]))?
    })
}

/// The number after a key, unless it is part of something longer: seconds are not guessed.
fn seconds(after_key: &str) -> Option<Duration> {
    let is_padding = |c: char| c == ' ' || c == '"' || c == '\'';
    let value = after_key.trim_start_matches(is_padding).strip_prefix(['=', ':'])?;
    let value = value.trim_start_matches(is_padding);
    let (number, rest) =
        value.split_at(value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len()));
    let rest = rest.trim_start_matches(is_padding);
    let rest = rest.strip_prefix('s').unwrap_or(rest).trim_start_matches(is_padding);
    let ends = match rest.strip_prefix([';', ',', '.', '}', ']', ')']) {
        Some(next) => !next.starts_with(|c: char| c.is_ascii_digit()),
        None => rest.is_empty(),
    };
    number.parse().ok().filter(|_| ends).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_names_retry_after_and_a_span_is_understood() {
        for (reason, seconds) in [
            ("retry-after=100", 100),
            ("Retry-After: 90", 90),
            ("restarting; retry-after=5s", 5),
            ("retry_after = 7, sorry", 7),
            ("back soon (retry-after=8s).", 8),
            ("x-retry-after: soon; retry-after=6", 6),
            ("{\"retry_after\": 30}", 30),
            ("{'retry-after':'12'}", 12),
            ("retry-after=0", 0),
        ] {
            assert_eq!(spread_over(reason), Some(Duration::from_secs(seconds)), "{reason}");
        }
    }

    #[test]
    fn any_other_reason_asks_for_nothing() {
        for reason in [
            "",
            "restart",
            "100",
            "retry-after",
            "retry-after=",
            "retry-after 100",
            "retry-after=-5",
            "retry-after=soon",
            "retry-after=1.5",
            "retry-after=5m",
            "retry-after=1500ms",
            "retry-after=5min",
            "retry-after=5 minutes",
            "retry-after: 2 hours",
            "retry-after=5 ms",
            "retry-after=5,000",
            "retry-after=5_000",
            "retry-after=10-20",
            "retry-after=5ß",
            "no-retry-after=9",
            "retry-after=99999999999999999999999999",
            "retry-after=Wed, 21 Oct 2015 07:28:00 GMT",
        ] {
            assert_eq!(spread_over(reason), None, "{reason}");
        }
    }

    #[test]
    fn a_long_span_is_not_cut_short() {
        let reason = format!("retry-after={}", u64::MAX);
        assert_eq!(spread_over(&reason), Some(Duration::from_secs(u64::MAX)));
    }
}
