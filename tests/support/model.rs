//! The surroundings of a machine, kept from its actions alone, and what must hold in them.

use core::time::Duration;

use steadfast::{
    Action, Actions, Bounds, ClosedReason, Command, Config, ConfigBuilder, Epoch, Event, Failure,
    FirstConnect, Instant, Machine, Network, Next, Nonce, Notice, Policy, Signal, State, Step,
    Timer, Verdict, Wake,
};

use super::link::{Link, Rhythm};

/// One call, as the surroundings see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Instant,
    pub(super) event: Event,
    /// The event is a signal of the transport that is alive.
    pub(super) current: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    config: ConfigBuilder,
    bounds: Bounds,
    live: Option<Link>,
    /// The link that has just ended, with what its transport said.
    ended: Option<(Link, Option<Failure>)>,
    newest: Epoch,
    nonce: Option<Nonce>,
    up: Option<Epoch>,
    ups: u32,
    failures: u32,
    last_failure: Option<Failure>,
    running: bool,
    stopped_at: Option<Instant>,
    /// When the link went down, or the machine started.
    down_since: Instant,
    /// The soonest that the next dial may come.
    earliest: Instant,
    /// When the next dial was announced for.
    until: Instant,
    must_close: bool,
}

impl Model {
    pub(super) fn new(config: &Config, bounds: Bounds) -> Self {
        Self {
            config: config.to_builder(),
            bounds,
            live: None,
            ended: None,
            newest: Epoch::default(),
            nonce: None,
            up: None,
            ups: 0,
            failures: 0,
            last_failure: None,
            running: false,
            stopped_at: None,
            down_since: Instant::ORIGIN,
            earliest: Instant::ORIGIN,
            until: Instant::ORIGIN,
            must_close: false,
        }
    }

    pub(super) fn is_current(&self, event: Event) -> bool {
        let live = self.live.as_ref().map(|link| link.epoch);
        matches!(event, Event::Transport(epoch, _) if Some(epoch) == live)
    }

    /// Follows one step and asserts what must hold in and after it.
    pub(super) fn check<P: Policy>(&mut self, moment: Moment, step: &Step, machine: &Machine<P>) {
        assert!(step.actions.len() <= Actions::MAX, "bounded");
        let was_running = self.running;
        if let (true, Event::Transport(_, signal)) = (moment.current, moment.event) {
            self.hear(moment.now, signal, step);
        }
        for action in step.actions {
            assert!(
                was_running || self.running || moment.event == Command::Start.into(),
                "{action:?} before a start"
            );
            self.follow(moment, action, machine);
        }
        assert!(!self.must_close, "what announces the end is followed by it");
        self.ended = None;
        match moment.event {
            Event::Command(Command::Start) => self.stopped_at = None,
            Event::Command(Command::Stop) if self.running => {
                self.stopped_at = Some(self.stopped_at.unwrap_or(moment.now));
                if let Some(open) = self.live.as_mut().and_then(|link| link.open.as_mut()) {
                    open.by_us = true;
                }
            }
            _ => {}
        }
        self.check_state(moment.now, step.wake, machine);
    }

    /// A signal of the transport that is alive is believed before any deadline.
    fn hear(&mut self, now: Instant, signal: Signal, step: &Step) {
        let link = self.live.as_mut().expect("current");
        let is_dial = link.open.is_none();
        let flowing = link.flowing();
        let aborted = step.actions.iter().any(|action| matches!(action, Action::Abort { .. }));
        match (signal, flowing) {
            (Signal::Lost(failure), _) => {
                self.ended = self.live.take().map(|link| (link, Some(failure)));
                assert!(!aborted, "what is lost needs no abort");
            }
            (Signal::Received | Signal::Pong(_), Some(open)) => {
                open.hear(now, signal);
                assert!(!aborted, "evidence beats the clock");
                let heartbeat = self.config.heartbeat.as_ref();
                let wake = heartbeat.map_or(Wake::Idle, |heartbeat| {
                    Wake::At(now.saturating_add(heartbeat.interval), Timer::Ping)
                });
                assert_eq!(step.wake, wake, "what comes in puts the next ping off");
            }
            (Signal::CloseReceived(_), Some(open)) => {
                open.hear(now, signal);
                let first = step.actions.iter().next();
                assert!(matches!(first, Some(Action::Close { .. })), "a Close is answered");
            }
            (_, Some(open)) => open.hear(now, signal),
            (Signal::Opened, None) if is_dial => {
                let first = step.actions.iter().next();
                assert!(matches!(first, Some(Action::Notify(Notice::Up { .. }))));
            }
            (_, None) => {}
        }
    }

