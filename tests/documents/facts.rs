//! What is known of a machine from what has been said to it and by it, and what of that makes a
//! difference.

use steadfast::{
    Action, Failure, FirstConnect, HeartbeatKind, Instant, Nonce, Notice, Outcome, State, Step,
    Verdict, Wake, classify,
};

use crate::{
    explore::{FLOOR, Input, MAX_RETRIES, Node, ONLINE_SPREAD},
    rules::{Facts, QUESTIONS},
};

/// Why a connection is being closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Closing {
    Stopped,
    StartedAgain,
    ByThePeer,
}

impl Closing {
    fn words(self) -> &'static str {
        match self {
            Self::Stopped => "after `Stop`",
            Self::StartedAgain => "after `Stop`, and `Start` since",
            Self::ByThePeer => "after the peer's Close",
        }
    }
}

/// Whether the credentials have been refreshed since the trouble began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Refresh {
    NotYet,
    /// They were refused: the next dial has fresh ones.
    Due,
    /// The server has taken the fresh ones.
    Done,
}

/// What has become of a machine, as one sees from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    /// Of the newest ping.
    pub(crate) nonce: Nonce,
    pub(crate) pinged_at: Instant,
    /// Before this there is no dial.
    pub(crate) earliest: Instant,
    online: bool,
    paused: bool,
    /// How many more pings may follow the one that is out.
    ping_out: Option<u8>,
    /// The Pong to the newest ping has not come yet.
    unanswered: bool,
    /// The ping that is out is the one that a suspended driver owes.
    excused: bool,
    closing: Closing,
    was_open: bool,
    refresh: Refresh,
}

impl Past {
    pub(crate) fn new() -> Self {
        Self {
            nonce: Nonce::default(),
            pinged_at: Instant::ORIGIN,
            earliest: Instant::ORIGIN,
            online: true,
            paused: false,
            ping_out: None,
            unanswered: false,
            excused: false,
            closing: Closing::Stopped,
            was_open: false,
            refresh: Refresh::NotYet,
        }
    }

    /// What of it makes a difference, as it is told from `now`.
    pub(crate) fn shape(&self, now: Instant) -> impl Eq + std::hash::Hash + use<> {
        let link = (self.paused, self.ping_out, self.unanswered, self.excused, self.closing);
        let earliest = self.earliest.saturating_duration_since(now);
        (link, self.online, self.was_open, self.refresh, earliest)
    }

    /// The same without times.
    pub(crate) fn coarse_shape(&self, node: &Node) -> impl Eq + std::hash::Hash + use<> {
        let timer = match node.machine.wake() {
            Wake::At(_, timer) => Some(timer),
            Wake::Idle => None,
        };
        let failures = node.machine.failures();
        (self.shape(self.earliest), node.machine.state(), timer, failures)
    }

    /// Takes a step into account.
    pub(crate) fn take(&mut self, before: &Node, at: Instant, input: Input, step: Step) {
        let heartbeat = before.machine.config().to_builder().heartbeat.unwrap_or_default();
        if let (true, State::Open) = (before.is_stable(at), before.machine.state()) {
            // It counts when the connection ends, and to know it before does no harm.
            self.refresh = Refresh::NotYet;
        }
        match (input, step.outcome) {
            (Input::Online, _) => self.online = true,
            (Input::Offline, _) => self.online = false,
            (_, Outcome::Stale | Outcome::Inapplicable) => {}
            (Input::Start, _) => self.started(before.machine.state()),
            (Input::Stop, _) => self.closing = Closing::Stopped,
            (Input::Closed, _) if before.machine.state() == State::Open => {
                self.closing = Closing::ByThePeer;
            }
            (Input::ReadPaused, _) => self.paused = true,
            (Input::ReadResumed, _) => self.paused = false,
            (Input::Pong, _) if before.machine.state() == State::Open => {
                self.unanswered = false;
                self.heard();
            }
            (Input::Received | Input::OlderPong, _) => self.heard(),
            _ => {}
        }
        if heartbeat.kind == HeartbeatKind::Expect
            && step.outcome == Outcome::Applied
            && matches!(input, Input::ReadPaused | Input::ReadResumed)
        {
            self.heard();
        }
        let sooner = before.machine.state() == State::Open && step.wake != before.machine.wake();
        if matches!(input, Input::Probe | Input::Online) && sooner {
            self.ping_out = Some(0);
        }
        if before.machine.state() == State::Connecting && input == Input::Stop {
            self.earliest = at.saturating_add(FLOOR);
        }
        for action in step.actions {
            self.obey(before, at, input, action);
        }
    }

