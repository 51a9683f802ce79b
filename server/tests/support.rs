//! What the front-door tests stand on: a server on a fresh database of either engine, a clock that is advanced by hand, and
//! requests without sockets.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use gangway_protocol::time::UnixMillis;
use gangway_server::clock::ManualClock;
use gangway_server::config::{Config, Environment, Values};
use gangway_server::limits::ClientAddress;
use gangway_server::rng::SystemRandom;
use gangway_server::router::router;
use gangway_server::serve::JOBS;
use gangway_server::state::Gangway;
use http::{HeaderValue, Request, Response, header};
use tower::ServiceExt as _;

pub(crate) mod authenticator;
pub(crate) mod client;
pub(crate) mod corporate_ca;
pub(crate) mod csr;
mod database;
pub(crate) mod device;
pub(crate) mod identity_provider;
pub(crate) mod member;
pub(crate) mod person;
mod postgres;
pub(crate) mod program;
pub(crate) mod receiver;
mod sockets;
pub(crate) mod visitor;

pub(crate) use postgres::fresh_database;
pub(crate) use sockets::Spawned;

/// Where tests begin: 2027-01-15T08:00:00Z.
pub(crate) const START: UnixMillis = UnixMillis(1_800_000_000_000);

/// Which database a test runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Makes `name::sqlite` and `name::postgres` of one test: `both_engines!(async fn name(server: Server) { … });`
macro_rules! both_engines {
    ($(#[$meta:meta])* async fn $name:ident($server:ident: Server) $body:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn story($server: $crate::support::Server) $body

            #[tokio::test]
            async fn sqlite() {
                story($crate::support::Server::start($crate::support::Engine::Sqlite).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                story($crate::support::Server::start($crate::support::Engine::Postgres).await).await;
            }
        }
    };
}
pub(crate) use both_engines;

/// A server under test.
pub(crate) struct Server {
    pub(crate) gangway: Arc<Gangway>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
    _folder: tempfile::TempDir,
    _database: Option<postgres::Migrated>,
}

impl Server {
    /// A server on a fresh database.
    pub(crate) async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {}).await
    }

    /// A server on a fresh database, with other options.
    pub(crate) async fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(postgres::Migrated::new().await),
        };
        let mut config = config(&folder, database.as_ref().map(|database| database.url.as_str()));
        change(&mut config);
        let clock = Arc::new(ManualClock::new(START));
        let gangway = open(config, &clock).await;
        Self {
            router: router(gangway.clone()),
            gangway,
            clock,
            _folder: folder,
            _database: database,
        }
    }

    /// The same data under a new process: what is only in memory is gone.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(|_| {}).await
    }

    /// As [`Self::restart`], with other options.
    pub(crate) async fn restart_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.gangway.config.clone();
        change(&mut config);
        self.gangway.measurements.close().await;
        self.gangway.db.close().await;
        let gangway = open(config, &self.clock).await;
        Self {
            router: router(gangway.clone()),
            gangway,
            ..self
        }
    }

    /// Does what the server does by itself: every job of its table, once.
    pub(crate) async fn tick(&self) {
        for job in JOBS {
            job.run(&self.gangway).await;
        }
    }

    /// What the relay's timer does.
    pub(crate) async fn tick_relay(&self) {
        self.gangway.relay.tick().await;
    }

    /// Sends a request through the router, from a loopback address unless it says otherwise.
    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        send_to(self.router.clone(), request).await
    }
}

async fn send_to(router: Router, mut request: Request<Body>) -> Response<Body> {
    if request.extensions().get::<ClientAddress>().is_none() {
        request
            .extensions_mut()
            .insert(ClientAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
    // As every client of HTTP/1.1 does.
    let host = HeaderValue::from_static("localhost:8080");
    request.headers_mut().entry(header::HOST).or_insert(host);
    router.oneshot(request).await.expect("the router is infallible")
}

async fn open(config: Config, clock: &Arc<ManualClock>) -> Arc<Gangway> {
    Gangway::open(config, clock.clone(), Arc::new(SystemRandom))
        .await
        .expect("a fresh server opens")
}

fn config(folder: &tempfile::TempDir, database_url: Option<&str>) -> Config {
    let mut flags = BTreeMap::from([
        ("data_dir".to_owned(), folder.path().display().to_string()),
        ("public_url".to_owned(), "http://localhost:8080".to_owned()),
    ]);
    flags.extend(database_url.map(|url| ("database_url".to_owned(), url.to_owned())));
    let values = Values::collect(&flags, None, &Environment::default()).expect("options that exist");
    Config::from_values(&values).expect("a configuration that holds together")
}
