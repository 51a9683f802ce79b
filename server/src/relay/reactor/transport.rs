//! The byte stream under a socket, without blocking: TCP as it is, or TLS over it.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::ServerConnection;

use crate::listen::Stream;

/// Reads of TLS records for one read of what is in them: a record of 16 KiB comes in five. Records that hold nothing must not
/// keep the reactor at one connection.
const MAX_RECORD_READS: u32 = 8;

/// A stream that the reactor drives.
pub(crate) enum Transport {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP. Boxed: it is a hundred times as large.
    Tls(Box<Tls>),
}

/// TLS over TCP.
pub(crate) struct Tls {
    tcp: TcpStream,
    session: ServerConnection,
}

/// What a read brought.
pub(super) enum Read {
    /// So many bytes, none if what came was for TLS itself; `drained` when there cannot be more at the moment.
    Bytes { len: usize, drained: bool },
    /// Nothing at the moment.
    Nothing,
    /// The other end has gone.
    End,
}

impl Transport {
    /// Takes a stream out of tokio's hands.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn new(stream: Stream) -> io::Result<Self> {
        let tcp = |stream: tokio::net::TcpStream| stream.into_std().map(TcpStream::from_std);
        Ok(match stream {
            Stream::Plain(stream) => Self::Plain(tcp(stream)?),
            Stream::Tls(stream) => {
                let (stream, session) = stream.into_inner();
                Self::Tls(Box::new(Tls {
                    tcp: tcp(stream)?,
                    session,
                }))
            }
        })
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(self.tcp_mut(), token, Interest::READABLE | Interest::WRITABLE)
    }

    pub(super) fn deregister(&mut self, registry: &Registry) {
        // Closing the descriptor takes it out as well; this only keeps platforms alike.
        let _ = registry.deregister(self.tcp_mut());
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Read {
        match self {
            Self::Plain(tcp) => loop {
                return match tcp.read(buffer) {
                    Ok(0) => Read::End,
                    // A short read has emptied the socket (epoll(7), question 9): whatever comes is a new event.
                    Ok(len) => Read::Bytes {
                        len,
                        drained: len < buffer.len(),
                    },
                    Err(error) if error.kind() == ErrorKind::WouldBlock => Read::Nothing,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(_) => Read::End,
                };
            },
            Self::Tls(tls) => tls.read(buffer),
        }
    }

    /// Writes what can be written now and returns how much that was.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => write_some(|| tcp.write(bytes)),
            Self::Tls(tls) => {
                let taken = tls.session.writer().write(bytes)?;
                tls.flush()?;
                Ok(taken)
            }
        }
    }

    /// Whether an earlier write has left something behind.
    pub(super) fn has_unsent(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.session.wants_write(),
        }
    }

    /// Goes on with what an earlier write left behind. True when nothing is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(_) => Ok(true),
            Self::Tls(tls) => tls.flush(),
        }
    }

    /// Says that nothing more will be written, once all has been. False when there still is something to write.
    pub(super) fn finish(&mut self) -> bool {
        if let Self::Tls(tls) = self {
            tls.session.send_close_notify();
            if matches!(tls.flush(), Ok(false)) {
                return false;
            }
        }
        // It fails when the other end has gone, which is the purpose.
        let _ = self.tcp_mut().shutdown(Shutdown::Write);
        true
    }

    fn tcp_mut(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &mut tls.tcp,
        }
    }
}

impl Tls {
    fn read(&mut self, buffer: &mut [u8]) -> Read {
        for _ in 0..MAX_RECORD_READS {
            match self.session.reader().read(buffer) {
                Ok(0) => return Read::End,
                Ok(len) => return Read::Bytes { len, drained: false },
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Read::End,
            }
            match self.session.read_tls(&mut self.tcp) {
                Ok(0) => return Read::End,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Read::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Read::End,
            }
            let sound = self.session.process_new_packets().is_ok();
            // Alerts and key updates are due whether it was sound or not.
            if self.flush().is_err() || !sound {
                return Read::End;
            }
        }
        Read::Bytes {
            len: 0,
            drained: false,
        }
    }

    fn flush(&mut self) -> io::Result<bool> {
        while self.session.wants_write() {
            if write_some(|| self.session.write_tls(&mut self.tcp))? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn write_some(mut write: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match write() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
