use core::fmt;

use super::{Attempt, Bounds, Decision, Policy};
use crate::{CloseCode, Failure, FailureKind};

/// Whether another attempt makes sense after a failure.
///
/// ```
/// use steadfast::{Failure, FailureKind, Verdict, classify};
///
/// // A service whose 404 means "not yet".
/// fn verdict(failure: Failure) -> Verdict {
///     match failure.kind() {
///         FailureKind::Http(404) => Verdict::Retry(steadfast::Pace::Twice),
///         _ => classify(failure),
///     }
/// }
/// # assert_eq!(verdict(FailureKind::Http(403).into()), Verdict::Stop);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::exhaustive_enums, reason = "the machine must obey each")]
pub enum Verdict {
    /// Yes, at this pace.
    Retry(Pace),
    /// Yes, once, with fresh credentials; if those are refused too, no.
    Refresh,
    /// No: it would only be repeated.
    Stop,
}

/// How much slower than usual to try again. A later variant outranks an earlier one.
///
/// A pace lasts: until the link has been stable again, the machine passes on the highest that any
/// failure has asked for. A server that is restarting is not hammered because the next dial merely
/// finds nobody there. Only a failure with a wish of the server to spread its clients is passed on
/// without its own pace, because the machine grants the wish.
///
/// ```
/// use steadfast::{CloseCode, FailureKind, Pace, Verdict, classify};
///
/// let restart = FailureKind::Closed(CloseCode::SERVICE_RESTART).into();
/// assert_eq!(classify(restart), Verdict::Retry(Pace::Spread));
/// assert!(Pace::Spread > Pace::Normal);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Pace {
    /// As the policy has it.
    #[default]
    Normal,
    /// At twice the delay.
    Twice,
    /// As if this many more attempts had failed.
    StepsUp(u8),
    /// More widely spread: many clients were dropped at the same moment.
    Spread,
}

/// The default failure table: whether another attempt makes sense after this failure, and at which
/// pace.
///
/// ```
/// use steadfast::{FailureKind, Pace, Verdict, classify};
///
/// assert_eq!(classify(FailureKind::Refused.into()), Verdict::Retry(Pace::Normal));
/// assert_eq!(classify(FailureKind::Http(404).into()), Verdict::Stop);
/// ```
///
#[doc = include_str!("../../docs/failures.md")]
pub fn classify(failure: Failure) -> Verdict {
    match failure.kind() {
        FailureKind::Closed(code) | FailureKind::Violation(code) => classify_close(code),
        FailureKind::Http(status) => classify_http(status),
        FailureKind::Handshake => Verdict::Retry(Pace::StepsUp(2)),
        FailureKind::Subprotocol | FailureKind::Certificate | FailureKind::Misconfigured => {
            Verdict::Stop
        }
        FailureKind::Refused
        | FailureKind::Reset
        | FailureKind::Unreachable
        | FailureKind::NameResolution
        | FailureKind::Timeout(_)
        | FailureKind::Tls
        | FailureKind::Request
        | FailureKind::Io => Verdict::Retry(Pace::Normal),
    }
}

fn classify_close(code: CloseCode) -> Verdict {
    match code.get() {
        1001 | 1012 | 1013 => Verdict::Retry(Pace::Spread),
        1008 => Verdict::Retry(Pace::Twice),
        4401 | 4403 => Verdict::Refresh,
        ..=999 | 1002 | 1003 | 1007 | 1009 | 1010 | 1015 => Verdict::Stop,
        3500..=3999 | 4500..=4999 | 5000.. => Verdict::Stop,
        1000..=4499 => Verdict::Retry(Pace::Normal),
    }
}

fn classify_http(status: u16) -> Verdict {
    match status {
        401 | 407 => Verdict::Refresh,
        408 | 421 | 425 | 429 | 500..=599 => Verdict::Retry(Pace::Normal),
        100..=299 => Verdict::Retry(Pace::StepsUp(2)),
        _ => Verdict::Stop,
    }
}

