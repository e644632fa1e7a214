//! What surrounds a driver under test: its server, its commands, and the books that are kept on it.

use std::{
    collections::{BTreeMap, VecDeque},
    task::Waker,
    time::Duration,
};

use super::{
    super::{
        ManualClock,
        model::{Promise, Violation},
    },
    Deed, Report,
    dice::Dice,
    link::Link,
    server::{Fate, Nature, close_frame},
};
use crate::{
    Command, Config, Epoch, Failure, FailureKind, Instant, State, Wake, client::Clock,
    client::Frame, trace::Entry,
};

/// Something that will happen.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    DialEnds(Epoch, Result<(), Failure>),
    Sends(Epoch, Frame),
    Meets(Epoch, Fate),
    /// Whether the connection takes what is written.
    Takes(Epoch, bool),
    Asked(Command),
    /// The computer sleeps for so long.
    Sleeps(Duration),
    /// A wake-up for no reason.
    Nudged,
    /// From now on the server does all as it should.
    Heals,
    MustBeOpen,
    MustBeClosed,
    /// No more commands.
    Finishes,
}

impl Happening {
    fn is_remote(&self) -> bool {
        matches!(self, Self::DialEnds(..) | Self::Sends(..) | Self::Meets(..) | Self::Takes(..))
    }
}

pub(super) struct Scene {
    pub(super) clock: ManualClock,
    pub(super) config: Config,
    pub(super) dice: Dice,
    schedule: BTreeMap<(Instant, u64), Happening>,
    scheduled: u64,
    pub(super) links: BTreeMap<Epoch, Link>,
    healed: bool,
    /// Commands that wait in the stream, and whether it has ended.
    pub(super) asked: VecDeque<Command>,
    pub(super) finished: bool,
    pub(super) listener: Option<Waker>,
    /// Commands that the driver has taken and not told the machine of.
    pub(super) taken: VecDeque<Command>,
    /// Whom to wake once the scene is not looked at any more.
    pub(super) wakes: Vec<Waker>,
    /// What the machine said last.
    pub(super) wake: Wake,
    pub(super) state: State,
    /// Calls of the machine at this instant, and those for nothing.
    pub(super) calls_now: (Instant, u32, u32),
    pub(super) calls: Vec<Entry>,
    pub(super) deeds: Vec<(Instant, Deed)>,
    pub(super) report: Report,
    pub(super) violation: Option<Violation>,
}

impl Scene {
    pub(super) fn new(clock: ManualClock, config: Config, dice: Dice) -> Self {
        Self {
            clock,
            config,
            dice,
            schedule: BTreeMap::new(),
            scheduled: 0,
            links: BTreeMap::new(),
            healed: false,
            asked: VecDeque::new(),
            finished: false,
            listener: None,
            taken: VecDeque::new(),
            wakes: Vec::new(),
            wake: Wake::Idle,
            state: State::Idle,
            calls_now: (Instant::ORIGIN, 0, 0),
            calls: Vec::new(),
            deeds: Vec::new(),
            report: Report::default(),
            violation: None,
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Keeps the first violation.
    pub(super) fn keep(&mut self, checked: Result<(), Violation>) {
        if let Err(violation) = checked {
            self.violation.get_or_insert(violation);
        }
    }

    pub(super) fn saw(&mut self, deed: Deed) {
        self.deeds.push((self.now(), deed));
    }

    pub(super) fn schedule(&mut self, after: Duration, happening: Happening) {
        self.scheduled += 1;
        let at = self.now().saturating_add(after);
        self.schedule.insert((at, self.scheduled), happening);
    }

    /// When something happens next.
    pub(super) fn next_happening(&self) -> Option<Instant> {
        self.schedule.keys().next().map(|(at, _)| *at)
    }

    /// Takes what happens now.
    pub(super) fn take_due(&mut self) -> Option<Happening> {
        let first = self.schedule.first_entry()?;
        (first.key().0 <= self.clock.now()).then(|| first.remove())
    }

    /// The computer sleeps from now on: what the application will do, it will do so much later.
    /// The server does not wait.
    pub(super) fn sleep(&mut self, span: Duration) {
        let schedule = std::mem::take(&mut self.schedule);
        self.schedule = schedule
            .into_iter()
            .map(|((at, number), happening)| {
                let at = if happening.is_remote() { at } else { at.saturating_add(span) };
                ((at, number), happening)
            })
            .collect();
    }

    /// How the server treats a dial that begins now.
    pub(super) fn draw_nature(&mut self) -> Nature {
        if self.healed { Nature::kind() } else { Nature::draw(&mut self.dice, &self.config) }
    }

    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::DialEnds(epoch, outcome) => self.change(epoch, |link| {
                link.outcome.get_or_insert(outcome);
            }),
            Happening::Sends(epoch, frame) => self.change(epoch, |link| {
                if link.can_hear() {
                    link.inbox.push_back(frame);
                }
            }),
            Happening::Meets(epoch, fate) => self.meet(epoch, fate),
            Happening::Takes(epoch, room) => self.change(epoch, |link| link.has_room = room),
            Happening::Asked(command) => {
                self.asked.push_back(command);
                self.wakes.extend(self.listener.take());
            }
            // These are between the runner and the clock.
            Happening::Sleeps(_) | Happening::Nudged => {}
            Happening::Heals => {
                self.healed = true;
                let epochs: Vec<Epoch> = self.links.keys().copied().collect();
                for epoch in epochs {
                    let gone: Failure = FailureKind::Reset.into();
                    self.happen(Happening::DialEnds(epoch, Err(gone)));
                    self.meet(epoch, Fate::Breaks(gone));
                }
            }
            Happening::MustBeOpen => {
                self.keep(Promise::NoStall.requires(self.state == State::Open, || {
                    format!("all is well, and the state is {:?}", self.state)
                }));
            }
            Happening::MustBeClosed => self.keep(
                Promise::StopMeansStop.requires(matches!(self.state, State::Closed(_)), || {
                    format!("it was stopped, and the state is {:?}", self.state)
                }),
            ),
            Happening::Finishes => {
                self.finished = true;
                self.wakes.extend(self.listener.take());
            }
        }
    }

