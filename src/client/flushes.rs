//! The flushes of handles: each waits until all that was accepted before it has been written, or hears
//! that some of that was lost.

use super::{SendErrorReason, line::Numbers};

/// The flushes under way, and what they wait for.
pub(super) struct Flushes {
    next: u64,
    under_way: Vec<UnderWay>,
    /// The number below which every message has been written or given up.
    unsettled: u64,
    losses: Losses,
}

/// A flush, with the last message it waits for.
struct UnderWay {
    name: u64,
    target: u64,
    failed: Option<SendErrorReason>,
}

/// What has become of messages that were accepted and not written.
#[derive(Default)]
struct Losses {
    /// How often some were lost.
    count: u64,
    /// The last message that was among them.
    highest: u64,
    /// Why the latest were.
    reason: Option<SendErrorReason>,
}

/// What a flush has come to, and of how many losses that tells.
pub(super) struct Flushed {
    pub(super) result: Result<(), SendErrorReason>,
    pub(super) told: u64,
}

impl Flushes {
    pub(super) fn new() -> Self {
        let (under_way, losses) = (Vec::new(), Losses::default());
        Self { next: 0, under_way, unsettled: 1, losses }
    }

    /// How often messages were lost.
    pub(super) fn losses(&self) -> u64 {
        self.losses.count
    }

    /// Every message below this number has been written or given up. Answers whether that is news.
    #[inline]
    pub(super) fn settle(&mut self, unsettled: u64) -> bool {
        std::mem::replace(&mut self.unsettled, unsettled) != unsettled
    }

    /// Messages from the lowest to the highest of these are lost: no flush of them can succeed.
    pub(super) fn lose(&mut self, lost: Numbers, reason: SendErrorReason) {
        self.losses.count += 1;
        self.losses.highest = self.losses.highest.max(lost.highest);
        self.losses.reason = Some(reason);
        for flush in &mut self.under_way {
            if flush.target >= lost.lowest {
                flush.failed.get_or_insert(reason);
            }
        }
    }

    /// Begins a flush of all up to this number, for one who has been told of so many losses.
    pub(super) fn begin(&mut self, target: u64, told: u64) -> u64 {
        let name = self.next;
        self.next += 1;
        let failed = self.losses.reason.filter(|_| self.losses.count > told);
        self.under_way.push(UnderWay { name, target, failed });
        name
    }

    /// What has become of a flush; `None` while it is under way.
    pub(super) fn flushed(&self, name: u64, gone: bool) -> Option<Flushed> {
        let flush = self.under_way.iter().find(|flush| flush.name == name)?;
        let result = match flush.failed {
            Some(reason) => Err(reason),
            None if self.unsettled > flush.target => Ok(()),
            None if gone => Err(SendErrorReason::Gone),
            None => return None,
        };
        let told = match flush.failed {
            None => 0,
            // What it did not ask for is left for the next to tell.
            Some(_) => self.losses.count - u64::from(self.losses.highest > flush.target),
        };
        Some(Flushed { result, told })
    }

    pub(super) fn end(&mut self, name: u64) {
        self.under_way.retain(|flush| flush.name != name);
    }
}
