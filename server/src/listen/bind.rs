//! The listening socket: systemd's when it passes one, else our own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use listenfd::ListenFd;
use rustix::net::sockopt::set_ipv6_v6only;
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

/// A new socket on `address`. `[::]` stands for all addresses of the machine: also those of IPv4 where the system would keep
/// them apart (`net.ipv6.bindv6only`), and those alone where it has no IPv6.
///
/// # Errors
/// What the system says, e.g. that the address is in use.
pub fn bind_own(address: SocketAddr) -> std::io::Result<TcpListener> {
    if address.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        return open(address);
    }
    open(address).or_else(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            return Err(error);
        }
        tracing::warn!(%error, "IPv6 cannot be used here; listening on the addresses of IPv4 alone");
        open((Ipv4Addr::UNSPECIFIED, address.port()).into())
    })
}

fn open(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        set_ipv6_v6only(&socket, false)?;
    }
    // A restarted server must not wait for the connections of its predecessor to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
