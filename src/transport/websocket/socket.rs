use std::{
    io, mem,
    net::TcpStream,
    pin::Pin,
    task::{Context, Poll},
};

use async_io::Async;
use futures::{AsyncRead, AsyncWrite};

/// A TCP socket that tries to read once where async-io tries twice.
///
/// What async-io tells of the socket counts until the next read that has to wait, although what it
/// told of has been read by then. So that read is tried again, in vain: a system call for each
/// message that has been waited for.
pub(super) struct Socket {
    stream: Async<TcpStream>,
    /// The last read has had to wait.
    waits: bool,
}

impl From<Async<TcpStream>> for Socket {
    fn from(stream: Async<TcpStream>) -> Self {
        Self { stream, waits: false }
    }
}

impl Socket {
    #[cfg(feature = "tls")]
    pub(super) fn get_ref(&self) -> &TcpStream {
        self.stream.get_ref()
    }
}

impl AsyncRead for Socket {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if read.is_pending() {
            this.waits = true;
        } else if mem::take(&mut this.waits) {
            // It takes note of what it was told. Should that be of bytes behind these, they are found
            // all the same: whoever has read something reads again before waiting.
            let _ = this.stream.poll_readable(cx);
        }
        read
    }
}

impl AsyncWrite for Socket {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buffer)
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io::Write, net::TcpListener};

    use futures::{AsyncReadExt, AsyncWriteExt, FutureExt, executor::block_on};

    use super::*;

    /// Both ends of a connection.
    fn pair() -> [Socket; 2] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        [client, server].map(|stream| Async::new(stream).unwrap().into())
    }

    #[test]
    fn what_was_told_and_has_been_read_is_no_reason_to_try_again() {
        let [mut client, server] = pair();
        // It counts only where the reactor has begun to wait since, so once is not enough.
        for _ in 0..50 {
            let mut woken = false;
            async_io::block_on(poll_fn(|cx| {
                let read = Pin::new(&mut client).poll_read(cx, &mut [0; 9]);
                assert_eq!(read.is_ready(), woken, "it tells of what is there, and of that alone");
                if !mem::replace(&mut woken, true) {
                    (&mut server.stream.get_ref()).write_all(&[7; 8]).unwrap();
                }
                read
            }))
            .unwrap();
            let told = poll_fn(|cx| client.stream.poll_readable(cx)).now_or_never();
            assert!(told.is_none(), "it counts although it was read");
        }
    }

    #[test]
    fn whoever_waits_is_woken_for_each_message_and_for_what_was_left_of_it() {
        let [mut client, mut server] = pair();
        block_on(async {
            for round in 0..100 {
                let mut read = [0; 3];
                assert!(client.read(&mut read).now_or_never().is_none(), "nothing was sent");
                server.write_all(&[round; 8]).await.unwrap();
                for length in [3, 3, 2] {
                    assert_eq!(client.read(&mut read).await.unwrap(), length);
                    assert_eq!(read[..length], [round; 3][..length]);
                }
            }
        });
    }

    #[test]
    fn the_end_is_read_behind_the_last_bytes_that_were_waited_for() {
        let [mut client, mut server] = pair();
        block_on(async {
            let mut read = [0; 3];
            assert!(client.read(&mut read).now_or_never().is_none(), "nothing was sent");
            server.write_all(&[1; 3]).await.unwrap();
            drop(server);
            assert_eq!(client.read(&mut read).await.unwrap(), 3);
            assert_eq!(client.read(&mut read).await.unwrap(), 0);
        });
    }
}
