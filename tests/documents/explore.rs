//! Everything that can happen to a machine, until there is nothing more to find.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use steadfast::{
    Attempt, Bounds, CloseCode, Command, Config, Decision, Epoch, Event, Failure, FailureKind,
    FirstConnect, Heartbeat, HeartbeatKind, Instant, Machine, Network, Nonce, Policy, Seed, Signal,
    State, Step,
};

use crate::facts::Past;

/// After how many retries the policy gives up.
pub(crate) const MAX_RETRIES: u32 = 2;
/// What the policy answers.
pub(crate) const DELAY: Duration = half_seconds(2);
pub(crate) const FLOOR: Duration = half_seconds(1);
/// What a server asks for.
pub(crate) const RETRY_AFTER: Duration = half_seconds(3);
/// So short that nothing of it is drawn at random.
pub(crate) const ONLINE_SPREAD: Duration = Duration::from_nanos(1);

const fn half_seconds(number: u64) -> Duration {
    Duration::from_millis(500 * number)
}

/// How often a glance is cast from states that differ in times alone.
const GLANCES: u8 = 4;

/// A policy that says the same each time, until it gives up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steady;

impl Policy for Steady {
    fn decide(&mut self, attempt: &Attempt) -> Decision {
        match attempt.number {
            ..=MAX_RETRIES => Decision::RetryAfter(DELAY),
            _ => Decision::GiveUp,
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds::new(FLOOR, DELAY).expect("they can work")
    }
}

/// What can happen: each kind of event, and both sides of each distinction that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Input {
    Start,
    Stop,
    RetryNow,
    Probe,
    Online,
    Offline,
    Opened,
    Received,
    Pong,
    OlderPong,
    Closed,
    ReadPaused,
    ReadResumed,
    Lost,
    LostWithRetryAfter,
    LostForCredentials,
    LostForGood,
    OlderEpoch,
    Time,
}

impl Input {
    pub(crate) const ALL: [Self; 19] = [
        Self::Start,
        Self::Stop,
        Self::RetryNow,
        Self::Probe,
        Self::Online,
        Self::Offline,
        Self::Opened,
        Self::Received,
        Self::Pong,
        Self::OlderPong,
        Self::Closed,
        Self::ReadPaused,
        Self::ReadResumed,
        Self::Lost,
        Self::LostWithRetryAfter,
        Self::LostForCredentials,
        Self::LostForGood,
        Self::OlderEpoch,
        Self::Time,
    ];

    fn to_event(self, node: &Node) -> Event {
        let signal = |signal| Event::Transport(node.machine.epoch(), signal);
        let lost = |failure: Failure| signal(Signal::Lost(failure));
        let nonce = node.past.nonce.get();
        match self {
            Self::Start => Command::Start.into(),
            Self::Stop => Command::Stop.into(),
            Self::RetryNow => Command::RetryNow.into(),
            Self::Probe => Command::Probe.into(),
            Self::Online => Command::Network(Network::Online).into(),
            Self::Offline => Command::Network(Network::Offline).into(),
            Self::Opened => signal(Signal::Opened),
            Self::Received => signal(Signal::Received),
            Self::Pong => signal(Signal::Pong(Nonce::new(nonce))),
            Self::OlderPong => signal(Signal::Pong(Nonce::new(nonce.wrapping_sub(1)))),
            Self::Closed => signal(Signal::CloseReceived(CloseCode::NORMAL.into())),
            Self::ReadPaused => signal(Signal::ReadPaused),
            Self::ReadResumed => signal(Signal::ReadResumed),
            Self::Lost => lost(FailureKind::Reset.into()),
            Self::LostWithRetryAfter => {
                lost(Failure::from(FailureKind::Http(503)).with_retry_after(RETRY_AFTER))
            }
            Self::LostForCredentials => lost(FailureKind::Http(401).into()),
            Self::LostForGood => lost(FailureKind::Http(404).into()),
            Self::OlderEpoch => {
                let older = Epoch::new(node.machine.epoch().get().wrapping_sub(1));
                Event::Transport(older, Signal::Received)
            }
            Self::Time => Event::Tick,
        }
    }
}

/// A machine, and what has become of it as one sees from outside.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) machine: Machine<Steady, &'static Config>,
    pub(crate) now: Instant,
    pub(crate) past: Past,
}

impl Node {
    fn new(config: &'static Config) -> Self {
        let now = Instant::ORIGIN;
        Self { machine: Machine::new(config, Steady, Seed::new(1), now), now, past: Past::new() }
    }

    pub(crate) fn step(&self, at: Instant, input: Input) -> (Self, Step) {
        let event = input.to_event(self);
        let mut reached = self.clone();
        let step = reached.machine.handle(at, event);
        reached.now = at;
        reached.past.take(self, at, input, step);
        (reached, step)
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.machine.wake().instant()
    }

