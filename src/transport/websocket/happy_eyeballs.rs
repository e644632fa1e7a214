//! Happy Eyeballs, version 2 (RFC 8305): in which order the addresses of a host are tried, and how
//! the attempts overlap. Section 3 is left to the system's resolver, which answers for both
//! families at once, sorted by RFC 6724.

use std::{collections::VecDeque, future::Future, io, net::SocketAddr, pin::pin};

use futures::{
    StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};

use crate::{FailureKind, client::TransportError};

/// How many addresses one dial tries. Each is a connection, and each may fail at once: without a
/// limit, whoever answers for a name would say how many.
const MOST_ADDRESSES: usize = 16;

/// The addresses from the `first` on, and round to it again, with the families taking turns for as
/// long as there are both (section 4, with a First Address Family Count of 1); the first of them, if
/// there are very many.
pub(super) fn order(mut addresses: Vec<SocketAddr>, first: u32) -> Vec<SocketAddr> {
    let first = (first as usize).checked_rem(addresses.len()).unwrap_or(0);
    addresses.rotate_left(first);
    let starts_with = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut turn, mut other): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == starts_with);
    let mut ordered = Vec::with_capacity((turn.len() + other.len()).min(MOST_ADDRESSES));
    while let Some(address) = turn.pop_front().filter(|_| ordered.len() < MOST_ADDRESSES) {
        ordered.push(address);
        if !other.is_empty() {
            std::mem::swap(&mut turn, &mut other);
        }
    }
    ordered
}

/// The first connection that is made (section 5). An attempt begins when the one before has failed
/// or has been under way for a `wait`; the first to succeed drops the others.
///
/// # Errors
///
/// If all have failed, why one did; `None` if there was nothing to try.
pub(super) async fn race<Address, Conn, Connect, Wait>(
    addresses: Vec<Address>,
    mut connect: impl FnMut(Address) -> Connect,
    mut wait: impl FnMut() -> Wait,
) -> Result<Conn, Option<io::Error>>
where
    Connect: Future<Output = io::Result<Conn>>,
    Wait: Future,
{
    let mut addresses = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failed = None;
    loop {
        attempts.extend(addresses.next().map(&mut connect));
        let ended = if addresses.len() == 0 {
            attempts.next().await
        } else {
            match select(attempts.next(), pin!(wait())).await {
                Either::Left((ended, _)) => ended,
                Either::Right(_) => continue,
            }
        };
        match ended {
            Some(Ok(conn)) => return Ok(conn),
            Some(Err(error)) if failed.is_none() || is_telling(&error) => failed = Some(error),
            Some(Err(_)) => {}
            None => return Err(failed),
        }
    }
}

