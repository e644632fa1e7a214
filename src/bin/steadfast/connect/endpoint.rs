//! One of the URLs: a dialer that says which it is.

use std::{cell::Cell, rc::Rc};

use steadfast::{
    client::{Dial, DialContext},
    transport::Dialer,
};

pub(super) struct Endpoint {
    dialer: Dialer,
    index: usize,
    /// The index of the one that was dialed last.
    current: Rc<Cell<usize>>,
}

impl Endpoint {
    /// One for each of `dialers`, and where the index of the one in use is kept.
    pub(super) fn all(dialers: Vec<Dialer>) -> (Vec<Self>, Rc<Cell<usize>>) {
        let current = Rc::new(Cell::new(0));
        let endpoint = |(index, dialer)| Self { dialer, index, current: current.clone() };
        (dialers.into_iter().enumerate().map(endpoint).collect(), current)
    }
}

impl Dial for Endpoint {
    type Conn = <Dialer as Dial>::Conn;
    type Error = <Dialer as Dial>::Error;
    type Future = <Dialer as Dial>::Future;

    fn dial(&mut self, context: DialContext) -> Self::Future {
        self.current.set(self.index);
        self.dialer.dial(context)
    }
}