/// A policy with another classifier: see [`Policy::with_classifier`].
///
/// ```
/// use steadfast::{Backoff, Failure, Policy, Verdict, WithClassifier, classify};
///
/// struct Settings {
///     policy: WithClassifier<Backoff, fn(Failure) -> Verdict>,
/// }
/// let settings = Settings { policy: Backoff::default().with_classifier(classify) };
/// # let _ = settings.policy;
/// ```
#[derive(Clone)]
pub struct WithClassifier<P, F> {
    policy: P,
    classifier: F,
}

impl<P, F> WithClassifier<P, F> {
    pub(super) fn new(policy: P, classifier: F) -> Self {
        Self { policy, classifier }
    }
}

impl<P: Policy, F: Fn(Failure) -> Verdict> Policy for WithClassifier<P, F> {
    fn decide(&mut self, attempt: &Attempt) -> Decision {
        self.policy.decide(attempt)
    }

    fn reset(&mut self) {
        self.policy.reset();
    }

    fn classify(&self, failure: Failure) -> Verdict {
        (self.classifier)(failure)
    }

    fn bounds(&self) -> Bounds {
        self.policy.bounds()
    }
}

impl<P: fmt::Debug, F> fmt::Debug for WithClassifier<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithClassifier").field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timeout;

    const RETRY: Verdict = Verdict::Retry(Pace::Normal);

    /// All of them, but for an interpreter that takes a minute for so many.
    fn every_number() -> impl Iterator<Item = u16> {
        (0..=u16::MAX).step_by(if cfg!(miri) { 97 } else { 1 })
    }

    #[test]
    fn every_close_code_has_the_verdict_of_the_table() {
        for code in every_number() {
            let expected = match code {
                1000 | 1005 | 1006 | 1011 | 1014 => RETRY,
                1001 | 1012 | 1013 => Verdict::Retry(Pace::Spread),
                1008 => Verdict::Retry(Pace::Twice),
                4401 | 4403 => Verdict::Refresh,
                1002 | 1003 | 1007 | 1009 | 1010 | 1015 => Verdict::Stop,
                0..=999 | 3500..=3999 | 4500..=u16::MAX => Verdict::Stop,
                _ => RETRY,
            };
            for kind in [FailureKind::Closed, FailureKind::Violation] {
                assert_eq!(classify(kind(CloseCode::new(code)).into()), expected, "{code}");
            }
        }
    }

    #[test]
    fn every_http_status_has_the_verdict_of_the_table() {
        for status in every_number() {
            let expected = match status {
                401 | 407 => Verdict::Refresh,
                408 | 421 | 425 | 429 => RETRY,
                100..=299 => Verdict::Retry(Pace::StepsUp(2)),
                500..=599 => RETRY,
                _ => Verdict::Stop,
            };
            assert_eq!(classify(FailureKind::Http(status).into()), expected, "{status}");
        }
    }

    #[test]
    fn every_other_failure_has_the_verdict_of_the_table() {
        for (kind, expected) in [
            (FailureKind::Handshake, Verdict::Retry(Pace::StepsUp(2))),
            (FailureKind::Refused, RETRY),
            (FailureKind::Reset, RETRY),
            (FailureKind::Unreachable, RETRY),
            (FailureKind::NameResolution, RETRY),
            (FailureKind::Timeout(Timeout::Connect), RETRY),
            (FailureKind::Timeout(Timeout::Heartbeat), RETRY),
            (FailureKind::Timeout(Timeout::Silence), RETRY),
            (FailureKind::Timeout(Timeout::Network), RETRY),
            (FailureKind::Tls, RETRY),
            (FailureKind::Request, RETRY),
            (FailureKind::Io, RETRY),
            (FailureKind::Subprotocol, Verdict::Stop),
            (FailureKind::Certificate, Verdict::Stop),
            (FailureKind::Misconfigured, Verdict::Stop),
        ] {
            assert_eq!(classify(kind.into()), expected, "{kind:?}");
        }
    }
}
