//! The summary, for people and for programs.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::json;

use super::{
    client::{Drop, Outcome},
    script::Ending,
    server::{Ledger, Played, Server},
};

pub(crate) struct Report {
    seed: u32,
    outcome: Outcome,
    ledger: Ledger,
    played: Vec<Played>,
    over: bool,
    elapsed: Duration,
}

impl Report {
    pub(crate) fn new(seed: u32, outcome: Outcome, server: &Server, elapsed: Duration) -> Self {
        Self {
            seed,
            outcome,
            ledger: server.ledger(),
            played: server.played(),
            over: server.is_over(),
            elapsed,
        }
    }

    /// Whether the whole script was played and each number arrived once.
    pub(crate) fn is_clean(&self) -> bool {
        self.over && self.missing() == 0 && self.ledger.duplicates == 0
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let acts: Vec<_> = self
            .played
            .iter()
            .map(|act| {
                let drop = self.drop_of(act);
                json!({
                    "name": act.name,
                    "detected_ms": drop.map(|drop| millis(drop.at.saturating_sub(act.at))),
                    "causes": self.causes(act),
                    "downtime_ms": self.recovery(act).map(|(downtime, _)| millis(downtime)),
                    "retries": self.recovery(act).map(|(_, attempt)| attempt),
                })
            })
            .collect();
        json!({
            "sent": self.outcome.sent,
            "received": self.ledger.last,
            "missing": self.missing(),
            "duplicates": self.ledger.duplicates,
            "out_of_order": self.ledger.out_of_order,
            "resent": self.outcome.resent,
            "drops": self.outcome.drops.len(),
            "reconnects": self.outcome.reconnects,
            "dials": self.outcome.dials,
            "half_open_detected_ms": self.half_open_detected().map(millis),
            "acts": acts,
            "elapsed_ms": millis(self.elapsed),
            "seed": self.seed,
        })
    }

    pub(crate) fn print(&self) {
        let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
        anstream::println!(
            "\n{bold}{:<18} {:>9} {:>8} {:>9}  {}{bold:#}",
            "trouble",
            "noticed",
            "retries",
            "downtime",
            "seen as"
        );
        for act in &self.played {
            let Some(drop) = self.drop_of(act) else {
                anstream::println!("{:<18} {dim}not noticed{dim:#}", act.name);
                continue;
            };
            let noticed = format!("{} ms", millis(drop.at.saturating_sub(act.at)));
            let (retries, downtime) = match self.recovery(act) {
                Some((downtime, attempt)) => {
                    (attempt.to_string(), format!("{} ms", millis(downtime)))
                }
                None => ("-".to_owned(), "-".to_owned()),
            };
            anstream::println!(
                "{:<18} {noticed:>9} {retries:>8} {downtime:>9}  {dim}{}{dim:#}",
                act.name,
                self.causes(act).join(", ")
            );
        }
        let verdict = if self.is_clean() { AnsiColor::Green } else { AnsiColor::Red };
        let style = verdict.on_default().bold();
        anstream::println!(
            "\n{bold}{}{bold:#} sent, {bold}{}{bold:#} received, {style}{} missing, {} duplicates\
             {style:#}, {} sent again\n{} drops, {} reconnects, {} dials in {:.1} s  {dim}seed {}\
             {dim:#}",
            self.outcome.sent,
            self.ledger.last,
            self.missing(),
            self.ledger.duplicates,
            self.outcome.resent,
            self.outcome.drops.len(),
            self.outcome.reconnects,
            self.outcome.dials,
            self.elapsed.as_secs_f64(),
            self.seed,
        );
    }

    fn missing(&self) -> u64 {
        self.outcome.sent.saturating_sub(self.ledger.last)
    }

    /// The first end of a connection after the act.
    fn drop_of(&self, act: &Played) -> Option<&Drop> {
        self.drops_of(act).next()
    }

    /// How long it took for the link to come back for good, and the number of the dial that did
    /// it: from the first drop of the act to the recovery from its last.
    fn recovery(&self, act: &Played) -> Option<(Duration, u32)> {
        let (up_at, attempt) = self.drops_of(act).next_back()?.recovery?;
        Some((up_at.saturating_sub(self.drop_of(act)?.at), attempt))
    }

    fn causes(&self, act: &Played) -> Vec<&str> {
        let mut causes: Vec<_> =
            self.drops_of(act).flat_map(|drop| &drop.causes).map(String::as_str).collect();
        causes.dedup();
        causes
    }

    fn drops_of(&self, act: &Played) -> impl DoubleEndedIterator<Item = &Drop> {
        let next = self.played.iter().map(|other| other.at).find(|at| *at > act.at);
        let during = act.at..next.unwrap_or(Duration::MAX);
        self.outcome.drops.iter().filter(move |drop| during.contains(&drop.at))
    }

    fn half_open_detected(&self) -> Option<Duration> {
        let act = self.played.iter().find(|act| act.ending == Ending::Mute)?;
        let drop = self.drop_of(act).filter(|drop| drop.by_heartbeat)?;
        Some(drop.at.saturating_sub(act.at))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