    /// Changes a link that the driver may be waiting for.
    fn change(&mut self, epoch: Epoch, change: impl FnOnce(&mut Link)) {
        let Some(link) = self.links.get_mut(&epoch) else { return };
        change(link);
        if link.is_readable() {
            self.wakes.extend(link.reader.take());
        }
        if link.has_room || link.end.is_some() {
            self.wakes.extend(link.writer.take());
        }
    }

    fn meet(&mut self, epoch: Epoch, fate: Fate) {
        self.change(epoch, |link| match fate {
            Fate::Closes(code) => {
                if link.can_hear() {
                    link.inbox.push_back(close_frame(code));
                    link.server_closed = true;
                }
            }
            Fate::Breaks(failure) => {
                link.end.get_or_insert(Some(failure));
            }
            Fate::Ends => {
                link.end.get_or_insert(None);
            }
            Fate::FallsSilent => link.silent = true,
        });
    }

    /// The connection is the driver's: its server goes on with what it does.
    pub(super) fn connected(&mut self, epoch: Epoch) {
        let Some(link) = self.links.get_mut(&epoch) else { return };
        link.connected = true;
        let Nature { chat, fate, stall, .. } = link.nature.clone();
        let mut after = Duration::ZERO;
        for (wait, frame) in chat {
            after += wait;
            self.schedule(after, Happening::Sends(epoch, frame));
        }
        if let Some((after, fate)) = fate {
            self.schedule(after, Happening::Meets(epoch, fate));
        }
        if let Some((after, span)) = stall {
            self.schedule(after, Happening::Takes(epoch, false));
            self.schedule(after + span, Happening::Takes(epoch, true));
        }
    }

    /// A frame has reached the server.
    pub(super) fn arrived(&mut self, epoch: Epoch, frame: Frame) {
        let Some(link) = self.links.get(&epoch) else { return };
        let Nature { pong_after, close_after, ends_after_close, .. } = link.nature;
        let silent = link.silent;
        self.saw(Deed::Wrote(epoch, frame.clone()));
        match frame {
            Frame::Ping(payload) => {
                self.report.pings += 1;
                if let Some(after) = pong_after.filter(|_| !silent) {
                    self.schedule(after, Happening::Sends(epoch, Frame::Pong(payload)));
                }
            }
            Frame::Close(close) => {
                self.report.closes += 1;
                let Some(after) = close_after.filter(|_| !silent) else { return };
                let code = close.map(|close| close.code);
                self.schedule(after, Happening::Meets(epoch, Fate::Closes(code)));
                if ends_after_close {
                    self.schedule(after, Happening::Meets(epoch, Fate::Ends));
                }
            }
            Frame::Message(_) | Frame::Pong(_) | Frame::Part => {}
        }
    }
}