    fn follow<P: Policy>(&mut self, moment: Moment, action: Action, machine: &Machine<P>) {
        let Moment { now, event, .. } = moment;
        let rhythm = self.rhythm();
        let closing = matches!(action, Action::Notify(Notice::Closed { .. }));
        assert!(!self.must_close || closing, "the end follows its announcement at once");
        match action {
            Action::Dial { epoch, attempt, .. } => {
                assert!(self.live.is_none() && self.up.is_none(), "one connection");
                assert!(epoch > self.newest, "epochs are never reused");
                self.run(moment);
                assert!(self.stopped_at.is_none() || event == Command::Start.into(), "stopped");
                assert!(now >= self.earliest, "never sooner than the floor and Retry-After");
                assert_eq!(attempt, self.failures);
                self.newest = epoch;
                self.live = Some(Link::new(epoch, now));
            }
            Action::Ping { epoch, nonce } => {
                let online = Command::Network(Network::Online);
                let asked = event == Command::Probe.into() || event == online.into();
                assert_ne!(self.nonce.replace(nonce), Some(nonce), "a fresh nonce for each ping");
                let link = self.link(epoch);
                let open = link.flowing().expect("no ping outside an open connection");
                open.ping(now, nonce, asked, rhythm);
            }
            Action::Close { epoch, code } => {
                assert!(code.is_none_or(|code| code.is_sendable()), "{code:?}");
                let open = self.link(epoch).flowing().expect("one Close, and only if open");
                open.closing_at = Some(now);
                if now.saturating_duration_since(open.at) >= self.config.stable_after {
                    self.failures = 0;
                }
            }
            Action::Abort { epoch } => {
                let link = self.link(epoch).clone();
                self.live = None;
                if let Some(open) = link.open.as_ref().filter(|open| open.closing_at.is_none()) {
                    open.assert_dead(now, rhythm);
                }
                self.ended = Some((link, None));
            }
            Action::Notify(notice) => self.told(moment, notice, machine),
        }
    }

    fn told<P: Policy>(&mut self, moment: Moment, notice: Notice, machine: &Machine<P>) {
        let Moment { now, event, .. } = moment;
        match notice {
            Notice::Up { epoch, reconnected, attempt, downtime } => {
                assert_eq!(event, Event::Transport(epoch, Signal::Opened));
                assert_eq!(self.up.replace(epoch), None, "Up and Down alternate");
                assert_eq!((reconnected, attempt), (self.ups > 0, self.failures));
                assert_eq!(downtime, now.saturating_duration_since(self.down_since));
                self.ups += 1;
                self.link(epoch).begin(now);
            }
            Notice::Down { epoch, failure, uptime, next } => {
                assert_eq!(self.up.take(), Some(epoch), "Up and Down alternate");
                let (link, lost) = self.ended.take().expect("Down comes after the end");
                let open = link.open.as_ref().expect("it was open");
                let length = now.saturating_duration_since(open.at);
                assert_eq!((failure, uptime), (link.failure(lost), length));
                if open.closing_at.is_none() && length >= self.config.stable_after {
                    self.failures = 0;
                }
                self.down_since = now;
                self.count(moment, failure, next, machine);
            }
            Notice::DialFailed { epoch, attempt, failure, next } => {
                let (link, lost) = self.ended.take().expect("a dial fails after its end");
                assert!(link.epoch == epoch && link.open.is_none());
                assert_eq!((Some(failure), attempt), (link.failure(lost), self.failures));
                self.count(moment, Some(failure), next, machine);
                let once = self.config.first_connect == FirstConnect::Once && self.ups == 0;
                let refresh = steadfast::classify(failure) == Verdict::Refresh;
                assert!(!once || refresh || next == Next::Closed, "the first is tried once");
            }
            Notice::Rescheduled { next } => {
                self.run(moment);
                self.announced(now, next);
            }
            Notice::RoundTrip { epoch, round_trip } => {
                let Event::Transport(_, Signal::Pong(nonce)) = event else {
                    panic!("only a Pong ends a round trip, not {event:?}")
                };
                let open = self.link(epoch).flowing().expect("open");
                assert_eq!(open.round_trip(now, nonce), Some(round_trip));
            }
            Notice::Closed { reason } => {
                assert!(self.live.is_none() && self.up.is_none(), "the end comes last");
                match reason {
                    ClosedReason::Stopped => {
                        let stopped = event == Command::Stop.into() || self.stopped_at.is_some();
                        assert!(stopped, "nobody asked to stop");
                    }
                    ClosedReason::Fatal(failure) | ClosedReason::GaveUp(failure) => {
                        assert!(self.must_close);
                        assert_eq!(Some(failure), self.last_failure, "the last error survives");
                    }
                    other => panic!("{other:?}"),
                }
                (self.running, self.must_close, self.stopped_at) = (false, false, None);
            }
            other => panic!("{other:?}"),
        }
    }

