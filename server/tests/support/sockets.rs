//! The server under test on a real socket, for what a router alone cannot show: upgrades, streams, ends.

use std::net::SocketAddr;
use std::sync::Arc;

use gangway_server::device_tls;
use gangway_server::listen::{self, ConnectionLimit, Service, Shutdown};
use tokio::sync::Semaphore;

use super::Server;

/// A listener of a server under test. Dropping it stops it.
pub(crate) struct Spawned {
    /// Where it listens, on loopback.
    pub(crate) address: SocketAddr,
    /// Its end.
    pub(crate) shutdown: Shutdown,
}

impl Server {
    /// Serves on a free loopback port.
    pub(crate) fn spawn(&self) -> Spawned {
        let listener = listen::bind_own(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let service = Service {
            router: self.router.clone(),
            tls: None,
            screen: device_tls::screen(&self.gangway),
            certificate_proxies: Arc::new([]),
            trusted_proxies: self.gangway.config.trusted_proxies.as_slice().into(),
            places: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            connection_limit: ConnectionLimit::new(self.gangway.config.caps.connections_per_address),
        };
        let shutdown = Shutdown::default();
        tokio::spawn(listen::serve(listener, service, shutdown.clone()));
        Spawned { address, shutdown }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}
