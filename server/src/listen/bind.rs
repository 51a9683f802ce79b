//! The listening socket: systemd's when it passes one, else our own.

use std::net::SocketAddr;

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted: a fleet reconnects all at once after a restart. The system caps it at
/// `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// The socket that systemd passes (`LISTEN_FDS`, sd_listen_fds(3)), or a new one on `address`.
///
/// # Errors
/// What the system says, e.g. that the address is in use.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    if let Some(passed) = ListenFd::from_env().take_tcp_listener(0)? {
        passed.set_nonblocking(true)?;
        return TcpListener::from_std(passed);
    }
    bind_own(address)
}

/// A new socket on `address`.
///
/// # Errors
/// What the system says, e.g. that the address is in use.
pub fn bind_own(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A restarted server must not wait for the connections of its predecessor to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