    /// A link or a dial has ended: counts it and holds what was announced against the bounds.
    fn count<P: Policy>(
        &mut self,
        moment: Moment,
        failure: Option<Failure>,
        next: Next,
        machine: &Machine<P>,
    ) {
        let now = moment.now;
        let Some(failure) = failure else {
            self.failures = 0;
            self.earliest = now.saturating_add(self.bounds.floor());
            return self.announced(now, next);
        };
        assert_eq!(machine.last_failure().or(Some(failure)), Some(failure));
        self.last_failure = Some(failure);
        self.failures = self.failures.saturating_add(1);
        self.earliest = now.saturating_add(self.bounds.earliest(failure));
        if let Next::Retry { delay, .. } = next {
            let range = self.bounds.earliest(failure)..=self.bounds.latest(failure);
            assert!(range.contains(&delay), "{delay:?} is outside {range:?}");
        }
        if steadfast::classify(failure) == Verdict::Stop {
            assert_eq!(next, Next::Closed, "what is fatal is final");
        }
        self.announced(now, next);
    }

    fn announced(&mut self, now: Instant, next: Next) {
        match next {
            Next::Retry { attempt, delay } => {
                assert_eq!(attempt, self.failures);
                self.until = now.saturating_add(delay);
            }
            Next::Offline { attempt } => assert_eq!(attempt, self.failures),
            Next::Closed => self.must_close = true,
            other => panic!("{other:?}"),
        }
    }

    /// A start that takes effect forgets what earlier failures taught.
    fn run(&mut self, moment: Moment) {
        if self.running {
            return;
        }
        assert_eq!(moment.event, Command::Start.into(), "closed until it is started");
        self.running = true;
        self.failures = 0;
        if self.ups == 0 {
            self.down_since = moment.now;
        }
    }

    fn check_state<P: Policy>(&self, now: Instant, wake: Wake, machine: &Machine<P>) {
        let in_time = |from: Instant, span: Duration, timer| {
            assert_eq!(wake, Wake::At(from.saturating_add(span), timer));
        };
        if let Wake::At(due, _) = wake {
            assert!(due > now, "progress: {due:?} is not after {now:?}");
        }
        let state = machine.state();
        let link = self.live.as_ref();
        match state {
            State::Idle | State::Closed(_) => {
                assert!(!self.running && link.is_none());
                assert_eq!(wake, Wake::Idle);
            }
            State::Offline => {
                assert!(self.running && link.is_none());
                assert_eq!(wake, Wake::Idle);
            }
            State::Backoff => {
                assert!(self.running && link.is_none());
                assert_eq!(wake, Wake::At(self.until, Timer::Retry));
            }
            State::Connecting => {
                let link = link.expect("a dial is under way");
                assert!(link.open.is_none());
                in_time(link.dialed_at, self.config.connect_timeout, Timer::Connect);
            }
            State::Closing => {
                let open = link.and_then(|link| link.open.as_ref()).expect("it was open");
                let since = open.closing_at.expect("a Close has been sent");
                in_time(since, self.config.close_timeout, Timer::Close);
            }
            State::Open => {
                let open = link.and_then(|link| link.open.as_ref()).expect("it is open");
                assert!(open.closing_at.is_none());
                match open.latest_wake(now, self.rhythm()) {
                    Some(latest) => assert!(wake.instant().is_some_and(|due| due <= latest)),
                    None => assert_eq!(wake, Wake::Idle),
                }
            }
            other => panic!("{other:?}"),
        }
        let stable = matches!(state, State::Open)
            && now.saturating_duration_since(machine.since()) >= self.config.stable_after;
        if self.running {
            assert_eq!(machine.failures(), if stable { 0 } else { self.failures });
        }
        if let Some(stopped) = self.stopped_at {
            assert!(now < stopped.saturating_add(self.config.close_timeout), "stop means stop");
        }
    }

    fn rhythm(&self) -> Rhythm {
        let probe_timeout = self.config.probe_timeout;
        let heartbeat = self.config.heartbeat.as_ref();
        Rhythm {
            interval: heartbeat.map(|heartbeat| heartbeat.interval),
            pong_timeout: heartbeat.map_or(probe_timeout, |heartbeat| heartbeat.pong_timeout),
            probe_timeout,
        }
    }

    fn link(&mut self, epoch: Epoch) -> &mut Link {
        let live = self.live.as_mut().filter(|link| link.epoch == epoch);
        live.expect("the action names the connection that is alive")
    }
}