    fn started(&mut self, state: State) {
        match state {
            State::Closing => self.closing = Closing::StartedAgain,
            _ => self.refresh = Refresh::NotYet,
        }
    }

    fn heard(&mut self) {
        (self.ping_out, self.excused) = (None, false);
    }

    fn obey(&mut self, before: &Node, at: Instant, input: Input, action: Action) {
        let heartbeat = before.machine.config().to_builder().heartbeat.unwrap_or_default();
        match action {
            Action::Ping { nonce, .. } => {
                let due = matches!(input, Input::Time | Input::ReadPaused);
                let excused = due && !self.paused && !self.excused && before.is_late(at);
                self.ping_out = Some(match self.ping_out {
                    _ if !due || excused => 0,
                    Some(left) if !self.paused => left.saturating_sub(1),
                    _ => heartbeat.reprobes,
                });
                self.excused |= excused;
                (self.nonce, self.pinged_at, self.unanswered) = (nonce, at, true);
            }
            Action::Notify(Notice::Up { .. }) => {
                (self.was_open, self.paused, self.unanswered) = (true, false, false);
                self.heard();
                if self.refresh == Refresh::Due {
                    self.refresh = Refresh::Done;
                }
            }
            Action::Notify(Notice::Down { failure, .. }) => {
                self.failed(at, failure);
                if self.closing == Closing::StartedAgain && failure.is_none() {
                    self.refresh = Refresh::NotYet;
                }
            }
            Action::Notify(Notice::DialFailed { failure, .. }) => self.failed(at, Some(failure)),
            _ => {}
        }
    }

    fn failed(&mut self, at: Instant, failure: Option<Failure>) {
        let asked_for = failure.and_then(Failure::retry_after).unwrap_or_default();
        self.earliest = at.saturating_add(FLOOR.max(asked_for));
        let is_refused = failure.is_some_and(|failure| classify(failure) == Verdict::Refresh);
        if is_refused && self.refresh == Refresh::NotYet {
            self.refresh = Refresh::Due;
        }
    }
}

impl Node {
    /// When the ping that is out is one interval old.
    pub(crate) fn ping_again(&self) -> Option<Instant> {
        let interval = self.machine.config().to_builder().heartbeat.map(|beat| beat.interval)?;
        self.past.ping_out.map(|_| self.past.pinged_at.saturating_add(interval))
    }

    /// When the answer to the ping that is out is due, whether anybody reads or not.
    pub(crate) fn answer_due(&self) -> Option<Instant> {
        let pinged_at = self.past.ping_out.map(|_| self.past.pinged_at);
        pinged_at.map(|at| at.saturating_add(self.pong_timeout()))
    }

    fn is_late(&self, at: Instant) -> bool {
        self.late().is_some_and(|late| at >= late)
    }

    fn is_stable(&self, at: Instant) -> bool {
        self.stable_at().is_some_and(|stable| at >= stable)
    }

