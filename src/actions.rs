//! The list of actions in a step.

use core::fmt;

use crate::{Action, Notice};

/// The actions of one step, in order: an inline list of at most [`Actions::MAX`].
///
/// ```
/// use steadfast::{Action, Actions, Command, Instant};
///
/// # use steadfast::{Backoff, Config, Machine, Seed};
/// # let mut machine = Machine::new(Config::default(), Backoff::default(), Seed::new(7), Instant::ORIGIN);
/// let actions: Actions = machine.handle(Instant::ORIGIN, Command::Start.into()).actions;
/// assert_eq!(actions.len(), 1);
/// assert!(actions.iter().all(|action| matches!(action, Action::Dial { .. })));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Actions {
    slots: [Option<Action>; Self::MAX],
}

impl Actions {
    /// How many actions a step has at most.
    pub const MAX: usize = 4;

    pub(crate) const fn new() -> Self {
        Self { slots: [None; Self::MAX] }
    }

    #[inline]
    pub(crate) fn push(&mut self, action: Action) {
        let free = self.slots.iter_mut().find(|slot| slot.is_none());
        debug_assert!(free.is_some(), "a step has at most {} actions", Self::MAX);
        if let Some(slot) = free {
            *slot = Some(action);
        }
    }

    /// The same list, if it has at most one action.
    #[inline]
    pub(crate) const fn only(&self) -> Option<Self> {
        match self.slots {
            [first, None, ..] => Some(Self { slots: [first, None, None, None] }),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn notify(&mut self, notice: Notice) {
        self.push(Action::Notify(notice));
    }

    /// The actions in order.
    pub fn iter(&self) -> impl Iterator<Item = Action> + '_ {
        self.slots.iter().map_while(|slot| *slot)
    }

    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        matches!(self.slots, [None, ..])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Actions {
    type Item = Action;
    type IntoIter = core::iter::Flatten<core::iter::Copied<core::slice::Iter<'a, Option<Action>>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.slots.iter().copied().flatten()
    }
}

impl IntoIterator for Actions {
    type Item = Action;
    type IntoIter = core::iter::Flatten<core::array::IntoIter<Option<Action>, { Self::MAX }>>;

    fn into_iter(self) -> Self::IntoIter {
        self.slots.into_iter().flatten()
    }
}

#[cfg(feature = "serde")]
mod serial {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::*;

    impl Serialize for Actions {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(self.iter())
        }
    }

    impl<'de> Deserialize<'de> for Actions {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_seq(List)
        }
    }

    struct List;

    impl<'de> de::Visitor<'de> for List {
        type Value = Actions;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {} actions", Actions::MAX)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Actions, A::Error> {
            let mut actions = Actions::new();
            for taken in 0.. {
                match list.next_element()? {
                    None => break,
                    Some(_) if taken == Actions::MAX => {
                        return Err(de::Error::invalid_length(taken + 1, &self));
                    }
                    Some(action) => actions.push(action),
                }
            }
            Ok(actions)
        }
    }
}
