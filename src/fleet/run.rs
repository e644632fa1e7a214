//! The event loop: machines, an agenda and a server in virtual time.

use core::{ops::Range, time::Duration};

use super::{
    Fleet, FleetBuilder, Progress, Report, Scenario, agenda::Agenda, ideal::Ideal, micros,
    report::rounded, scenario::Change, server::Server, tally::Tally,
};
use crate::{
    Action, Command, Config, Event, Failure, FailureKind, Instant, Machine, Notice, Policy, Seed,
    Signal, State, Wake,
    rng::{SplitMix64, spread},
};

/// In place of an instance: the one whose queue the client was in has gone down.
const GONE: u16 = u16::MAX;

/// After how many events progress is told: a few milliseconds.
const EVENTS_PER_PROGRESS: u64 = 1 << 13;

pub(super) struct Run<'a, P, W> {
    settings: &'a FleetBuilder,
    server: Server,
    agenda: Agenda,
    machines: Vec<Machine<P, &'a Config>>,
    /// The instance that each client was sent to last.
    instances: Vec<u16>,
    balancer: Balancer,
    tally: Tally,
    ideal: Ideal,
    /// t = 0 on the machines' clock, which has run since they were connected.
    origin: Instant,
    watch: W,
    /// How many there were.
    events: u64,
}

impl<'a, P: Policy + Clone, W: FnMut(Progress)> Run<'a, P, W> {
    pub(super) fn new(fleet: &'a Fleet, policy: &P, watch: W) -> Self {
        let settings = &fleet.settings;
        let stable_after = settings.config.to_builder().stable_after;
        let mut run = Self {
            settings,
            server: Server::new(settings.capacity_per_second, settings.backlog),
            agenda: Agenda::new(micros(settings.horizon)),
            machines: Vec::with_capacity(settings.clients as usize),
            instances: Vec::with_capacity(settings.clients as usize),
            balancer: Balancer::new(settings.scenario),
            tally: Tally::default(),
            ideal: Ideal::new(settings.clients),
            origin: Instant::ORIGIN.saturating_add(stable_after),
            watch,
            events: 0,
        };
        let mut rng = SplitMix64::new(settings.seed);
        for client in 0..settings.clients {
            let seed = Seed::new(rng.next());
            let mut machine = Machine::new(&settings.config, policy.clone(), seed, Instant::ORIGIN);
            if let Scenario::ColdStart { over } = settings.scenario {
                let latest = micros(over).saturating_sub(1);
                run.agenda.push(client, spread(0, latest, rng.next()));
            } else {
                connect(&mut machine);
            }
            run.machines.push(machine);
            run.instances.push(first_instance(client, settings.scenario.instances()));
        }
        run
    }

    pub(super) fn report(mut self, policy: &str) -> Report {
        let settings = self.settings;
        let mut capacity = settings.capacity_per_second;
        if matches!(settings.scenario, Scenario::ColdStart { .. }) {
            self.ideal.owe(0, capacity, settings.clients.into());
        }
        for (at, change) in settings.scenario.changes(capacity) {
            self.until(at);
            match change {
                Change::Lose { instance, failure } => {
                    let lost = self.lose(at, instance, failure);
                    let everyone = settings.scenario.instances() == 1;
                    let owed = if everyone { settings.clients.into() } else { lost };
                    self.ideal.owe(at, capacity, owed);
                }
                Change::Serve { capacity_per_second, without } => {
                    self.ideal.owe(at, capacity, 0);
                    capacity = capacity_per_second;
                    self.server.set_capacity(at, capacity_per_second);
                    self.balancer.without = without;
                }
            }
        }
        self.until(micros(settings.horizon));
        self.conclude(policy)
    }

    /// Lets everything happen that is due before `end`.
    fn until(&mut self, end: u64) {
        while let Some((now, client)) = self.agenda.pop_before(end) {
            self.events += 1;
            if self.events % EVENTS_PER_PROGRESS == 0 {
                self.tell_progress(now);
            }
            let machine = &self.machines[client as usize];
            let event = match (machine.state(), machine.wake()) {
                (State::Idle, _) => Command::Start.into(),
                (State::Connecting, Wake::At(deadline, _)) if self.instant(now) < deadline => {
                    let signal = match self.instances[client as usize] {
                        GONE => Signal::Lost(FailureKind::Reset.into()),
                        _ => Signal::Opened,
                    };
                    Event::Transport(machine.epoch(), signal)
                }
                _ => Event::Tick,
            };
            self.tell(now, client, event);
        }
    }

    fn tell_progress(&mut self, now: u64) {
        let (at, attempts) = (Duration::from_micros(now), self.tally.attempts);
        let connected = self.connected();
        (self.watch)(Progress { at, attempts, connected });
    }

    fn connected(&self) -> u32 {
        let connected = self.connected_first() + self.tally.connections - self.tally.losses;
        u32::try_from(connected).unwrap_or(self.settings.clients)
    }

    /// How many clients were connected before t = 0.
    fn connected_first(&self) -> u64 {
        match self.settings.scenario {
            Scenario::ColdStart { .. } => 0,
            _ => self.settings.clients.into(),
        }
    }

