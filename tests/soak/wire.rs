//! The default transport, with what it is given written into the book.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Sink, Stream};
use steadfast::{
    client::{Dial, DialContext, Frame},
    transport::{ByteStream, Conn, Dialer, tungstenite::Error},
};

use crate::book::SharedBook;

/// From the beginning of a dial to the end of the connection that comes of it.
struct Life {
    book: SharedBook,
    epoch: u64,
}

impl Life {
    fn begin(book: SharedBook, epoch: u64) -> Self {
        book.borrow_mut().dialing(epoch);
        Self { book, epoch }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.book.borrow_mut().dropped(self.epoch);
    }
}

pub(crate) fn watched(mut dialer: Dialer, book: SharedBook) -> impl Dial {
    move |context: DialContext| {
        let life = Life::begin(book.clone(), context.epoch.get());
        let dial = dialer.dial(context);
        async move {
            let conn = dial.await?;
            life.book.borrow_mut().opened(life.epoch);
            Ok::<_, steadfast::client::DialError>(Watched { conn, life })
        }
    }
}

struct Watched {
    conn: Conn<ByteStream>,
    life: Life,
}

impl Stream for Watched {
    type Item = Result<Frame, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.conn).poll_next(cx)
    }
}

impl Sink<Frame> for Watched {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.conn).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Frame) -> Result<(), Error> {
        if let Frame::Message(message) = &frame {
            self.life.book.borrow_mut().given(self.life.epoch, message);
        }
        Pin::new(&mut self.conn).start_send(frame)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let flushed = Pin::new(&mut self.conn).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.life.book.borrow_mut().flushed(self.life.epoch);
        }
        flushed
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.conn).poll_close(cx)
    }
}