/// A family that the computer has no route for says nothing about the server.
fn is_telling(error: &io::Error) -> bool {
    error.failure().kind() != FailureKind::Unreachable
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, task::Poll};

    use futures::{FutureExt, channel::oneshot, executor::block_on, future, poll};

    use super::*;

    const SIX: [&str; 3] = ["[::1]:1", "[::2]:1", "[::3]:1"];
    const FOUR: [&str; 3] = ["1.0.0.0:1", "2.0.0.0:1", "3.0.0.0:1"];

    fn ordered(addresses: &[&str], first: u32) -> Vec<String> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        order(addresses, first).iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn families_take_turns_and_the_resolver_says_which_begins() {
        let [six, other_six, _] = SIX;
        let [four, other_four, last_four] = FOUR;
        assert_eq!(
            ordered(&[six, other_six, four, other_four], 0),
            [six, four, other_six, other_four]
        );
        assert_eq!(
            ordered(&[four, six, other_four, last_four], 0),
            [four, six, other_four, last_four]
        );
        assert_eq!(ordered(&[four, other_four, last_four, six], 0)[1], six);
    }

    #[test]
    fn each_attempt_begins_with_the_next_address_and_tries_all() {
        let all = [SIX[0], SIX[1], FOUR[0], FOUR[1], FOUR[2]];
        for attempt in 0..12 {
            let order = ordered(&all, attempt);
            assert_eq!(order[0], all[attempt as usize % all.len()]);
            assert_ne!(order[0].starts_with('['), order[1].starts_with('['), "{order:?}");
            assert!(all.iter().all(|address| order.iter().any(|other| other == address)));
            assert_eq!(order.len(), all.len());
        }
    }

    #[test]
    fn a_name_with_hundreds_of_addresses_is_dialed_at_a_few_each_time_and_at_all_in_turn() {
        let all: Vec<_> = (0..400).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
        let mut dialed: Vec<_> = (0..400).flat_map(|attempt| order(all.clone(), attempt)).collect();
        assert_eq!(dialed.len(), 400 * MOST_ADDRESSES);
        dialed.sort();
        dialed.dedup();
        assert_eq!(dialed, all);
    }

    #[test]
    fn no_address_and_one_family_are_no_special_case() {
        assert!(ordered(&[], 7).is_empty());
        assert_eq!(ordered(&FOUR, 4), [FOUR[1], FOUR[2], FOUR[0]]);
    }

    type Ends = oneshot::Sender<io::Result<usize>>;

    /// Attempts that end, and waits that are over, when a test says so.
    #[derive(Default)]
    struct Race {
        started: RefCell<Vec<Ends>>,
        waits: RefCell<Vec<oneshot::Sender<()>>>,
    }

    impl Race {
        async fn run(&self, addresses: usize) -> Result<usize, Option<io::Error>> {
            let connect = |_| {
                let (ends, end) = oneshot::channel();
                self.started.borrow_mut().push(ends);
                end.map(|end| end.unwrap())
            };
            let wait = || {
                let (over, waited) = oneshot::channel();
                self.waits.borrow_mut().push(over);
                waited
            };
            race((0..addresses).collect(), connect, wait).await
        }

        fn started(&self) -> usize {
            self.started.borrow().len()
        }

        fn is_under_way(&self, attempt: usize) -> bool {
            !self.started.borrow()[attempt].is_canceled()
        }

        fn end(&self, attempt: usize, end: io::Result<usize>) {
            let ends =
                std::mem::replace(&mut self.started.borrow_mut()[attempt], oneshot::channel().0);
            ends.send(end).unwrap();
        }

        fn wait(&self) {
            self.waits.borrow_mut().pop().unwrap().send(()).unwrap();
        }
    }

    fn error(kind: io::ErrorKind) -> io::Result<usize> {
        Err(kind.into())
    }

    #[test]
    fn the_next_attempt_begins_after_a_wait_and_the_first_to_connect_wins() {
        block_on(async {
            let race = Race::default();
            let mut run = pin!(race.run(3));
            assert!(poll!(run.as_mut()).is_pending());
            assert_eq!(race.started(), 1);
            race.wait();
            assert!(poll!(run.as_mut()).is_pending());
            assert_eq!(race.started(), 2);
            assert!(race.is_under_way(0), "a wait ends no attempt");
            race.end(0, Ok(0));
            assert!(matches!(poll!(run.as_mut()), Poll::Ready(Ok(0))));
            assert!(!race.is_under_way(1), "the loser is dropped");
            assert_eq!(race.started(), 2);
        });
    }

    #[test]
    fn the_next_attempt_begins_at_once_when_one_fails() {
        block_on(async {
            let race = Race::default();
            let mut run = pin!(race.run(2));
            assert!(poll!(run.as_mut()).is_pending());
            race.end(0, error(io::ErrorKind::ConnectionRefused));
            assert!(poll!(run.as_mut()).is_pending());
            assert_eq!(race.started(), 2);
            race.end(1, Ok(1));
            assert!(matches!(poll!(run.as_mut()), Poll::Ready(Ok(1))));
        });
    }

    #[test]
    fn one_address_or_the_last_needs_no_timer() {
        block_on(async {
            let race = Race::default();
            let mut run = pin!(race.run(1));
            assert!(poll!(run.as_mut()).is_pending());
            assert!(race.waits.borrow().is_empty());
            race.end(0, error(io::ErrorKind::ConnectionRefused));
            assert!(matches!(poll!(run.as_mut()), Poll::Ready(Err(Some(_)))));
        });
    }

    #[test]
    fn what_is_told_is_the_last_error_that_says_something_about_the_server() {
        use io::ErrorKind::{ConnectionRefused, ConnectionReset, NetworkUnreachable};
        for (errors, told) in [
            ([ConnectionReset, ConnectionRefused], ConnectionRefused),
            ([ConnectionRefused, NetworkUnreachable], ConnectionRefused),
            ([NetworkUnreachable, ConnectionRefused], ConnectionRefused),
            ([NetworkUnreachable, NetworkUnreachable], NetworkUnreachable),
        ] {
            let connect = |attempt: usize| future::ready(error(errors[attempt]));
            let run = race(vec![0, 1], connect, future::pending::<()>);
            let error = block_on(run).unwrap_err();
            assert_eq!(error.map(|error| error.kind()), Some(told), "{errors:?}");
        }
    }

    #[test]
    fn nothing_to_try_is_told_as_such() {
        let connect = |_: usize| future::ready(Ok(0));
        let run = race(Vec::new(), connect, future::pending::<()>);
        assert!(matches!(block_on(run), Err(None)));
    }
}
