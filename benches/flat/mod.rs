//! What a competent engineer writes by hand: one enum, times in `u64` nanoseconds, at most one
//! action a step. It does less than `steadfast` (no notices, no policy, no failure table, no
//! stability rule, no suspended driver, no network), so it is the floor to measure against.

/// A hand-written reconnect machine.
#[derive(Clone, Debug)]
pub(crate) struct Flat {
    settings: Settings,
    state: State,
    rng: u64,
    id: u64,
    nonce: u32,
    retries: u32,
}

/// All spans in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) connect_timeout: u64,
    pub(crate) close_timeout: u64,
    pub(crate) ping_interval: u64,
    pub(crate) pong_timeout: u64,
    pub(crate) base: u64,
    pub(crate) cap: u64,
    pub(crate) floor: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    Connecting { deadline: u64 },
    Open { deadline: u64, ping_out: bool },
    Closing { deadline: u64 },
    Waiting { until: u64 },
}

/// What happens to it. Transports are told apart by the `id` of their [`Action::Dial`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Start,
    Stop,
    Opened { id: u64 },
    Received { id: u64 },
    Pong { id: u64, nonce: u32 },
    Lost { id: u64 },
    Tick,
}

/// What it wants done.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "the scripts know the names without looking")]
pub(crate) enum Action {
    Dial { id: u64 },
    Ping { id: u64, nonce: u32 },
    Close { id: u64 },
    Abort { id: u64 },
}

/// What to do now, and when to call again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) action: Option<Action>,
    pub(crate) wake: Option<u64>,
}

impl Flat {
    pub(crate) fn new(settings: Settings, seed: u64) -> Self {
        Self { settings, state: State::Idle, rng: seed, id: 0, nonce: 0, retries: 0 }
    }

    pub(crate) fn handle(&mut self, now: u64, event: Event) -> Answer {
        let action = match (self.state, event) {
            (State::Idle, Event::Start) => Some(self.dial(now)),

            (State::Connecting { .. }, Event::Opened { id }) if id == self.id => {
                self.retries = 0;
                self.heard(now);
                None
            }
            (State::Connecting { .. } | State::Open { .. }, Event::Lost { id })
                if id == self.id =>
            {
                self.wait(now);
                None
            }
            (State::Connecting { .. }, Event::Stop) => {
                self.state = State::Idle;
                Some(Action::Abort { id: self.id })
            }
            (State::Connecting { deadline }, Event::Tick) if now >= deadline => {
                self.wait(now);
                Some(Action::Abort { id: self.id })
            }

            (State::Open { .. }, Event::Received { id }) if id == self.id => {
                self.heard(now);
                None
            }
            (State::Open { .. }, Event::Pong { id, nonce })
                if id == self.id && nonce == self.nonce =>
            {
                self.heard(now);
                None
            }
            (State::Open { .. }, Event::Stop) => {
                self.state = State::Closing { deadline: now + self.settings.close_timeout };
                Some(Action::Close { id: self.id })
            }
            (State::Open { deadline, ping_out: false }, Event::Tick) if now >= deadline => {
                self.nonce = self.nonce.wrapping_add(1);
                let deadline = now + self.settings.pong_timeout;
                self.state = State::Open { deadline, ping_out: true };
                Some(Action::Ping { id: self.id, nonce: self.nonce })
            }
            (State::Open { deadline, ping_out: true }, Event::Tick) if now >= deadline => {
                self.wait(now);
                Some(Action::Abort { id: self.id })
            }

            (State::Closing { .. }, Event::Lost { id }) if id == self.id => {
                self.state = State::Idle;
                None
            }
            (State::Closing { deadline }, Event::Tick) if now >= deadline => {
                self.state = State::Idle;
                Some(Action::Abort { id: self.id })
            }

            (State::Waiting { until }, Event::Tick) if now >= until => Some(self.dial(now)),
            (State::Waiting { .. }, Event::Stop) => {
                self.state = State::Idle;
                None
            }
            _ => None,
        };
        Answer { action, wake: self.wake() }
    }

    fn wake(&self) -> Option<u64> {
        match self.state {
            State::Idle => None,
            State::Waiting { until } => Some(until),
            State::Connecting { deadline }
            | State::Open { deadline, .. }
            | State::Closing { deadline } => Some(deadline),
        }
    }

    fn dial(&mut self, now: u64) -> Action {
        self.id += 1;
        self.state = State::Connecting { deadline: now + self.settings.connect_timeout };
        Action::Dial { id: self.id }
    }

    fn heard(&mut self, now: u64) {
        let deadline = now + self.settings.ping_interval;
        self.state = State::Open { deadline, ping_out: false };
    }

    fn wait(&mut self, now: u64) {
        // Marsaglia, "Xorshift RNGs", 2003.
        self.rng ^= self.rng << 13;
        self.rng ^= self.rng >> 7;
        self.rng ^= self.rng << 17;
        self.retries += 1;
        self.state = State::Waiting { until: now + self.settings.delay(self.retries, self.rng) };
    }
}

impl Settings {
    /// Exponential backoff with full jitter.
    pub(crate) fn delay(&self, retries: u32, entropy: u64) -> u64 {
        let ceiling = (self.base << (retries - 1).min(20)).min(self.cap);
        self.floor + entropy % (ceiling - self.floor + 1)
    }
}
