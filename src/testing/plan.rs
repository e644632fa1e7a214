use std::{collections::VecDeque, ops::Range, time::Duration};

use super::{Fault, Faults, ManualClock, MemoryPeer, When};
use crate::{
    Failure, FailureKind, Instant,
    client::{CloseFrame, Message},
};

/// What a [`Server`](super::Server) does with the dials that reach it, as data: clone it, compare
/// it, generate it.
///
/// The n-th dial that no outage swallows, at once or while it is under way, gets the n-th answer:
/// one that was meant for a dial that is swallowed is the next one's. When the answers have run out, each
/// gets the last resort: [`Answer::accept`], without acts or faults, unless told otherwise.
///
/// ```
/// use std::time::Duration;
/// use steadfast::{CloseCode, Failure, FailureKind, client::CloseFrame};
/// use steadfast::testing::{Act, Answer, Outage, Plan};
///
/// let [second, hour] = [1, 3_600].map(Duration::from_secs);
/// let busy = Failure::from(FailureKind::Http(503)).with_retry_after(30 * second);
/// let restart = CloseFrame::new(CloseCode::SERVICE_RESTART, "back in a minute");
/// let plan = Plan::new()
///     .then(Answer::refuse(busy))
///     .then(Answer::accept().with_delay(second).with_acts([
///         Act::Send("welcome".into()),
///         Act::Wait(hour),
///         Act::Close(Some(restart)),
///     ]))
///     .with_outage(Outage::new(2 * hour..5 * hour));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    answers: VecDeque<Answer>,
    last_resort: Answer,
    outages: Vec<Outage>,
}

impl Plan {
    /// Every dial is accepted at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next dial without an answer gets this one.
    #[must_use]
    pub fn then(mut self, answer: Answer) -> Self {
        self.answers.push_back(answer);
        self
    }

    /// When the answers have run out, dials get this one.
    #[must_use]
    pub fn finally(mut self, answer: Answer) -> Self {
        self.last_resort = answer;
        self
    }

    /// One more outage.
    #[must_use]
    pub fn with_outage(mut self, outage: Outage) -> Self {
        self.outages.push(outage);
        self
    }

    pub(super) fn push(&mut self, answer: Answer) {
        self.answers.push_back(answer);
    }

    pub(super) fn next_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    pub(super) fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.answers.iter()
    }

    pub(super) fn last_resort(&self) -> Answer {
        self.last_resort.clone()
    }

    /// When the next outage begins.
    pub(super) fn next_outage(&self, now: Instant) -> Instant {
        let begins = self.outages.iter().map(|outage| outage.from).filter(|from| *from > now);
        begins.min().unwrap_or(Instant::NEVER)
    }

    /// What becomes of a dial that is under way in an outage.
    pub(super) fn outage(&self, now: Instant) -> Option<Answer> {
        let outage = self.outages.iter().find(|outage| outage.from <= now && now < outage.until)?;
        Some(outage.failure.map_or(Answer::Ignore, Answer::refuse))
    }

    /// With all that the outages to come will do to a connection that is opened now.
    pub(super) fn faults(&self, now: Instant, faults: Faults) -> Faults {
        let to_come = self.outages.iter().filter(|outage| outage.from > now);
        to_come.fold(faults, |faults, outage| {
            let fault = outage.failure.map_or(Fault::Stall, Fault::Fail);
            faults.with(When::After(outage.from.saturating_duration_since(now)), fault)
        })
    }
}

/// What happens to a dial.
///
/// ```
/// use steadfast::{FailureKind, testing::{Act, Answer, Plan}};
///
/// let plan = Plan::new()
///     .then(Answer::refuse(FailureKind::Http(503)))
///     .finally(Answer::accept().with_acts([Act::Send("hello".into())]));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// It is accepted.
    Accept {
        /// After so long.
        after: Duration,
        /// What goes wrong on the connection.
        faults: Faults,
        /// What the server does on it, before its handler has it.
        acts: Vec<Act>,
    },
    /// It fails.
    Refuse {
        /// After so long.
        after: Duration,
        /// Why.
        failure: Failure,
    },
    /// Nothing ever comes back.
    Ignore,
}

impl Answer {
    /// It is accepted at once.
    pub fn accept() -> Self {
        Self::Accept { after: Duration::ZERO, faults: Faults::none(), acts: Vec::new() }
    }

    /// It fails at once.
    pub fn refuse(failure: impl Into<Failure>) -> Self {
        Self::Refuse { after: Duration::ZERO, failure: failure.into() }
    }

    pub(super) fn expected(&self) -> Vec<Message> {
        match self {
            Self::Accept { acts, .. } => acts.iter().filter_map(Act::expected).collect(),
            Self::Refuse { .. } | Self::Ignore => Vec::new(),
        }
    }

    pub(super) fn delay(&self) -> Duration {
        match self {
            Self::Accept { after, .. } | Self::Refuse { after, .. } => *after,
            Self::Ignore => Duration::ZERO,
        }
    }