    /// How long an answer may take: without a heartbeat only a probe has one.
    pub(crate) fn pong_timeout(&self) -> Duration {
        let config = self.machine.config().to_builder();
        config.heartbeat.map_or(config.probe_timeout, |heartbeat| heartbeat.pong_timeout)
    }

    pub(crate) fn stable_at(&self) -> Option<Instant> {
        let stable_after = self.machine.config().to_builder().stable_after;
        let open = self.machine.state() == State::Open;
        open.then(|| self.machine.since().saturating_add(stable_after))
    }

    /// From when on a driver must have been suspended.
    pub(crate) fn late(&self) -> Option<Instant> {
        let late = self.pong_timeout().saturating_add(half_seconds(1));
        self.due().map(|due| due.saturating_add(late))
    }

    /// Every step there is: time alone when a deadline is due, and anything before that.
    fn steps(&self) -> Vec<(Instant, Input)> {
        let (due, late) = (self.due(), self.late());
        let mut instants = vec![self.now];
        match self.machine.state() {
            State::Open => {
                let stable_at = self.stable_at().into_iter();
                instants.extend(stable_at.chain(self.answer_due()).chain(self.ping_again()));
            }
            State::Backoff | State::Offline | State::Closed(_) => instants.push(self.past.earliest),
            _ => {}
        }
        instants.retain(|at| *at >= self.now && due.is_none_or(|due| *at < due));
        instants.sort_unstable();
        instants.dedup();
        let before = instants.into_iter().flat_map(|at| Input::ALL.map(|input| (at, input)));
        before.chain([due, late].into_iter().flatten().map(|at| (at, Input::Time))).collect()
    }

    /// Whether the configuration still makes this another life than the others do.
    fn is_new_ground(&self) -> bool {
        let first_connect = self.machine.config().to_builder().first_connect;
        first_connect == FirstConnect::Retry || self.machine.stats().opens == 0
    }

    /// The same a moment later and just before the deadline: no other states, but other cases.
    fn glances(&self) -> impl Iterator<Item = (Instant, Input)> {
        let moment = |at: Instant, nanos| at.as_nanos().saturating_add_signed(nanos);
        let due = self.due();
        let instants = [Some(moment(self.now, 1)), due.map(|due| moment(due, -1))];
        let instants = instants.into_iter().flatten().map(Instant::from_nanos);
        let early = instants.filter(move |at| due.is_none_or(|due| *at < due));
        early.flat_map(|at| Input::ALL.map(|input| (at, input)))
    }
}

/// One step that a machine can take.
pub(crate) struct Transition<'a> {
    pub(crate) from: &'a Node,
    pub(crate) at: Instant,
    pub(crate) input: Input,
    pub(crate) step: Step,
    pub(crate) to: Node,
}

/// The configurations that differ in what they do, not only in how long it takes. Short spans with
/// common divisors make few states.
pub(crate) fn configs() -> [&'static Config; 4] {
    let ours =
        Heartbeat::default().with_interval(half_seconds(4)).with_pong_timeout(half_seconds(2));
    let expecting = ours.clone().with_kind(HeartbeatKind::Expect);
    let plain = Config::builder()
        .with_connect_timeout(half_seconds(2))
        .with_close_timeout(half_seconds(2))
        .with_stable_after(half_seconds(8))
        .with_probe_timeout(half_seconds(1))
        .with_online_spread(ONLINE_SPREAD)
        .with_heartbeat(ours);
    [
        plain.clone(),
        plain.clone().with_heartbeat(expecting),
        plain.clone().with_heartbeat(None),
        plain.with_heartbeat(None).with_first_connect(FirstConnect::Once),
    ]
    .map(|builder| &*Box::leak(Box::new(builder.build().expect("it can work"))))
}

/// Shows every transition that can be taken, and answers how many states there are, and transitions.
pub(crate) fn explore(
    configs: &[&'static Config],
    mut show: impl FnMut(&Transition<'_>),
) -> (usize, u64) {
    let (mut states, mut transitions) = (0, 0);
    for &config in configs {
        let (mut seen, mut glanced) = (HashSet::new(), HashMap::new());
        let mut open = VecDeque::from([Node::new(config)]);
        while let Some(from) = open.pop_front() {
            for (at, input) in from.steps() {
                let (to, step) = from.step(at, input);
                let shape = to.machine.shape().counting_to(MAX_RETRIES + 1);
                if to.is_new_ground() && seen.insert((shape, to.past.shape(to.now))) {
                    open.push_back(to.clone());
                }
                transitions += 1;
                show(&Transition { from: &from, at, input, step, to });
            }
            let times: &mut u8 = glanced.entry(from.past.coarse_shape(&from)).or_default();
            if *times < GLANCES {
                *times += 1;
                for (at, input) in from.glances() {
                    let (to, step) = from.step(at, input);
                    show(&Transition { from: &from, at, input, step, to });
                }
            }
        }
        states += seen.len();
    }
    (states, transitions)
}
