//! Which connection meets which fault, and when: it follows from the seed and the order of
//! connections and messages alone.

use std::time::Duration;

use fastrand::Rng;

use super::chaos::{Chance, Chaos, Fault, Refusal, Span, Trouble, Turn, When};

pub(crate) struct Dice {
    chaos: Chaos,
    rng: Rng,
    dials: u64,
}

/// What becomes of a dial.
pub(crate) enum Fate {
    Refused(Refusal),
    Accepted(Troubles),
}

impl Dice {
    pub(crate) fn new(chaos: Chaos, seed: u32) -> Self {
        Self { chaos, rng: Rng::with_seed(seed.into()), dials: 0 }
    }

    pub(crate) fn dial(&mut self) -> Fate {
        self.dials += 1;
        let mut rng = self.rng.fork();
        let mut refused = None;
        let mut troubles = Vec::new();
        for fault in &self.chaos.faults {
            // Each fault has its own, so that none depends on what the others have drawn.
            let mut rng = rng.fork();
            match fault {
                Fault::Refuse(refusal, turn) => {
                    let is_refused = match turn {
                        Turn::EveryOther => self.dials % 2 == 1,
                        Turn::Chance(chance) => chance.happens(&mut rng),
                    };
                    if is_refused && refused.is_none() {
                        refused = Some(refusal.clone());
                    }
                }
                Fault::Trouble(trouble, When::Chance(chance)) => {
                    troubles.push((*trouble, Trigger::Chance(*chance, rng)));
                }
                Fault::Trouble(trouble, When::Every(span)) => {
                    troubles.push((*trouble, Trigger::Every { span: *span, next: span.get() }));
                }
            }
        }
        refused.map_or(Fate::Accepted(Troubles(troubles)), Fate::Refused)
    }
}

/// What one open connection is in for.
pub(crate) struct Troubles(Vec<(Trouble, Trigger)>);

enum Trigger {
    Chance(Chance, Rng),
    /// `next` counts from the opening of the connection.
    Every {
        span: Span,
        next: Duration,
    },
}

impl Troubles {
    /// What happens at the next message. Each draws every time, so that the messages before decide
    /// nothing.
    pub(crate) fn at_message(&mut self) -> Vec<Trouble> {
        self.happening(|trigger| match trigger {
            Trigger::Chance(chance, rng) => chance.happens(rng),
            Trigger::Every { .. } => false,
        })
    }

    /// What happens by then, each thing once, however often it was missed.
    pub(crate) fn due(&mut self, since_open: Duration) -> Vec<Trouble> {
        self.happening(|trigger| match trigger {
            Trigger::Every { span, next } if *next <= since_open => {
                *next = multiple_after(span.get(), since_open);
                true
            }
            _ => false,
        })
    }

    /// When to ask again for what is due, counted from the opening of the connection.
    pub(crate) fn next(&self) -> Option<Duration> {
        let next = self.0.iter().filter_map(|(_, trigger)| match trigger {
            Trigger::Every { next, .. } => Some(*next),
            Trigger::Chance(..) => None,
        });
        next.min()
    }

    fn happening(&mut self, mut happens: impl FnMut(&mut Trigger) -> bool) -> Vec<Trouble> {
        let happening = |(trouble, trigger): &mut _| happens(trigger).then_some(*trouble);
        self.0.iter_mut().filter_map(happening).collect()
    }
}

/// The first multiple of `span` that is later than `now`.
fn multiple_after(span: Duration, now: Duration) -> Duration {
    let (span, now) = (span.as_nanos(), now.as_nanos());
    let next = (now / span + 1) * span;
    u64::try_from(next).map_or(Duration::MAX, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice(chaos: &str, seed: u32) -> Dice {
        Dice::new(chaos.parse().unwrap(), seed)
    }

    /// What ten connections of a hundred messages meet.
    fn played(chaos: &str, seed: u32) -> Vec<Option<Vec<Vec<Trouble>>>> {
        let mut dice = dice(chaos, seed);
        let mut play = || match dice.dial() {
            Fate::Refused(_) => None,
            Fate::Accepted(mut troubles) => Some((0..100).map(|_| troubles.at_message()).collect()),
        };
        (0..10).map(|_| play()).collect()
    }

    fn accepted(chaos: &str) -> Troubles {
        match dice(chaos, 1).dial() {
            Fate::Accepted(troubles) => troubles,
            Fate::Refused(refusal) => panic!("{refusal}"),
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let chaos = "drop=5%,stall=2s@20%,refuse=503@30%,close=1012@30s";
        assert_eq!(played(chaos, 7), played(chaos, 7));
        assert_ne!(played(chaos, 7), played(chaos, 8));
    }

    #[test]
    fn one_connection_meets_other_faults_than_the_next() {
        let [first, second, ..] = &played("stall=2s@20%", 7)[..] else { panic!("ten") };
        assert_ne!(first, second);
    }

    #[test]
    fn a_fault_that_is_added_moves_none_of_those_before_it() {
        let alone = played("stall=2s@20%", 7);
        let with_more = played("stall=2s@20%,mute=1s@50%", 7);
        let without_mute: Vec<Option<Vec<Vec<Trouble>>>> = with_more
            .into_iter()
            .map(|connection| {
                let stall = |mut met: Vec<Trouble>| {
                    met.retain(|trouble| matches!(trouble, Trouble::Stall(_)));
                    met
                };
                connection.map(|messages| messages.into_iter().map(stall).collect())
            })
            .collect();
        assert_eq!(alone, without_mute);
    }

    #[test]
    fn a_chance_comes_true_about_as_often_as_it_says() {
        let mut troubles = accepted("drop=5%,rst=0%,stall=1s@100%");
        let met: Vec<_> = (0..10_000).flat_map(|_| troubles.at_message()).collect();
        let count = |name| met.iter().filter(|trouble| trouble.name() == name).count();
        assert!((400..600).contains(&count("drop")), "{}", count("drop"));
        assert_eq!((count("rst"), count("stall")), (0, 10_000));
    }

    #[test]
    fn without_a_chance_every_other_dial_is_refused_and_the_first_of_them_first() {
        let mut dice = dice("refuse=503", 1);
        let refused = (0..4).map(|_| matches!(dice.dial(), Fate::Refused(_)));
        assert_eq!(refused.collect::<Vec<_>>(), [true, false, true, false]);
    }

    #[test]
    fn the_refusal_that_is_written_first_wins() {
        let Fate::Refused(refusal) = dice("refuse=503@0%,refuse=429,refuse=401", 1).dial() else {
            panic!("refused")
        };
        assert_eq!(refusal.to_string(), "refuse=429");
    }

    #[test]
    fn a_period_counts_from_the_opening_and_comes_again() {
        let mut troubles = accepted("mute=1s@60s,close=1012@90s");
        let seconds = Duration::from_secs;
        assert_eq!(troubles.next(), Some(seconds(60)));
        assert_eq!(troubles.due(seconds(59)), []);
        assert_eq!(troubles.due(seconds(60)).len(), 1);
        assert_eq!(troubles.due(seconds(60)), []);
        assert_eq!(troubles.next(), Some(seconds(90)));
        assert_eq!(troubles.due(seconds(1_000)).len(), 2);
        assert_eq!(troubles.next(), Some(seconds(1_020)));
        assert!(troubles.at_message().is_empty());
    }
}