    /// So long after the dial. [`Ignore`](Self::Ignore) stays as it is.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        if let Self::Accept { after, .. } | Self::Refuse { after, .. } = &mut self {
            *after = delay;
        }
        self
    }

    /// With more acts on the connection, if there will be one.
    #[must_use]
    pub fn with_acts(mut self, more: impl IntoIterator<Item = Act>) -> Self {
        if let Self::Accept { acts, .. } = &mut self {
            acts.extend(more);
        }
        self
    }

    /// With these faults on the connection, if there will be one.
    #[must_use]
    pub fn with_faults(mut self, all: Faults) -> Self {
        if let Self::Accept { faults, .. } = &mut self {
            *faults = all;
        }
        self
    }
}

impl Default for Answer {
    fn default() -> Self {
        Self::accept()
    }
}

/// A time during which the server cannot be reached, in virtual time since the clock's origin.
///
/// ```
/// use std::time::Duration;
/// use steadfast::testing::{Answer, Outage, Plan};
///
/// let hours = |hours: u64| Duration::from_secs(3_600 * hours);
/// let plan = Plan::new().finally(Answer::accept()).with_outage(Outage::new(hours(1)..hours(4)));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Outage {
    from: Instant,
    until: Instant,
    failure: Option<Failure>,
}

impl Outage {
    /// At its beginning open connections, and dials that are under way, fail as unreachable. So do
    /// dials until its end.
    ///
    /// # Panics
    ///
    /// If it does not end after it begins.
    #[track_caller]
    pub fn new(during: Range<Duration>) -> Self {
        Self::silent(during).with_failure(FailureKind::Unreachable)
    }

    /// At its beginning open connections, and dials that are under way, go silent for ever. Dials
    /// go unanswered until its end.
    ///
    /// # Panics
    ///
    /// If it does not end after it begins.
    #[track_caller]
    pub fn silent(during: Range<Duration>) -> Self {
        assert!(!during.is_empty(), "an outage must end after it begins, and {during:?} does not");
        let [from, until] = [during.start, during.end].map(|at| Instant::ORIGIN.saturating_add(at));
        Self { from, until, failure: None }
    }

    /// Connections and dials fail like this.
    #[must_use]
    pub fn with_failure(mut self, failure: impl Into<Failure>) -> Self {
        self.failure = Some(failure.into());
        self
    }
}

/// What a server does on a connection. Whatever it does, it answers Pings and the client's Close
/// meanwhile, unless its act is to be rude.
///
/// ```
/// use std::time::Duration;
/// use steadfast::{CloseCode, client::CloseFrame, testing::{Act, Answer}};
///
/// let bye = CloseFrame::new(CloseCode::SERVICE_RESTART, "retry-after=5");
/// let answer = Answer::accept().with_acts([
///     Act::Expect("hello".into()),
///     Act::Wait(Duration::from_secs(60)),
///     Act::Close(Some(bye)),
/// ]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Act {
    /// Lets time pass. Messages that come in are kept for a later [`Expect`](Self::Expect).
    Wait(Duration),
    /// Sends a message.
    Send(Message),
    /// Waits for the next message, which must be this one: another one, or the end of the
    /// connection, is a panic, so that the test fails. It fails only if it runs for long enough:
    /// end it with [`Server::assert_played`](super::Server::assert_played).
    Expect(Message),
    /// Sends back each message for so long.
    Echo(Duration),
    /// Answers no Pings from now on.
    Mute,
    /// Closes the connection, and ends it when the client has said Close, too.
    Close(Option<CloseFrame>),
    /// Ends the connection with a failure.
    Fail(Failure),
    /// Says nothing more, and what comes is lost: the connection is half-open.
    GoSilent,
    /// Ends the connection without a Close.
    Drop,
}

impl Act {
    pub(super) fn expected(&self) -> Option<Message> {
        match self {
            Self::Expect(message) => Some(message.clone()),
            _ => None,
        }
    }
}

impl MemoryPeer {
    /// Does all this, one after the other. Answers the connection if it is still there then.
    ///
    /// # Panics
    ///
    /// If an [`Act::Expect`] is disappointed.
    pub async fn play(
        mut self,
        clock: &ManualClock,
        acts: impl IntoIterator<Item = Act>,
    ) -> Option<Self> {
        for act in acts {
            let goes_on = match act {
                Act::Wait(span) => self.wait(clock.sleep(span)).await,
                Act::Send(message) => self.send_message(message).await,
                Act::Expect(expected) => {
                    let came = self.recv_message().await;
                    let [expected, came] = [Some(expected), came].map(shown);
                    assert!(expected == came, "the script expects {expected}, and gets {came}");
                    true
                }
                Act::Echo(span) => self.echo(clock.sleep(span)).await,
                Act::Mute => {
                    self.mute();
                    true
                }
                Act::Close(frame) => {
                    self.close(frame).await;
                    return None;
                }
                Act::Fail(failure) => {
                    self.fail(failure).await;
                    return None;
                }
                Act::GoSilent => {
                    self.go_silent().await;
                    return None;
                }
                Act::Drop => return None,
            };
            if !goes_on {
                return None;
            }
        }
        Some(self)
    }
}

pub(super) fn shown(message: Option<Message>) -> String {
    match message {
        Some(Message::Text(text)) => format!("{:?}", text.as_str()),
        Some(Message::Binary(bytes)) => format!("{bytes:?}"),
        None => "the end of the connection".to_owned(),
    }
}
