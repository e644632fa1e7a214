use std::fmt;

/// What a policy that a machine asks owes to the server, to its fellow clients and to the machine.
///
/// ```
/// use steadfast::{Attempt, Decision, testing::{check_policy, laws::Law}};
///
/// let eager = || |_: &Attempt| Decision::RetryAfter(std::time::Duration::from_secs(1));
/// assert_eq!(check_policy(eager).unwrap_err().law(), Law::Spread);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Law {
    /// Through outages of years, up to the last attempt number and the longest durations, the
    /// policy answers without a panic.
    ///
    /// A panic breaks this law alone: elsewhere, what was asked counts as not answered.
    Endurance,
    /// Two policies made alike, in machines with the same seed and the same failures, give the same
    /// answers.
    ///
    /// A policy that draws its own randomness in place of
    /// [`Attempt::entropy`](crate::Attempt::entropy) breaks it: no run could ever be repeated.
    Repeats,
    /// Every delay that the policy answers lies between the floor and the cap that it declares.
    ///
    /// Asked for every attempt number from 1 to 140 and some up to `u32::MAX`, at every pace, for
    /// all sorts of elapsed times, uptimes, previous delays (zero to [`Duration::MAX`]) and
    /// entropies (0, `u64::MAX` and at random). The machine would keep the delay within
    /// [`Policy::bounds`](crate::Policy::bounds), and so bunch all clients at one end.
    ///
    /// [`Duration::MAX`]: std::time::Duration::MAX
    Bounds,
    /// The longest delay that may be drawn does not shrink as dials go on failing.
    ///
    /// Over the first 140 failures, and as the longest of 130 draws. A fifth less passes, because
    /// draws are a sample.
    Growth,
    /// Once the policy has given up, it gives up on every later retry until it is reset, and after a
    /// reset it answers like a new one.
    ///
    /// In a machine, no dial follows until the next [`Start`](crate::Command::Start).
    Limit,
    /// Dials are never closer together than the floor, and a server that accepts and drops is kept
    /// waiting like one that refuses.
    ///
    /// The floor is the one that a new policy declares; so in any window there are at most window ÷
    /// floor + 1 dials, whatever is thrown at the machine. From the third failure on, the longest
    /// delay after a connection that was dropped at once is at least half of that after a dial that
    /// was refused, at this retry or the one before.
    NoHotLoop,
    /// Clients that are cut off together do not come back together.
    ///
    /// Of 1,000 machines with different seeds that fail alike, at most 5 % are given delays within
    /// any 1 % of the longest: at the first retry, and at the cap however large the number is. At
    /// the retries between, where each machine has a past of its own, within any 1 % of the median.
    /// And no two are given the same delays throughout. Delays count as they were answered: that
    /// the machine keeps them within bounds, and so bunches them, is a matter for
    /// [`Bounds`](Self::Bounds).
    Spread,
    /// A server's `Retry-After` is waited for, up to the cap for it, and clients that were told the
    /// same are still spread.
    ///
    /// The wait that a machine announces is at least what was asked for and at most the cap of the
    /// policy longer; both as a new policy declares them. What the policy adds to it is as spread
    /// as [`Spread`](Self::Spread) demands, if it is when nothing is asked for.
    RetryAfter,
}

impl Law {
    /// Every law, in the order in which they are checked.
    pub const ALL: &'static [Self] = &[
        Self::Endurance,
        Self::Repeats,
        Self::Bounds,
        Self::Growth,
        Self::Limit,
        Self::NoHotLoop,
        Self::Spread,
        Self::RetryAfter,
    ];
}

/// The law in one sentence.
impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Endurance => {
                "Through outages of years, up to the last attempt number and the longest \
                 durations, the policy answers without a panic."
            }
            Self::Repeats => {
                "Two policies made alike, in machines with the same seed and the same failures, \
                 give the same answers."
            }
            Self::Bounds => {
                "Every delay that the policy answers lies between the floor and the cap that it \
                 declares."
            }
            Self::Growth => {
                "The longest delay that may be drawn does not shrink as dials go on failing."
            }
            Self::Limit => {
                "Once the policy has given up, it gives up on every later retry until it is reset, \
                 and after a reset it answers like a new one."
            }
            Self::NoHotLoop => {
                "Dials are never closer together than the floor, and a server that accepts and \
                 drops is kept waiting like one that refuses."
            }
            Self::Spread => "Clients that are cut off together do not come back together.",
            Self::RetryAfter => {
                "A server's Retry-After is waited for, up to the cap for it, and clients that were \
                 told the same are still spread."
            }
        })
    }
}