    /// Drops the clients of an instance; answers how many were connected.
    fn lose(&mut self, now: u64, instance: u16, failure: Failure) -> u64 {
        let before = self.tally.losses;
        for client in 0..self.settings.clients {
            if self.instances[client as usize] != instance {
                continue;
            }
            let machine = &self.machines[client as usize];
            match machine.state() {
                State::Open => {
                    let lost = Event::Transport(machine.epoch(), Signal::Lost(failure));
                    self.tell(now, client, lost);
                }
                State::Connecting => self.instances[client as usize] = GONE,
                _ => {}
            }
        }
        self.tally.losses - before
    }

    /// Drives one client until it waits for something.
    fn tell(&mut self, now: u64, client: u32, event: Event) {
        let present = self.instant(now);
        let mut step = self.machines[client as usize].handle(present, event);
        loop {
            let mut dialed = None;
            for action in step.actions.iter() {
                match action {
                    Action::Dial { epoch, .. } => dialed = Some(epoch),
                    Action::Notify(notice) => self.note(now, notice),
                    Action::Ping { .. } | Action::Close { .. } | Action::Abort { .. } => {}
                }
            }
            let Some(epoch) = dialed else { break };
            self.tally.attempt(now);
            if let Some(connected) = self.server.admit(now) {
                self.instances[client as usize] = self.balancer.place();
                // Otherwise the client gives up on the queue at its own deadline.
                let opens = self.instant(connected);
                if step.wake.instant().is_some_and(|deadline| opens < deadline) {
                    return self.agenda.push(client, connected);
                }
                break;
            }
            let refused = Event::Transport(epoch, Signal::Lost(self.refusal()));
            step = self.machines[client as usize].handle(present, refused);
        }
        if let Wake::At(at, _) = step.wake {
            let nanos = at.as_nanos().saturating_sub(self.origin.as_nanos());
            self.agenda.push(client, nanos.div_ceil(1_000));
        }
    }

    fn note(&mut self, now: u64, notice: Notice) {
        match notice {
            Notice::Up { downtime, .. } => self.tally.connected(now, downtime),
            Notice::Down { .. } => self.tally.lost(now),
            Notice::Closed { .. } => self.tally.gave_up += 1,
            _ => {}
        }
    }

    /// As what an attempt fails that is not admitted at present.
    fn refusal(&self) -> Failure {
        match self.settings.scenario {
            Scenario::Outage { failure, .. } if !self.server.is_serving() => failure,
            _ => self.settings.refusal,
        }
    }

    fn instant(&self, now: u64) -> Instant {
        let nanos = now.saturating_mul(1_000);
        Instant::from_nanos(self.origin.as_nanos().saturating_add(nanos))
    }

    fn conclude(self, policy: &str) -> Report {
        let (settings, tally) = (self.settings, &self.tally);
        let clients = u64::from(settings.clients);
        let connected = self.connected();
        let time_to_last_s = match tally.last_connection {
            Some(at) if connected == settings.clients => Some(at as f64 / 1e6),
            _ => None,
        };
        let ideal_s = self.ideal.ends_s(settings.capacity_per_second);
        Report {
            policy: policy.to_owned(),
            scenario: settings.scenario,
            clients: settings.clients,
            capacity_per_second: settings.capacity_per_second,
            backlog: settings.backlog,
            refusal: settings.refusal,
            seed: settings.seed,
            horizon_s: micros(settings.horizon) as f64 / 1e6,
            attempts: tally.attempts,
            attempts_per_client: rounded(tally.attempts as f64 / clients as f64, 4),
            peak_per_100ms: tally.peak_per_100ms(),
            connections: tally.connections,
            losses: tally.losses,
            connected,
            gave_up: tally.gave_up,
            time_to_last_s,
            ideal_s: rounded(ideal_s, 6),
            time_ratio: time_to_last_s.map(|last| rounded(last / ideal_s, 4)),
            downtime: tally.downtime(),
            curve: tally.curve(self.connected_first()),
        }
    }
}

/// Makes a machine that is connected from the origin of its clock on.
fn connect<P: Policy>(machine: &mut Machine<P, &Config>) {
    let _ = machine.handle(Instant::ORIGIN, Command::Start.into());
    let opened = Event::Transport(machine.epoch(), Signal::Opened);
    let _ = machine.handle(Instant::ORIGIN, opened);
}

fn first_instance(client: u32, instances: u16) -> u16 {
    u16::try_from(client % u32::from(instances)).unwrap_or(0)
}

/// Sends clients to the instances that are up, in turn.
struct Balancer {
    instances: Range<u16>,
    without: Option<u16>,
    last: u16,
}

impl Balancer {
    fn new(scenario: Scenario) -> Self {
        let instances = match scenario {
            // One more than there are batches: nobody is drained twice.
            Scenario::Drain { batches, .. } => batches..batches + 1,
            _ => 0..scenario.instances(),
        };
        Self { last: instances.start, without: None, instances }
    }

    fn place(&mut self) -> u16 {
        let after_last = self.last + 1..self.instances.end;
        let next = after_last.chain(self.instances.clone()).find(|i| Some(*i) != self.without);
        self.last = next.unwrap_or(self.last);
        self.last
    }
}