    /// How much earlier the next dial can be.
    fn slack(&self, at: Instant) -> &'static str {
        let until = self.due().unwrap_or(at);
        let soonest = self.past.earliest.max(at).saturating_add(ONLINE_SPREAD);
        match until {
            _ if until <= self.past.earliest => "the dial is as soon as the floor allows",
            _ if until <= soonest => "the dial is within `online_spread` of the soonest",
            _ => "the dial is later than that",
        }
    }

    /// What may make a difference to `input` at `at`, the most telling first; the same place in the
    /// list is for the same question.
    pub(crate) fn facts(&self, at: Instant, input: Input) -> Facts {
        let mut facts: Facts = [None; QUESTIONS];
        match self.machine.state() {
            State::Open => self.facts_of_a_link(at, input, &mut facts),
            State::Closing => facts[0] = Some(self.past.closing.words()),
            State::Backoff => {
                facts[1] = Some(self.slack(at));
                facts[2] = Some(self.floor(at));
            }
            State::Closed(_) | State::Offline => facts[2] = Some(self.floor(at)),
            State::Connecting if input == Input::Opened => facts[3] = Some(self.heartbeat()),
            _ => {}
        }
        let past = &self.past;
        facts[8] = choose(past.online, "with a network", "without a network");
        let can_fail = matches!(self.machine.state(), State::Connecting | State::Open);
        if can_fail && input != Input::Opened || self.machine.state() == State::Closing {
            let refresh = if self.is_stable(at) { Refresh::NotYet } else { past.refresh };
            if input == Input::LostForCredentials && can_fail {
                facts[9] = choose(
                    refresh == Refresh::NotYet,
                    "the credentials have not been refreshed",
                    "the credentials have been refreshed",
                );
            }
            facts[10] = Some(self.patience(at));
            facts[11] =
                choose(self.failures(at) < MAX_RETRIES, "a retry is left", "no retry is left");
        } else {
            facts[9] = choose(
                past.refresh == Refresh::Due,
                "fresh credentials are due",
                "the credentials are those in use",
            );
        }
        facts
    }

    /// As long as the link is open.
    fn facts_of_a_link(&self, at: Instant, input: Input, facts: &mut Facts) {
        let past = &self.past;
        let is_probe = matches!(input, Input::Probe | Input::Online);
        let is_pause = matches!(input, Input::ReadPaused | Input::ReadResumed);
        facts[3] = Some(self.heartbeat());
        if is_probe || is_pause || input == Input::Time {
            facts[4] = choose(past.paused, "reading is paused", "reading goes on");
            facts[5] = Some(match past.ping_out {
                None => "no ping is out",
                Some(_) if input != Input::Time => "a ping is out",
                Some(0) => "the last ping is out",
                Some(_) => "a ping is out and another may follow",
            });
        }
        match input {
            Input::Time => {
                let suspended = self.is_late(at) && !past.excused;
                facts[6] = choose(
                    suspended,
                    "the driver had been suspended",
                    "the driver had not been suspended",
                );
            }
            Input::Pong => {
                facts[6] = choose(past.unanswered, "not answered before", "answered before");
            }
            Input::ReadPaused if past.ping_out.is_some() => {
                facts[6] = choose(
                    self.ping_again().is_some_and(|again| at >= again),
                    "it was sent `interval` ago",
                    "it was sent less than `interval` ago",
                );
            }
            Input::ReadResumed => {
                let early = self.answer_due().is_none_or(|due| at < due);
                facts[6] =
                    choose(early, "the answer is not due yet", "the answer would be overdue");
            }
            _ if is_probe => {
                let probe_timeout = self.machine.config().to_builder().probe_timeout;
                let left = self.due().map(|due| due.saturating_duration_since(at));
                facts[6] = choose(
                    left.is_none_or(|left| left > probe_timeout),
                    "more than `probe_timeout` is left",
                    "no more than `probe_timeout` is left",
                );
            }
            _ => {}
        }
    }

    fn heartbeat(&self) -> &'static str {
        match self.machine.config().to_builder().heartbeat.map(|heartbeat| heartbeat.kind) {
            None => "the heartbeat is off",
            Some(HeartbeatKind::Expect) => "the heartbeat is the server's",
            Some(_) => "the heartbeat is ours",
        }
    }

    fn floor(&self, at: Instant) -> &'static str {
        if at >= self.past.earliest {
            "the floor has passed"
        } else {
            "before the floor has passed"
        }
    }

    fn failures(&self, at: Instant) -> u32 {
        if self.is_stable(at) { 0 } else { self.machine.failures() }
    }

    /// Whether a failure would be retried.
    fn patience(&self, at: Instant) -> &'static str {
        let config = self.machine.config().to_builder();
        match (self.past.was_open, config.first_connect) {
            (false, FirstConnect::Once) => "it is the first connection, which is tried once",
            _ if self.failures(at) >= MAX_RETRIES => "no retry is left",
            _ => "a retry is left",
        }
    }
}

fn choose(is: bool, yes: &'static str, no: &'static str) -> Option<&'static str> {
    Some(if is { yes } else { no })
}
